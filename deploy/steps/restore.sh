alone
release=$(name current)
[ -n "$release" ] || fail "nothing runs here that could restore it: deploy a release first"
manage() { sudo -n -u hbnb /usr/local/lib/hbnb/manage "$release" "$@"; }
manage -m flask --app wsgi db upgrade
manage console.py restore --replace "$FILE"
