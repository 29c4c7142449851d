# Restores a backup with the current release.
lock_steps
release=$(release_name current)
[ -n "$release" ] || fail "no release runs here, so a backup cannot be restored: deploy a release first"
manage "$release" -m flask --app wsgi db upgrade
manage "$release" console.py restore $REPLACE "$FILE"
