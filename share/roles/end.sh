
if [ -n "${notes:-}" ]; then printf 'still to do by hand:\n%s' "$notes"; fi
if [ $changes -eq 0 ]; then
    echo "nothing to change"
elif $dry_run; then
    echo "$changes changes would be made"
else
    echo "$changes changes made"
fi
