# What every install script begins with; values from the fleet file stand above.

usage()
{
    cat <<'USAGE'
usage: sh SCRIPT [--dry-run] [NAME=VALUE...]

  --dry-run     show what would change, and change nothing

Values are kept in /etc/tampu/machine.env and win over those of the fleet file:
  GATEWAY_URL   where the gateway answers, https://pi.tailnet.ts.net
  GATEWAY_NAME  its name in the tailnet, for the gateway alone
  LOGS_URL      where journals are collected, http://pi:19532; empty: nowhere
  BACKUP_TO     where backups go, tampu-backup@pi; empty: nowhere
  BACKUP_KEY    the gateway's public key, for the machine that keeps backups
  ALERT_NTFY    topic to tell when the gateway is gone, https://ntfy.sh/TOPIC
  ALERT_WEBHOOK the same as JSON, to any URL
USAGE
}

dry_run=false changes=0 role='' role_changes=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '%s: %s\n' "$role" "$*"; }

# change WHAT COMMAND...: say it, count it, and do it unless this is only a look.
change()
{
    if $dry_run; then say "would $1"; else say "$1"; fi
    shift
    changes=$((changes + 1)) role_changes=$((role_changes + 1))
    if ! $dry_run; then "$@"; fi
}

begin()
{
    role=$1 role_changes=0
}

# put PATH MODE [OWNER] <TEXT: the file is as it should be, afterwards.
put()
{
    cat >"$scratch/new"
    if [ -e "$1" ] && cmp -s "$scratch/new" "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then
        return 0
    fi
    if $dry_run && [ -e "$1" ]; then diff -u "$1" "$scratch/new" || true; fi
    change "write $1" put_now "$@"
}

put_now()
{
    mkdir -p "${1%/*}"
    install -m "$2" ${3:+-o "$3"} "$scratch/new" "$1.new"
    mv "$1.new" "$1"
}

# The same where nothing is yet: what a person changed stays.
put_once()
{
    if [ -e "$1" ]; then cat >/dev/null; else put "$@"; fi
}

packages()
{
    for package; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
        installed) ;;
        *) change "install $package" install_package "$package" ;;
        esac
    done
}

install_package()
{
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        -o Dpkg::Options::=--force-confold --no-install-recommends "$1" >/dev/null
}

# user NAME HOME SHELL: a system user without a password, and not locked: keys let it in.
user()
{
    if ! getent passwd "$1" >/dev/null; then
        change "add the user $1" useradd --system --password '*' --user-group --home-dir "$2" --shell "$3" "$1"
    fi
}

# folder PATH MODE OWNER
folder()
{
    if [ "$(stat -c '%a %U' "$1" 2>/dev/null || true)" != "$2 $3" ]; then
        change "make $1" install -d -m "$2" -o "$3" -g "$3" "$1"
    fi
}

# Is systemd in charge here? In a chroot or an image that is being made it is not.
is_booted() { [ -d /run/systemd/system ]; }

# units NAME...: started now and at every boot, and again when this role changed something.
units()
{
    for unit; do
        if ! systemctl is-enabled --quiet "$unit" 2>/dev/null; then
            change "enable $unit" systemctl --quiet enable "$unit"
        fi
    done
    if ! is_booted; then return 0; fi
    if [ $role_changes -gt 0 ] && ! $dry_run; then systemctl daemon-reload; fi
    for unit; do
        if [ $role_changes -gt 0 ]; then
            change "restart $unit" systemctl restart "$unit"
        elif ! systemctl is-active --quiet "$unit"; then
            change "start $unit" systemctl start "$unit"
        fi
    done
}

note() { notes="${notes:-}  $role: $*
"; }

# What was given now wins over what was given before, and that over the fleet file.
keep_values()
{
    names='MACHINE GATEWAY_URL GATEWAY_NAME LOGS_URL BACKUP_TO BACKUP_KEY ALERT_NTFY ALERT_WEBHOOK'
    for name in $names; do
        old=$(sed -n "s/^$name=\"\(.*\)\"\$/\1/p" /etc/tampu/machine.env 2>/dev/null || true)
        if [ -n "$old" ]; then eval "$name=\$old"; else eval "$name=\${$name:-}"; fi
    done
    for word; do
        case $word in
        --dry-run) dry_run=true ;;
        -h | --help) usage && exit 0 ;;
        *=*)
            case " $names " in
            *" ${word%%=*} "*) ;;
            *) usage >&2 && exit 2 ;;
            esac
            case ${word#*=} in
            *[\"\$\`\\]* | *"
"*) echo "a value may have no quotes, dollars, backslashes or line ends: $word" >&2 && exit 2 ;;
            esac
            eval "${word%%=*}=\${word#*=}"
            ;;
        *) usage >&2 && exit 2 ;;
        esac
    done
    for name in $names; do
        eval "printf '%s=\"%s\"\n' \"\$name\" \"\$$name\""
    done >"$scratch/values"
}

keep_values "$@"
if [ "$(id -u)" != 0 ] && ! $dry_run; then
    echo "run it as root, or with --dry-run" >&2
    exit 1
fi
[ -n "$MACHINE" ] || MACHINE=$(hostname)
begin machine
put /etc/tampu/machine.env 644 <"$scratch/values"
