# What there is, as `key value`.
echo "current $(name current)"
echo "previous $(name previous)"
echo "running" $(running)
echo "releases" $(ls -tr releases)
echo "wheels" $(ls shared/wheels)
echo "maintenance $(cat shared/maintenance 2>/dev/null || :)"
echo "lock $(! grep -q ":$(stat -c %i .lock) " /proc/locks || cat .lock)"      # taking it would be in the way
echo "free $(df --output=avail -k . | tail -1)"
echo "health $(front "$HEALTH" >/dev/null 2>&1 && echo yes || echo no)"
[ ! -e current ] || echo "release $(cat current/RELEASE.json)"
