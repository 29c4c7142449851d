release=$(name current)
[ -n "$release" ] || fail "nothing runs here: deploy a release first, with --token NAME if you need one"
manage "$release" console.py -c "$COMMAND"
