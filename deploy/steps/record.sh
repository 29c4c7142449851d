[ -z "$(tail -c 1 releases.log 2>/dev/null)" ] || echo >> releases.log      # a full disk cut the last one off
printf '%s\n' "$LINE" >> releases.log
