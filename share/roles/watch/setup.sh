packages curl
if [ -n "$GATEWAY_URL" ]; then
    units tampu-watch.timer
else
    note "nobody is watched: run this again with GATEWAY_URL=https://…"
fi
[ -n "$ALERT_NTFY$ALERT_WEBHOOK" ] ||
    note "nobody is told: run this again with ALERT_NTFY=… or ALERT_WEBHOOK=…"
