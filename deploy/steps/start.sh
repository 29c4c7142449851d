# Starts a release beside the current one, and waits until it is healthy on its own socket.
lock_steps
[ -n "$NAME" ] || exit 0    # this host has no current release
unit="hbnb@$NAME.service"
ask_release() { path=$1; shift; curl -sS --max-time 3 --unix-socket "releases/$NAME/run/app.sock" "$@" "http://localhost$path"; }
# The first request for a page takes each worker ten times as long. Make these requests now, before visitors do.
warm_up() { for _ in 1 2 3 4 5 6 7 8; do for path in / /hbnb; do ask_release "$path" -o /dev/null || :; done; done; } 2>/dev/null
restarts() { systemctl show -p NRestarts --value "$unit"; }
status() { ask_release "$HEALTH" -o /dev/null -w '%{http_code}' 2>/dev/null || :; }
healthy() { [ "$(status)" = 200 ]; }
if systemctl is-active --quiet "$unit"; then
    # It has run since before the last change of settings or database, so check that it can still start.
    error=$(manage "$NAME" console.py -c help 2>&1) ||
        fail "$NAME cannot start with the current settings and database: $error"
    healthy || { sleep 1; healthy; } || sudo -n systemctl stop "$unit"
fi
sudo -n systemctl start "$unit"
before=$(restarts)
end=$(($(date +%s) + WAIT))
while [ "$(date +%s)" -lt "$end" ] && [ "$(restarts)" = "$before" ]; do
    case $(status) in
        200) warm_up; exit 0;;
        000) sleep 0.1;;    # it does not listen yet
        *) sleep 1;;        # it answers, but is not healthy; its log says why
    esac
done
{
    echo "$NAME does not become healthy at $HEALTH. Its log:"
    journalctl --quiet --no-pager --output cat --lines 1000 --unit "$unit" | grep -vF -e "\"$HEALTH\"" -e " $HEALTH " | tail -n 30
    ask_release "$HEALTH"
} >&2 2>&1 || :
exit 1
