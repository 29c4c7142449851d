# Holds the lock for as long as the connection is open: `cat` ends with it.
cd "$ROOT" 2>/dev/null || { echo; exit 1; }
exec 9>>.lock
flock -n 9 || { echo "another deployment is running: $(cat .lock). Wait until it ends"; exit 75; }
echo "$OPERATOR, since $(date -u +%FT%TZ)" > .lock || :     # a full disk is reported by the step that needs space
echo locked
cat >/dev/null
: > .lock
