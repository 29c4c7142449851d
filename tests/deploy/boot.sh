# Boots a test host. hosts.py runs it in the mount namespace of switch.sh, as
#   unshare --net --mount --uts --ipc --pid --fork sh boot.sh NAME ADDRESS SWITCH FOLDER GROUP
# SWITCH: the process id of the switch; GROUP: the host's control group.
set -eu
name=$1 address=$2 switch=/proc/$3/ns/net folder=$4 group=$5
host=$folder/$name

# Use the same MAC address at each boot, because neighbours have it in their ARP caches.
nsenter --net="$switch" ip link delete "$name" 2>/dev/null || :
mac=$(printf '02:4d:%02x:%02x:%02x:%02x' $(echo "$address" | tr . ' '))
ip link add eth0 address "$mac" type veth peer name "$name" netns "$switch"
nsenter --net="$switch" ip link set "$name" master switch up
ip link set lo up
ip address add "$address/24" dev eth0
ip link set eth0 up

mount -t overlay -o "lowerdir=/,upperdir=$host/upper,workdir=$host/work" "$name" "$host/root"
cd "$host/root"
echo 0 > "$group/cgroup.procs"
# shellcheck disable=SC2016
exec unshare --cgroup sh -euc '
    mount -t proc proc proc
    # All hosts share the kernel of the machine, so they must not configure it.
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 run run
    mount -t tmpfs -o mode=755 dev dev
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
    mount -t tmpfs shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ln -s fd/0 dev/stdin
    ln -s fd/1 dev/stdout
    ln -s fd/2 dev/stderr
    umask 0
    mknod dev/null c 1 3
    mknod dev/zero c 1 5
    mknod dev/full c 1 7
    mknod dev/random c 1 8
    mknod dev/urandom c 1 9
    mknod dev/tty c 5 0
    umask 022
    pivot_root . mnt
    umount -l mnt
    exec env -i container=hbnb-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-mac_admin,-syslog /lib/systemd/systemd
'
