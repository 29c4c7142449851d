# What the database needs before a release can run on it, as JSON; the exit status says only whether that is anything.
aside
said=$(manage "$NAME" -m flask --app wsgi db status --json) || [ $? = 1 ]
case $said in "{"*) echo "$said";; *) fail "$NAME cannot tell what the database needs: $said";; esac
