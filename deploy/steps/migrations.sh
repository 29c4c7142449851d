# Prints the migrations that the database needs for a release, as JSON. Exit status 1 of `db status` means: some.
low_priority
output=$(manage "$NAME" -m flask --app wsgi db status --json) || [ $? = 1 ]
case $output in "{"*) echo "$output";; *) fail "$NAME cannot read the state of the database: $output";; esac
