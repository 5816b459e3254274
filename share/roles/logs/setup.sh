packages systemd-journal-remote
folder /var/log/journal/remote 2755 systemd-journal-remote
units systemd-journal-remote.socket tampu-logs-limit.timer
