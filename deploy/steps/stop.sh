# Undoes start.sh, unless the release was running before.
lock_steps
case " $RUNNING " in *" $NAME "*) ;; *) sudo -n systemctl stop "hbnb@$NAME.service";; esac
