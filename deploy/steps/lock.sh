# Holds .lock as long as the connection is there: `cat` ends with it.
cd "$ROOT" 2>/dev/null || { echo; exit 1; }
exec 9>>.lock
flock -n 9 || { echo "a deployment is at work: $(cat .lock). Wait for its end"; exit 75; }
echo "$WHO, since $(date -u +%FT%TZ)" > .lock || :   # a full disk is told about by who asks for the space
echo locked
cat >/dev/null
: > .lock
