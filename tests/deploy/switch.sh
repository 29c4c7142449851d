# The switch that joins test hosts, and their disks and control groups. Run by hosts.py as
#   unshare --net --mount sh switch.sh FOLDER LINK OUTSIDE NAMES
# FOLDER: mount point of the disks; LINK: name of the network interface for the tests; OUTSIDE: their network namespace.
# Bridge, links and disks end with this process, because it holds both namespaces. It ends when its input is closed.
set -eu
folder=$1 link=$2 outside=$3 names=$4

ip link add switch type bridge
ip link set switch up
ip link add outlet type veth peer name "$link" netns "$outside"
ip link set outlet master switch up

mount -t tmpfs disks "$folder"
mkdir "$folder/cgroup"
mount -t cgroup2 cgroup2 "$folder/cgroup"
for name in $names; do
    mkdir "$folder/$name"
    mount -t tmpfs "$name" "$folder/$name"
    mkdir "$folder/$name/upper" "$folder/$name/work" "$folder/$name/root"
    mkdir -p "$folder/cgroup/$link/$name"
done

echo ready
read -r _ || :

# Only control groups must be removed explicitly.
echo 1 > "$folder/cgroup/$link/cgroup.kill" || :
for _ in $(seq 100); do
    if find "$folder/cgroup/$link" -depth -type d -exec rmdir {} + 2>/dev/null; then break; fi
    sleep 0.05
done
