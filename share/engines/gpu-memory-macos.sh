# How much memory the GPU may use, on macOS 14 and later: now, and from every start on. Above stand DO
# (show, set or undo) and WANTED, in MiB; 0 is the system's own choice.
file=${TAMPU_DAEMONS:-/Library/LaunchDaemons}/tampu.gpu-memory.plist
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'

written()
{
    if [ -e "$file" ]; then sed -n 's/.*iogpu[.]wired_limit_mb=\([0-9]*\).*/\1/p' "$file"; fi
}

write_daemon()
{
    {
        echo '<?xml version="1.0" encoding="UTF-8"?>'
        echo '<plist version="1.0"><dict><key>Label</key><string>tampu.gpu-memory</string>'
        echo '<key>RunAtLoad</key><true/><key>ProgramArguments</key><array>'
        echo "<string>/usr/sbin/sysctl</string><string>iogpu.wired_limit_mb=$WANTED</string>"
        echo '</array></dict></plist>'
    } | $sudo tee "$file" >/dev/null
}

case $DO in
show)
    if now=$(sysctl -n iogpu.wired_limit_mb 2>/dev/null); then
        there=$(written)
        echo "gpu-memory: now=$now written=${there:-0}"
    else
        echo 'gpu-memory: none'
    fi
    ;;
set)
    $sudo sysctl "iogpu.wired_limit_mb=$WANTED"
    write_daemon
    ;;
undo)
    $sudo rm -f "$file"
    $sudo sysctl iogpu.wired_limit_mb=0
    ;;
esac
