# Unpacks a release in a temporary folder, and renames that into releases/. The release never changes after that.
lock_steps
low_priority
if [ -e "releases/$NAME" ]; then
    grep -q "\"$SHA256\"" "releases/$NAME/RELEASE.json" || fail "another release with the name $NAME exists here: pack this one under another name"
    exit 0
fi
new="releases/.$NAME"
rm -rf "$new"
mkdir "$new"
tar -xzf "shared/uploads/$SHA256.tgz" -C "$new" --no-same-owner
cd "$new"
[ -f wsgi.py ] && [ -n "$(ls requirements/production.txt requirements-production.txt 2>/dev/null)" ] || fail "the archive of $NAME does not contain HBNB: make it with \`fab pack\`"
ln -s "/run/hbnb/$NAME" run
ln -s "$ROOT/shared/venvs/$( { "$PYTHON" -V; cat requirements*.txt requirements/*.txt 2>/dev/null; } | sha256sum | cut -c 1-16)" .venv
"$PYTHON" -m compileall -q .
printf '{"name": "%s", "sha256": "%s", "revision": "%s", "unpacked": "%s"}\n' \
    "$NAME" "$SHA256" "$REVISION" "$(date -u +%FT%TZ)" > RELEASE.json
chmod -R u=rwX,go=rX .
sync -f .
cd "$ROOT"
ln -sfn "$ROOT/releases/$NAME/web_static" "/data/web_static/releases/$NAME"     # the classic path
mv -T "$new" "releases/$NAME"
