journalctl --quiet --no-pager --output cat --lines "$LINES" --unit 'hbnb@*'
