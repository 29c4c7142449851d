alone
aside
sudo -n -u hbnb /usr/local/lib/hbnb/manage "$NAME" -m flask --app wsgi db upgrade
[ -z "$TOKEN" ] || sudo -n -u hbnb /usr/local/lib/hbnb/manage "$NAME" console.py token create "$TOKEN"
