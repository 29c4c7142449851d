# Prints the last lines of the history.
[ ! -e releases.log ] || tail -n "$LINES" releases.log
