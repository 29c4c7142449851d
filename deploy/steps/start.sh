# Starts a release beside the one that serves, and waits until it is healthy on its own socket.
alone
[ -n "$NAME" ] || exit 0    # nothing is current here
unit="hbnb@$NAME.service"
at() { path=$1; shift; curl -sS --max-time 3 --unix-socket "releases/$NAME/run/app.sock" "$@" "http://localhost$path"; }
ask() { at "$HEALTH" "$@"; }
# What is drawn for the first time takes ten times as long, in each worker: no guest should wait for that.
warm() { for _ in 1 2 3 4 5 6 7 8; do for path in / /hbnb; do at "$path" -o /dev/null || :; done; done; } 2>/dev/null
restarts() { systemctl show -p NRestarts --value "$unit"; }
status() { ask -o /dev/null -w '%{http_code}' 2>/dev/null || :; }
healthy() { [ "$(status)" = 200 ]; }
if systemctl is-active --quiet "$unit"; then     # since when settings and database were as they were then
    said=$(manage "$NAME" console.py -c help 2>&1) ||
        fail "$NAME cannot run with settings and database as they are now: $said"
    healthy || { sleep 1; healthy; } || sudo -n systemctl stop "$unit"
fi
sudo -n systemctl start "$unit"
before=$(restarts)
end=$(($(date +%s) + WAIT))
while [ "$(date +%s)" -lt "$end" ] && [ "$(restarts)" = "$before" ]; do
    case $(status) in
        200) warm; exit 0;;
        000) sleep 0.1;;    # it is not there yet
        *) sleep 1;;        # it is, and its log will say why
    esac
done
{
    echo "$NAME does not become healthy at $HEALTH. What it says itself:"
    journalctl --quiet --no-pager --output cat --lines 1000 --unit "$unit" | grep -vF -e "\"$HEALTH\"" -e " $HEALTH " | tail -n 30
    ask
} >&2 2>&1 || :
exit 1
