# Prints the state of the host, as lines of `key value`.
echo "current $(release_name current)"
echo "previous $(release_name previous)"
echo "running" $(running_releases)
echo "releases" $(ls -tr releases)
echo "wheels" $(ls shared/wheels)
echo "maintenance $(cat shared/maintenance 2>/dev/null || :)"
echo "lock $(! grep -q ":$(stat -c %i .lock) " /proc/locks || cat .lock)"      # without taking the lock itself
echo "free $(df --output=avail -k . | tail -1)"
ask_nginx "$HEALTH" >/dev/null 2>&1 && echo "health yes" || {
    echo "health no"
    echo "health_error $(ask_nginx "$HEALTH" --no-fail 2>&1 | head -c 500 | tr -s '[:cntrl:]' ' ')"
}
[ ! -e current ] || echo "release $(cat current/RELEASE.json)"
