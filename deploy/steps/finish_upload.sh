# Renames an uploaded file to its final name if it is complete.
echo "$SHA256  $TARGET.part" | sha256sum --check --status || {
    rm -f "$TARGET.part"
    fail "the uploaded file is damaged and was removed. Try again; if it happens again, check disk and network"
}
mv "$TARGET.part" "$TARGET"
