# The balancer.
packages haproxy
file unavailable.http /etc/haproxy/errors/hbnb.http 644 root:root
said=$(haproxy -c -f "$FILES/haproxy.cfg" 2>&1) || fail "haproxy does not understand its configuration: $said"
file haproxy.cfg /etc/haproxy/haproxy.cfg 644 root:root
file sshd.conf /etc/ssh/sshd_config.d/hbnb.conf 644 root:root
sshd -t || fail "sshd does not understand its configuration"
systemctl reload ssh
enabled haproxy
started haproxy
