[ ! -e releases.log ] || tail -n "$LINES" releases.log
