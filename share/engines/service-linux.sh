# An engine on Linux that runs as a systemd service with the model that the fleet file names. Above
# stand DO (show, install, fetch, set or undo), NAME (of the engine), BINARY, INSTALL (ways, first
# choice first), FILES (DIGEST SIZE URL, a line each), AFTER (a command for when it runs) and WANTED,
# the unit's text.
unit=${TAMPU_UNITS:-/etc/systemd/system}/tampu-$NAME.service
folder=${TAMPU_MODELS:-/var/lib/tampu/models}
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'

by_hand()
{
    echo "nothing here can install $BINARY: do it as $1 says, then apply again"
    exit 3
}

# release OWNER/NAME/PATTERN: the newest archive whose name matches, unpacked under /opt.
install_release()
{
    repository=${1%/*} pattern=${1##*/}
    url=$(curl -fsSL "https://api.github.com/repos/$repository/releases/latest" |
        grep -o "https://[^\"]*/[^\"/]*$pattern" | head -n 1)
    [ -n "$url" ] || return 1
    made=$(mktemp -d)
    curl -fsSL "$url" -o "$made/archive"
    $sudo rm -rf "/opt/tampu-$NAME"
    $sudo mkdir -p "/opt/tampu-$NAME"
    case $url in
    *.zip) $sudo python3 -m zipfile -e "$made/archive" "/opt/tampu-$NAME" ;;
    *) $sudo tar -xzf "$made/archive" -C "/opt/tampu-$NAME" ;;
    esac
    rm -r "$made"
    found=$(find "/opt/tampu-$NAME" -type f -name "$BINARY" | head -n 1)
    [ -n "$found" ] || return 1
    $sudo chmod +x "$found"
    # Its libraries lie beside it.
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s:%s exec %s "$@"\n' "${found%/*}" "${found%/*/*}/lib" "$found" |
        $sudo tee "/usr/local/bin/$BINARY" >/dev/null
    $sudo chmod 755 "/usr/local/bin/$BINARY"
}

install_package()
{
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" </dev/null >/dev/null
}

install_with()
{
    what=${1#*:}
    case $1 in
    apt:*) apt-cache show "$what" >/dev/null 2>&1 && install_package "$what" ;;
    ppa:*)
        command -v add-apt-repository >/dev/null &&
            $sudo add-apt-repository -y "ppa:${what%/*}" >/dev/null && install_package "${what##*/}"
        ;;
    brew:*) command -v brew >/dev/null && brew install -q "$what" </dev/null ;;
    release:*) install_release "$what" ;;
    hand:*) by_hand "$what" ;;
    *) return 1 ;;
    esac
}

size_of()
{
    $sudo stat -c %s "$file.part" 2>/dev/null || echo 0
}

# A part that is there goes on; what has another digest is gone.
fetch()
{
    file=$folder/sha256-${1#sha256:}
    [ ! -e "$file" ] || return 0
    $sudo mkdir -p "$folder"
    have=$(size_of "$file.part")
    if [ "$have" -lt "$2" ]; then
        curl -fsSL --retry 5 -r "$have-" "$3" | $sudo tee -a "$file.part" >/dev/null
    fi
    have=$(size_of "$file.part")
    if [ "$have" -lt "$2" ]; then
        echo "$3: only $have of $2 bytes came"
        exit 1
    fi
    if [ "$($sudo sha256sum "$file.part" | cut -c 1-64)" != "${1#sha256:}" ]; then
        $sudo rm -f "$file.part"
        echo "$3: what came has another digest than $1"
        exit 1
    fi
    $sudo mv "$file.part" "$file"
}

restart()
{
    $sudo systemctl daemon-reload
    $sudo systemctl enable "tampu-$NAME.service"
    $sudo systemctl restart "tampu-$NAME.service"
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
    if [ -e "$unit" ]; then cat "$unit"; fi
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
    if [ -e "$unit" ]; then $sudo cp -p "$unit" "$unit.before"; else $sudo rm -f "$unit.before"; fi
    printf '%s' "$WANTED" | $sudo tee "$unit.new" >/dev/null
    $sudo mv "$unit.new" "$unit"
    restart
    if [ -n "$AFTER" ]; then sh -c "$AFTER" </dev/null; fi
    ;;
undo)
    if [ -e "$unit.before" ]; then
        $sudo mv "$unit.before" "$unit"
        restart
    else
        $sudo systemctl disable --now "tampu-$NAME.service" || true
        $sudo rm -f "$unit"
        $sudo systemctl daemon-reload
    fi
    ;;
esac
