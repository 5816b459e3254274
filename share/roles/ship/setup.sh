if [ -n "$LOGS_URL" ]; then
    packages systemd-journal-remote
    printf '[Upload]\nURL=%s\n' "$LOGS_URL" |
        put /etc/systemd/journal-upload.conf.d/tampu.conf 644
    units systemd-journal-upload.service
else
    note "the journal stays here: run this again with LOGS_URL=http://COLLECTOR:19532"
fi
