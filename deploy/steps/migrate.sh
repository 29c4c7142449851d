# Migrates the database, and creates an API token if one was asked for.
lock_steps
low_priority
manage "$NAME" -m flask --app wsgi db upgrade
[ -z "$TOKEN" ] || manage "$NAME" console.py token create "$TOKEN"
