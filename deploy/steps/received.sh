# Takes an uploaded file for what it is once all of it is here.
echo "$SHA256  $TARGET.part" | sha256sum --check --status || {
    rm -f "$TARGET.part"
    fail "what arrived is not what was sent; it was removed. Try again; if it happens again, look at disk and network"
}
mv "$TARGET.part" "$TARGET"
