# Sets up the balancer.
packages haproxy
file unavailable.http /etc/haproxy/errors/hbnb.http 644 root:root
error=$(haproxy -c -f "$FILES/haproxy.cfg" 2>&1) || fail "HAProxy rejects its configuration: $error"
file haproxy.cfg /etc/haproxy/haproxy.cfg 644 root:root
file sshd.conf /etc/ssh/sshd_config.d/hbnb.conf 644 root:root
sshd -t || fail "sshd rejects its configuration"
systemctl reload ssh
enabled haproxy
started haproxy
