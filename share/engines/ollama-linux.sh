# Ollama on Linux: installed, and its settings as a drop-in of the service. Above stand DO (show,
# install, set or undo) and WANTED, the drop-in's text.
folder=${TAMPU_UNITS:-/etc/systemd/system}/ollama.service.d
file=$folder/tampu.conf
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'

restart()
{
    $sudo systemctl daemon-reload
    $sudo systemctl restart ollama
}

case $DO in
show)
    if command -v ollama >/dev/null; then echo 'ollama: installed'; else echo 'ollama: missing'; fi
    if [ -e "$file" ]; then cat "$file"; fi
    ;;
install)
    if ! command -v ollama >/dev/null; then curl -fsSL https://ollama.com/install.sh | $sudo sh; fi
    ;;
set)
    $sudo mkdir -p "$folder"
    if [ -e "$file" ]; then $sudo cp -p "$file" "$file.before"; else $sudo rm -f "$file.before"; fi
    printf '%s' "$WANTED" | $sudo tee "$file.new" >/dev/null
    $sudo mv "$file.new" "$file"
    restart
    ;;
undo)
    if [ -e "$file.before" ]; then $sudo mv "$file.before" "$file"; else $sudo rm -f "$file"; fi
    restart
    ;;
esac
