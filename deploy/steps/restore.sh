alone
release=$(name current)
[ -n "$release" ] || fail "nothing runs here that could restore it: deploy a release first"
manage "$release" -m flask --app wsgi db upgrade
manage "$release" console.py restore $REPLACE "$FILE"
