release=$(name current)
[ -n "$release" ] || fail "nothing runs here that could back itself up: deploy a release first"
manage "$release" console.py backup "$FILE"
manage "$release" -c 'import os, sys; os.chmod(sys.argv[1], 0o640)' "$FILE"
sha256sum "$FILE" | cut -d ' ' -f 1
