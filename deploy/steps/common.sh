# Functions for all steps. The working directory is the release root.
fail() { echo "$*" >&2; exit 1; }
release_name() { basename "$(readlink "$1" 2>/dev/null)" 2>/dev/null || :; }    # of the release that a link points to
point_link() { ln -sfn "$1" ".$2" && mv -T ".$2" "$2"; }                        # point_link TARGET LINK, atomically
ask_nginx() { path=$1; shift; curl -fsS --max-time 3 -H "Host: $SERVER_NAME" "$@" "http://127.0.0.1$path"; }
# If the connection breaks, a step keeps running; the steps of the next deployment wait for it.
lock_steps() { exec 8>>.step && flock -w 60 8 || fail "a step of an earlier deployment is still running. Wait until it has ended, and run the command again"; }
manage() { sudo -n -u hbnb /usr/local/lib/hbnb/manage "$@"; }     # manage RELEASE …: run a release's Python
remove_release() { rm -rf "releases/$1" "releases/.$1" "/data/web_static/releases/$1"; }
low_priority() { renice -n 10 -p $$ >/dev/null; }                 # leave the CPU to the running release
running_releases() { systemctl list-units --plain --no-legend --state=active,activating 'hbnb@*' | sed 's/hbnb@\(.*\)\.service .*/\1/'; }
# Its unit says when the worker must not run: then this only stops it. A host that an older HBNB set up has no worker.
restart_worker() { [ ! -e /etc/systemd/system/hbnb-worker.service ] || sudo -n systemctl restart hbnb-worker.service; }
cd "$ROOT" 2>/dev/null || fail "the folder $ROOT does not exist: run \`fab ENV provision\` first"
