# What every step begins with. The folder of releases is where it works.
fail() { echo "$*" >&2; exit 1; }
name() { basename "$(readlink "$1" 2>/dev/null)" 2>/dev/null || :; }    # of the release that a link leads to
swap() { ln -sfn "$1" ".$2" && mv -T ".$2" "$2"; }                      # point a link elsewhere, with no gap
front() { path=$1; shift; curl -fsS --max-time 3 -H "Host: $SERVER_NAME" "$@" "http://127.0.0.1$path"; }
# The step of a deployment whose deployer died may still be at work.
alone() { exec 8>>.step && flock -w 60 8 || fail "a step of an earlier deployment is still at work: wait, and try again"; }
manage() { sudo -n -u hbnb /usr/local/lib/hbnb/manage "$@"; }     # a release's own Python
forget() { rm -rf "releases/$1" "releases/.$1" "/data/web_static/releases/$1"; }       # a release
aside() { renice -n 10 -p $$ >/dev/null; }      # what serves comes first
running() { systemctl list-units --plain --no-legend --state=active,activating 'hbnb@*' | sed 's/hbnb@\(.*\)\.service .*/\1/'; }
cd "$ROOT" 2>/dev/null || fail "there is no $ROOT: provision this host first"
