# Undoes switch.sh.
lock_steps
if [ -n "$PREVIOUS" ]; then point_link "releases/$PREVIOUS" previous; else rm -f previous; fi
if [ -n "$CURRENT" ]; then point_link "releases/$CURRENT" current; else rm -f current; fi
restart_worker
