# Functions of provisioning. Each one brings something into its wanted state, and prints a line if it changed it.
# ARCHIVE contains the files to install; FILES is the folder that they are unpacked in.
FILES=$(mktemp -d)
trap 'rm -rf "$FILES" "$ARCHIVE"' EXIT
tar -xzf "$ARCHIVE" -C "$FILES"
fail() { echo "$*" >&2; exit 1; }
changed() { echo "changed: $*"; }
packages() {
    missing=
    for package; do dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"; done
    [ -n "$missing" ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >&2 || fail "packages could not be installed:$missing"
    changed "packages$missing"
}
account() {     # account NAME OPTIONS…
    user=$1; shift
    id "$user" >/dev/null 2>&1 || { useradd "$@" "$user"; changed "account $user"; }
}
member() {      # member USER GROUP
    id -nG "$1" | tr ' ' '\n' | grep -qx "$2" || { usermod -aG "$2" "$1"; changed "added $1 to the group $2"; }
}
# The owner of a folder can put a link in it. So subfolders are created as that owner, not as root.
directory() {   # directory PATH MODE OWNER:GROUP
    [ ! -L "$1" ] || fail "$1 is a link, but must be a folder: check its owner ($(ls -ld "$1")), and remove it"
    [ "$(stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$2 $3" ] || {
        runuser -u "$(stat -c %U "$(dirname "$1")" 2>/dev/null || echo root)" -- install -d -m "$2" -o "${3%:*}" -g "${3#*:}" "$1"
        changed "directory $1"; }
}
file() {        # file NAME PATH MODE OWNER:GROUP: installs a file of FILES; `new` is not empty if it changed
    new=
    if ! cmp -s "$FILES/$1" "$2" || [ "$(stat -c '%a %U:%G' "$2")" != "$3 $4" ]; then
        install -D -m "$3" -o "${4%:*}" -g "${4#*:}" "$FILES/$1" "$2.new"
        mv -T "$2.new" "$2"
        new=1
        changed "file $2"
    fi
}
link() {        # link TARGET PATH
    [ "$(readlink "$2")" = "$1" ] || { ln -sfn "$1" "$2"; changed "link $2"; }
}
setting() {     # setting NAME QUOTED: sets a line of /etc/hbnb/env; other lines stay
    grep -qxF "$1=$2" /etc/hbnb/env || {
        { grep -v "^$1=" /etc/hbnb/env || :; printf '%s=%s\n' "$1" "$2"; } > /etc/hbnb/env.new
        chown root:hbnb /etc/hbnb/env.new
        chmod 640 /etc/hbnb/env.new
        mv -T /etc/hbnb/env.new /etc/hbnb/env
        changed "setting $1"
    }
}
enabled() {     # enabled UNIT
    systemctl is-enabled --quiet "$1" 2>/dev/null || { systemctl enable --quiet "$1"; changed "enabled $1"; }
}
started() {     # started UNIT: starts it, or reloads its configuration, which does not count as a change
    if systemctl is-active --quiet "$1"; then
        systemctl reload "$1"
    else
        systemctl reset-failed "$1" 2>/dev/null || :
        systemctl start "$1" || { journalctl --no-pager --quiet --output cat --lines 20 --unit "$1" >&2; fail "$1 does not start"; }
        changed "started $1"
    fi
}
