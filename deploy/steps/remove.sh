# Undoes unpack.sh, unless the release was there before: what never served does not take the place of what did.
alone
case " $RELEASES " in *" $NAME "*) ;; *) forget "$NAME";; esac
