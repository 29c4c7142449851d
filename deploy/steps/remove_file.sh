# Removes a temporary file.
rm -f "$FILE" "$FILE.part"
