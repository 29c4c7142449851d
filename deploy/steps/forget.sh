rm -f "$FILE" "$FILE.part"
