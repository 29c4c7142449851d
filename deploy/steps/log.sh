# Prints the last lines of the application's log.
journalctl --quiet --no-pager --output cat --lines "$LINES" --unit 'hbnb@*' --unit hbnb-worker
