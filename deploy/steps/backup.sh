release=$(name current)
[ -n "$release" ] || fail "nothing runs here that could back itself up: deploy a release first"
manage() { sudo -n -u hbnb /usr/local/lib/hbnb/manage "$release" "$@"; }
manage console.py backup "$FILE"
manage -c 'import os, sys; os.chmod(sys.argv[1], 0o640)' "$FILE"
sha256sum "$FILE" | cut -d ' ' -f 1
