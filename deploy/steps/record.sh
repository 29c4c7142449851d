# Adds a line to the history.
[ -z "$(tail -c 1 releases.log 2>/dev/null)" ] || echo >> releases.log      # a full disk may have cut off the last line
printf '%s\n' "$LINE" >> releases.log
