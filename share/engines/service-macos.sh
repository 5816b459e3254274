# An engine on macOS that runs as a launchd agent with the model that the fleet file names. Above
# stand DO (show, install, fetch, set or undo), NAME (of the engine), BINARY, INSTALL (ways, first
# choice first), FILES (DIGEST SIZE URL, a line each), AFTER (a command for when it runs) and WANTED,
# the agent's text.
agent=$HOME/Library/LaunchAgents/tampu.$NAME.plist
shared=/Users/Shared/tampu
folder=${TAMPU_MODELS:-$shared/models}
PATH=$shared/bin:/opt/homebrew/bin:/usr/local/bin:$PATH

by_hand()
{
    echo "nothing here can install $BINARY: do it as $1 says, then apply again"
    exit 3
}

# release OWNER/NAME/PATTERN: the newest archive whose name matches.
install_release()
{
    repository=${1%/*} pattern=${1##*/}
    url=$(curl -fsSL "https://api.github.com/repos/$repository/releases/latest" |
        grep -o "https://[^\"]*/[^\"/]*$pattern" | head -n 1)
    [ -n "$url" ] || return 1
    mkdir -p "$shared/bin" "$shared/$NAME"
    curl -fsSL "$url" -o "$shared/$NAME/archive.zip"
    unzip -qo "$shared/$NAME/archive.zip" -d "$shared/$NAME"
    found=$(find "$shared/$NAME" -type f -name "$BINARY" | head -n 1)
    [ -n "$found" ] || return 1
    chmod +x "$found"
    xattr -dr com.apple.quarantine "$shared/$NAME" 2>/dev/null || true
    ln -sf "$found" "$shared/bin/$BINARY"
}

install_with()
{
    what=${1#*:}
    case $1 in
    brew:*) command -v brew >/dev/null && brew install -q "$what" </dev/null ;;
    release:*) install_release "$what" ;;
    hand:*) by_hand "$what" ;;
    *) return 1 ;;
    esac
}

size_of()
{
    stat -f %z "$file.part" 2>/dev/null || echo 0
}

# A part that is there goes on; what has another digest is gone.
fetch()
{
    file=$folder/sha256-${1#sha256:}
    [ ! -e "$file" ] || return 0
    mkdir -p "$folder"
    have=$(size_of "$file.part")
    if [ "$have" -lt "$2" ]; then
        curl -fsSL --retry 5 -r "$have-" "$3" >>"$file.part"
    fi
    have=$(size_of "$file.part")
    if [ "$have" -lt "$2" ]; then
        echo "$3: only $have of $2 bytes came"
        exit 1
    fi
    if [ "$(shasum -a 256 "$file.part" | cut -c 1-64)" != "${1#sha256:}" ]; then
        rm -f "$file.part"
        echo "$3: what came has another digest than $1"
        exit 1
    fi
    mv "$file.part" "$file"
}

restart()
{
    launchctl unload "$agent" 2>/dev/null || true
    launchctl load "$agent"
}

case $DO in
show)
    if command -v "$BINARY" >/dev/null; then echo "$NAME: installed"; else echo "$NAME: missing"; fi
    for file in "$folder"/sha256-*; do
        case $file in
        *.part | *'*') ;;
        *) echo "file ${file##*/}" ;;
        esac
    done
    if [ -e "$agent" ]; then cat "$agent"; fi
    ;;
install)
    for way in $INSTALL; do
        if command -v "$BINARY" >/dev/null; then exit 0; fi
        install_with "$way" || true
    done
    command -v "$BINARY" >/dev/null || { echo "$BINARY could not be installed: $INSTALL" && exit 1; }
    ;;
fetch)
    echo "$FILES" | while read -r digest size url; do
        [ -z "$digest" ] || fetch "$digest" "$size" "$url"
    done
    ;;
set)
    mkdir -p "${agent%/*}"
    if [ -e "$agent" ]; then cp -p "$agent" "$agent.before"; else rm -f "$agent.before"; fi
    printf '%s' "$WANTED" >"$agent.new"
    mv "$agent.new" "$agent"
    restart
    if [ -n "$AFTER" ]; then sh -c "$AFTER" </dev/null; fi
    ;;
undo)
    if [ -e "$agent.before" ]; then
        mv "$agent.before" "$agent"
        restart
    else
        launchctl unload "$agent" 2>/dev/null || true
        rm -f "$agent"
    fi
    ;;
esac
