# Sets up a web server.
packages nginx sudo logrotate curl python3-venv libmariadb3 $BUILD
account hbnb --system --home-dir /var/lib/hbnb --shell /usr/sbin/nologin --user-group
account "$USER_NAME" --create-home --shell /bin/bash --user-group
member "$USER_NAME" www-data            # may connect to a release's socket
member "$USER_NAME" systemd-journal     # may read a release's log
if [ ! -e "/home/$USER_NAME/.ssh/authorized_keys" ]; then       # administrators may deploy too
    directory "/home/$USER_NAME/.ssh" 700 "$USER_NAME:$USER_NAME"
    admin=$(getent passwd "${SUDO_USER:-root}" | cut -d : -f 6)
    runuser -u "$USER_NAME" -- sh -c 'umask 077; cat > "$1"' sh "/home/$USER_NAME/.ssh/authorized_keys" < "$admin/.ssh/authorized_keys"
    changed "keys of $USER_NAME"
fi

own=$USER_NAME:$USER_NAME
directory "$ROOT" 755 "$own"
directory "$ROOT/releases" 755 "$own"
directory "$ROOT/shared" 755 "$own"
for each in venvs uploads wheels; do directory "$ROOT/shared/$each" 755 "$own"; done
directory /usr/local/lib/hbnb/down 755 root:root
file away.html /usr/local/lib/hbnb/down/away.html 644 root:root
file away.json /usr/local/lib/hbnb/down/away.json 644 root:root
directory /data/web_static 755 root:root
directory /data/web_static/releases 755 "$own"
link "$ROOT/current/web_static" /data/web_static/current
directory /var/lib/hbnb 750 hbnb:www-data
directory /var/backups/hbnb 2770 "hbnb:$USER_NAME"

directory /etc/hbnb 755 root:root
[ -e /etc/hbnb/env ] || { install -m 640 -o root -g hbnb /dev/null /etc/hbnb/env; changed "file /etc/hbnb/env"; }
[ ! -e "$FILES/database.pem" ] || file database.pem /etc/hbnb/database.pem 644 root:root     # the database's certificate
. "$FILES/settings"
error=$(runuser -u hbnb -- sh -euc '. /etc/hbnb/env' 2>&1) || fail "/etc/hbnb/env cannot be read: $error. Write it as lines of NAME='value'"

file manage /usr/local/lib/hbnb/manage 755 root:root
visudo --check --quiet --file "$FILES/sudoers" || fail "sudo rejects the rules in deploy/files/sudoers. Correct that file, and run \`fab ENV provision\` again"
file sudoers /etc/sudoers.d/hbnb 440 root:root
file sshd.conf /etc/ssh/sshd_config.d/hbnb.conf 644 root:root
sshd -t || fail "sshd rejects its configuration"
systemctl reload ssh
file journald.conf /etc/systemd/journald.conf.d/hbnb.conf 644 root:root
[ -z "$new" ] || systemctl restart systemd-journald
file logrotate /etc/logrotate.d/hbnb 644 root:root
file hbnb@.service /etc/systemd/system/hbnb@.service 644 root:root
file hbnb.service /etc/systemd/system/hbnb.service 644 root:root
file hbnb-worker.service /etc/systemd/system/hbnb-worker.service 644 root:root
systemctl daemon-reload
enabled hbnb.service
enabled hbnb-worker.service
enabled logrotate.timer

site=/etc/nginx/sites-available/hbnb
cp -p "$site" "$FILES/site" 2>/dev/null || :
file nginx.conf "$site" 644 root:root
link "$site" /etc/nginx/sites-enabled/hbnb
[ ! -e /etc/nginx/sites-enabled/default ] || { rm /etc/nginx/sites-enabled/default; changed "removed nginx's default site"; }
error=$(nginx -t -q 2>&1) || {
    # Put the old file back, so that nginx can start at the next boot.
    if [ -e "$FILES/site" ]; then cp -p "$FILES/site" "$site"; else rm -f "$site" /etc/nginx/sites-enabled/hbnb; fi
    fail "nginx rejects the site's configuration, so the old one was put back: $error"
}
enabled nginx
started nginx
