# Whoever put the page up stands in the file, so that a deployment takes down what one left behind.
# Without PAGE, it becomes what it was before.
alone
page=${PAGE-$MAINTENANCE}
if [ -n "$page" ]; then echo "$page" > shared/maintenance; else rm -f shared/maintenance; fi
