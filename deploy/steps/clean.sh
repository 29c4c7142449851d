# Ends releases that neither serve nor are the way back, and removes the oldest; never current or previous.
alone
current=$(name current) previous=$(name previous)
for each in $(running); do
    [ "$each" = "$current" ] || [ "$each" = "$previous" ] || sudo -n systemctl stop --no-block "hbnb@$each.service"
done
kept=0
for each in $(ls -t releases); do
    kept=$((kept + 1))
    if [ "$kept" -gt "$KEEP" ] && [ "$each" != "$current" ] && [ "$each" != "$previous" ]; then
        forget "$each"
        echo "removed $each"
    fi
done
rm -rf releases/.[!.]* shared/uploads/*
for venv in shared/venvs/*/; do
    [ -n "$(find releases -maxdepth 2 -name .venv -lname "*/$(basename "$venv")")" ] || rm -rf "$venv"
done
for wheel in shared/wheels/*.whl; do    # that none of them has installed
    [ -n "$(find shared/venvs/*/lib/*/site-packages -maxdepth 1 -iname "$(basename "$wheel" | cut -d - -f 1,2).dist-info")" ] || rm -f "$wheel"
done
rm -f shared/wheels/*.part
find /var/backups/hbnb -name 'fab-*' -type f -mmin +1440 -delete      # left there by a `fab` that was killed
