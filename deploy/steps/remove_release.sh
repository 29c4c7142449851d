# Undoes unpack.sh, unless the release was installed before.
lock_steps
case " $RELEASES " in *" $NAME "*) ;; *) remove_release "$NAME";; esac
