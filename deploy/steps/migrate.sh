alone
aside
manage "$NAME" -m flask --app wsgi db upgrade
[ -z "$TOKEN" ] || manage "$NAME" console.py token create "$TOKEN"
