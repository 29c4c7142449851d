# Undoes switch.sh.
alone
if [ -n "$PREVIOUS" ]; then swap "releases/$PREVIOUS" previous; else rm -f previous; fi
if [ -n "$CURRENT" ]; then swap "releases/$CURRENT" current; else rm -f current; fi
