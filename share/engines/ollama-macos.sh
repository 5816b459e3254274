# Ollama on macOS: its settings for everything that launchd starts, now and at every login. Above
# stand DO (show, install, set or undo) and WANTED, lines of NAME=VALUE.
file=$HOME/Library/LaunchAgents/tampu.ollama.plist
kept=$HOME/Library/Application\ Support/tampu/ollama.env

restart()
{
    launchctl unload "$file" 2>/dev/null || true
    launchctl load "$file"
    osascript -e 'quit app "Ollama"' 2>/dev/null || true
    while pgrep -xq Ollama; do sleep 1; done
    open -a Ollama
}

# The agent runs once at each login and sets each variable.
write_agent()
{
    mkdir -p "${file%/*}"
    {
        echo '<?xml version="1.0" encoding="UTF-8"?>'
        echo '<plist version="1.0"><dict><key>Label</key><string>tampu.ollama</string>'
        echo '<key>RunAtLoad</key><true/><key>ProgramArguments</key><array>'
        echo '<string>/bin/sh</string><string>-c</string>'
        echo "<string>while IFS= read -r l; do launchctl setenv \"\${l%%=*}\" \"\${l#*=}\"; done &lt;'$kept'</string>"
        echo '</array></dict></plist>'
    } >"$file"
}

case $DO in
show)
    if [ -d /Applications/Ollama.app ]; then echo 'ollama: installed'; else echo 'ollama: missing'; fi
    if [ -e "$kept" ]; then cat "$kept"; fi
    ;;
install)
    if [ ! -d /Applications/Ollama.app ]; then brew install --cask ollama-app; fi
    ;;
set)
    mkdir -p "${kept%/*}"
    if [ -e "$kept" ]; then cp -p "$kept" "$kept.before"; else rm -f "$kept.before"; fi
    printf '%s' "$WANTED" >"$kept"
    write_agent
    restart
    ;;
undo)
    while IFS= read -r line; do launchctl unsetenv "${line%%=*}"; done <"$kept"
    if [ -e "$kept.before" ]; then mv "$kept.before" "$kept"; else : >"$kept"; fi
    restart
    ;;
esac
