# Whoever put the page up stands in the file, so that a deployment takes down what one left behind.
alone
if [ -n "$PAGE" ]; then echo "$PAGE" > shared/maintenance; else rm -f shared/maintenance; fi
