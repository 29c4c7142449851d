rm -f "$FILE"
