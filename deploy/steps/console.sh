# Runs a console command with the current release.
release=$(release_name current)
[ -n "$release" ] || fail "no release runs here: deploy one first, with --token NAME if you need a token"
manage "$release" console.py -c "$COMMAND"
