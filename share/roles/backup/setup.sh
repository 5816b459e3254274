packages openssh-server
user tampu-backup /var/lib/tampu-backup /bin/sh
folder /var/lib/tampu-backup 700 tampu-backup
if [ -n "$BACKUP_KEY" ]; then
    folder /var/lib/tampu-backup/.ssh 700 tampu-backup
    printf 'restrict,command="/usr/local/lib/tampu/keep-backup" %s\n' "$BACKUP_KEY" |
        put /var/lib/tampu-backup/.ssh/authorized_keys 600 tampu-backup
else
    note "nobody may send backups yet: run this again with BACKUP_KEY='ssh-ed25519 …', the gateway's"
fi
