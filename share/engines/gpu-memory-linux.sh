# How much memory the GPU of an AMD APU may use, on Linux: beside what the BIOS sets aside for it, as
# many pages as the module ttm allows. Above stand DO (show, set or undo) and WANTED, in MiB.
sys=${TAMPU_SYS:-/sys}
file=${TAMPU_MODPROBE:-/etc/modprobe.d}/tampu-gpu-memory.conf
sudo=
[ "$(id -u)" = 0 ] || sudo='sudo -n'

# The module is loaded before there is a disk where the system starts with it.
renew_start()
{
    if command -v update-initramfs >/dev/null; then $sudo update-initramfs -u
    elif command -v dracut >/dev/null; then $sudo dracut -f
    fi
}

case $DO in
show)
    now=0
    for card in "$sys"/class/drm/card*/device; do
        [ -e "$card/mem_info_gtt_total" ] || continue
        here=$((($(cat "$card/mem_info_gtt_total") + $(cat "$card/mem_info_vram_total")) >> 20))
        if [ "$here" -gt "$now" ]; then now=$here; fi
    done
    pages=0
    if [ -e "$file" ]; then pages=$(sed -n 's/^options ttm pages_limit=\([0-9]*\)$/\1/p' "$file"); fi
    if [ "$now" = 0 ]; then echo 'gpu-memory: none'
    else echo "gpu-memory: now=$now written=$((${pages:-0} >> 8))"
    fi
    ;;
set)
    if modinfo -F filename ttm 2>/dev/null | grep -q builtin; then
        echo "the module ttm is built into this kernel: add ttm.pages_limit=$((WANTED << 8)) to the kernel's command line, and restart the machine"
        exit 3
    fi
    if [ -e "$file" ]; then $sudo cp -p "$file" "$file.before"; else $sudo rm -f "$file.before"; fi
    echo "options ttm pages_limit=$((WANTED << 8))" | $sudo tee "$file.new" >/dev/null
    $sudo mv "$file.new" "$file"
    renew_start
    ;;
undo)
    if [ -e "$file.before" ]; then $sudo mv "$file.before" "$file"; else $sudo rm -f "$file"; fi
    renew_start
    ;;
esac
