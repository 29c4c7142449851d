# Undoes start.sh, unless the release was running before.
alone
case " $RUNNING " in *" $NAME "*) ;; *) sudo -n systemctl stop "hbnb@$NAME.service";; esac
