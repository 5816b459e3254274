packages openssh-client
user tampu /var/lib/tampu /usr/sbin/nologin
folder /var/lib/tampu 750 tampu
folder /var/lib/tampu/.ssh 700 tampu
# Through Tailscale every caller comes from this machine: all of them need a key.
printf 'TAMPU_REQUIRE_KEYS=true\nTAMPU_HOSTS=%s\n' "$GATEWAY_NAME" | put /etc/tampu/gateway.env 644
printf '# NAME=VALUE: what env:NAME in the fleet file stands for\n' |
    put_once /etc/tampu/secrets.env 600
[ -e /etc/tampu/fleet.yaml ] || note "copy the fleet file and those it includes to /etc/tampu/fleet.yaml"
if [ ! -e /var/lib/tampu/.ssh/backup ]; then
    change "make a key for backups" ssh-keygen -q -t ed25519 -N '' -C tampu-backup \
        -f /var/lib/tampu/.ssh/backup
    if ! $dry_run; then chown tampu:tampu /var/lib/tampu/.ssh/backup /var/lib/tampu/.ssh/backup.pub; fi
fi
if [ -n "$BACKUP_TO" ]; then
    [ ! -e /var/lib/tampu/.ssh/backup.pub ] ||
        note "the machine that keeps backups wants BACKUP_KEY='$(cat /var/lib/tampu/.ssh/backup.pub)'"
else
    note "backups stay on this machine: run this again with BACKUP_TO=tampu-backup@ANOTHER"
fi
if [ -x /usr/local/bin/tampu ]; then
    units tampu.service tampu-backup.timer
else
    note "install tampu ('make install' in its source), then run this again"
fi
if [ -n "$GATEWAY_NAME" ] && ! command -v tailscale >/dev/null; then
    note "install Tailscale (https://tailscale.com/download/linux), 'tailscale up', then run this again"
elif [ -n "$GATEWAY_NAME" ] && is_booted; then
    case $(tailscale serve status 2>/dev/null || true) in
    *"127.0.0.1:$GATEWAY_PORT"*) ;;
    *) change "put Tailscale in front of it" tailscale serve --bg --https=443 "http://127.0.0.1:$GATEWAY_PORT" ;;
    esac
fi
