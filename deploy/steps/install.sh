# Installs a release's requirements into a virtual environment, which releases with the same requirements share.
lock_steps
low_priority
venv=$(readlink "releases/$NAME/.venv")
[ ! -e "$venv/complete" ] || exit 0
rm -rf "$venv"
"$PYTHON" -m venv "$venv"
list=releases/$NAME/requirements/production.txt
if [ ! -f "$list" ]; then
    list=releases/$NAME/requirements-production.txt     # an older release
elif [ -n "$WHEELS" ]; then
    # Hashes were checked when the wheels were built. A wheel that was compiled there has another hash.
    sed '/^ *--hash=/d; s/ *\\$//' "$list" > "$venv/requirements.txt"
    list=$venv/requirements.txt
fi
set -- -r "$list"
[ -z "$WHEELS" ] || set -- --no-index --find-links shared/wheels "$@"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
sync -f "$venv"
touch "$venv/complete"
