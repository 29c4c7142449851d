# The maintenance page is up while shared/maintenance exists. The file has one word for each reason.
# UP adds a word and DOWN removes words; the file is removed with its last word. Without UP and DOWN, the words become
# those of MAINTENANCE, which is the state before the transaction.
lock_steps
words=$(cat shared/maintenance 2>/dev/null || :)
[ -n "${UP-}${DOWN-}" ] || words=$MAINTENANCE
words=$(for word in $words ${UP-}; do case " ${DOWN-} " in *" $word "*) ;; *) echo "$word";; esac; done | sort -u | xargs)
if [ -n "$words" ]; then echo "$words" > shared/maintenance; else rm -f shared/maintenance; fi
restart_worker
