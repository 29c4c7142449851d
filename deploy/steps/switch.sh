# One rename moves files and application; then the front door must answer for the new release.
alone
if [ "$(name current)" != "$NAME" ]; then
    [ ! -L current ] || swap "$(readlink current)" previous
    swap "releases/$NAME" current
fi
for try in 1 2 3 4 5 6 7 8 9 10; do
    ! { front /health/live | grep -q "\"$NAME\"" && front "$HEALTH"; } >/dev/null 2>&1 || exit 0
    sleep 0.2
done
fail "the front door (nginx, http://127.0.0.1$HEALTH) does not answer for $NAME: $({ front /health/live; front "$HEALTH"; } 2>&1 || :)
Look at \`systemctl status nginx\`, and at the last lines of /var/log/nginx/hbnb.access.log"
