# Sets up the database server. Its password is generated once, into /etc/hbnb/database, which only root can read.
packages mariadb-server openssl
restart=
if [ -n "$TLS_ADDRESS" ]; then      # the web servers are other hosts: listen on this address only, with TLS
    ip -o address show | grep -qwF "$TLS_ADDRESS" ||
        fail "this host has no address $TLS_ADDRESS: set database_address to its address in the internal network"
    directory /etc/mysql/hbnb 750 root:mysql
    cert=/etc/mysql/hbnb/certificate.pem
    { openssl x509 -in $cert -noout -checkend 2592000 && openssl x509 -in $cert -noout -checkip "$TLS_ADDRESS"; } 2>&1 |
        grep -q 'does match' || {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$TLS_ADDRESS" \
            -addext "subjectAltName=IP:$TLS_ADDRESS" -keyout "$FILES/key.pem" -out "$FILES/certificate.pem" 2>/dev/null
        file key.pem /etc/mysql/hbnb/key.pem 640 root:mysql
        file certificate.pem $cert 644 root:root
        restart=1
    }
    echo "certificate: $(base64 -w 0 $cert)"
fi
file mariadb.service.conf /etc/systemd/system/mariadb.service.d/hbnb.conf 644 root:root
[ -z "$new" ] || systemctl daemon-reload
file mariadb.cnf /etc/mysql/mariadb.conf.d/99-hbnb.cnf 644 root:root
[ -z "$new$restart" ] || systemctl restart mariadb
enabled mariadb
systemctl is-active --quiet mariadb || { systemctl start mariadb; changed "started mariadb"; }
directory /etc/hbnb 755 root:root
[ -e /etc/hbnb/database ] || {
    (umask 077; od -An -N 24 -tx1 /dev/urandom | tr -d ' \n' > /etc/hbnb/database)
    changed "database password"
}
password=$(cat /etc/hbnb/database)
sql() { mariadb --batch --skip-column-names; }
has() { [ "$(echo "SELECT COUNT(*) FROM $1" | sql)" = 1 ]; }
has "information_schema.schemata WHERE schema_name = 'hbnb_db'" || {
    echo "CREATE DATABASE hbnb_db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" | sql
    changed "database hbnb_db"
}
for address in $ADDRESSES; do
    mariadb --protocol=socket --execute "SHOW GRANTS FOR 'hbnb'@'$address'" 2>/dev/null | grep -q "$(printf "SELECT PASSWORD('%s')" "$password" | sql)" || {
        sql <<SQL
CREATE USER IF NOT EXISTS 'hbnb'@'$address' IDENTIFIED BY '$password';
ALTER USER 'hbnb'@'$address' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON hbnb_db.* TO 'hbnb'@'$address';
GRANT SELECT ON performance_schema.* TO 'hbnb'@'$address';
SQL
        changed "database user hbnb@$address"
    }
done
# Only `fab provision` reads this line; it is not shown.
echo "password: $password"
