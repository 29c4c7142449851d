# Stops all releases but current and previous, and removes the oldest releases and everything that only they used.
lock_steps
current=$(release_name current) previous=$(release_name previous)
for release in $(running_releases); do
    [ "$release" = "$current" ] || [ "$release" = "$previous" ] || sudo -n systemctl stop --no-block "hbnb@$release.service"
done
kept=0
for release in $(ls -t releases); do
    kept=$((kept + 1))
    if [ "$kept" -gt "$KEEP" ] && [ "$release" != "$current" ] && [ "$release" != "$previous" ]; then
        remove_release "$release"
        echo "removed $release"
    fi
done
rm -rf releases/.[!.]* shared/uploads/*
for venv in shared/venvs/*/; do
    [ -n "$(find releases -maxdepth 2 -name .venv -lname "*/$(basename "$venv")")" ] || rm -rf "$venv"
done
for wheel in shared/wheels/*.whl; do    # remove wheels that no environment has installed
    [ -n "$(find shared/venvs/*/lib/*/site-packages -maxdepth 1 -iname "$(basename "$wheel" | cut -d - -f 1,2).dist-info")" ] || rm -f "$wheel"
done
rm -f shared/wheels/*.part
find /var/backups/hbnb -name 'fab-*' -type f -mmin +1440 -delete      # temporary files of a `fab` that was killed
