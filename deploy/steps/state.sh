# What there is, as `key value`.
echo "current $(name current)"
echo "previous $(name previous)"
echo "running" $(running)
echo "releases" $(ls -tr releases)
echo "wheels" $(ls shared/wheels)
echo "maintenance $(cat shared/maintenance 2>/dev/null || :)"
echo "lock $(! grep -q ":$(stat -c %i .lock) " /proc/locks || cat .lock)"      # taking it would be in the way
echo "free $(df --output=avail -k . | tail -1)"
front "$HEALTH" >/dev/null 2>&1 && echo "health yes" || {
    echo "health no"
    echo "trouble $(front "$HEALTH" --no-fail 2>&1 | head -c 500 | tr -s '[:cntrl:]' ' ')"
}
[ ! -e current ] || echo "release $(cat current/RELEASE.json)"
