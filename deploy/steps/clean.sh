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
