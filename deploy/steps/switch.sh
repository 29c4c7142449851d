# Makes a release current: one rename switches static files and application. Then nginx must answer for the new release.
lock_steps
if [ "$(release_name current)" != "$NAME" ]; then
    [ ! -L current ] || point_link "$(readlink current)" previous
    point_link "releases/$NAME" current
fi
restart_worker
for try in 1 2 3 4 5 6 7 8 9 10; do
    ! { ask_nginx /health/live | grep -q "\"$NAME\"" && ask_nginx "$HEALTH"; } >/dev/null 2>&1 || exit 0
    sleep 0.2
done
fail "nginx (http://127.0.0.1$HEALTH) does not serve the release $NAME: $({ ask_nginx /health/live; ask_nginx "$HEALTH"; } 2>&1 || :)
Check \`systemctl status nginx\`, and the last lines of /var/log/nginx/hbnb.access.log"
