# The file has a word for each who wants the page up, and takes down their own alone: it is gone with the last.
# UP is one more of them, DOWN those who are done; without either, it becomes what it was before.
alone
wanted=$(cat shared/maintenance 2>/dev/null || :)
[ -n "${UP-}${DOWN-}" ] || wanted=$MAINTENANCE
words=$(for word in $wanted ${UP-}; do case " ${DOWN-} " in *" $word "*) ;; *) echo "$word";; esac; done | sort -u | xargs)
if [ -n "$words" ]; then echo "$words" > shared/maintenance; else rm -f shared/maintenance; fi
