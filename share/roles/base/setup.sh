packages ca-certificates curl unattended-upgrades
if [ $role_changes -gt 0 ] && is_booted && ! $dry_run; then
    sysctl --quiet --system >/dev/null
    systemctl restart systemd-journald
fi
