# Installs what a release needs into an environment that all releases with the same requirements share.
alone
aside
venv=$(readlink "releases/$NAME/.venv")
[ ! -e "$venv/complete" ] || exit 0
rm -rf "$venv"
"$PYTHON" -m venv "$venv"
set -- -r "releases/$NAME/requirements-production.txt"
[ -z "$WHEELS" ] || set -- --no-index --find-links shared/wheels "$@"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
sync -f "$venv"
touch "$venv/complete"
