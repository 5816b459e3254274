"""The install scripts of machines and roles, run in a Debian 12 root of their own.

`make check-roles` makes the root and names it. Every command runs in a chroot and a network
namespace with nothing but loopback: packages are in the root already.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parents[2]
TAMPU = os.environ.get("TAMPU", str(HERE / "build" / "tampu"))
TEMPLATE = os.environ.get("TAMPU_ROLES_ROOT")
FLEET = HERE / "fleets" / "homelab.yaml"
PATIENCE = 120

pytestmark = pytest.mark.skipif(not TEMPLATE, reason="make check-roles names the root")


class Root:
    """A root that may be spoiled."""

    def __init__(self, path):
        self.path = path
        subprocess.run(["cp", "-a", "--reflink=auto", TEMPLATE, str(path)], check=True)
        shutil.copy(TAMPU, path / "usr/local/bin/tampu")

    def run(self, words):
        inside = f"ip link set lo up; mount -t proc proc /proc; {words}"
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
             "chroot", str(self.path), "/usr/bin/env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "HOME=/root", "LANG=C.UTF-8", "TAMPU_LOOPBACK_ONLY=1", "bash", "-euc", inside],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, machine, *words):
        script = export("machine", machine)
        (self.path / "root/install.sh").write_text(script)
        return self.run(" ".join(["sh /root/install.sh", *words]))

    def listing(self):
        """Every file of /etc, /usr/local and /var/lib with its time: what a look must not change."""
        return self.run("find /etc /usr/local /var/lib /var/log -printf '%p %m %u %s %T@\\n' | sort")


def export(*words):
    what, name = words
    done = subprocess.run([TAMPU, "export", what, str(FLEET), name], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    root = Root(tmp_path_factory.mktemp("gateway") / "root")
    yield root
    shutil.rmtree(root.path)


@pytest.fixture(scope="module")
def pi(tmp_path_factory):
    root = Root(tmp_path_factory.mktemp("pi") / "root")
    yield root
    shutil.rmtree(root.path)


def test_a_look_changes_nothing(gateway):
    before = gateway.listing()
    said = gateway.install("pi5l", "--dry-run", "LOGS_URL=http://127.0.0.1:19532")
    assert "would write /etc/systemd/system/tampu.service" in said
    assert re.search(r"\d+ changes would be made", said)
    assert gateway.listing() == before


def test_the_gateways_script_runs_and_then_has_nothing_to_change(gateway):
    words = ("LOGS_URL=http://127.0.0.1:19532", "BACKUP_TO=tampu-backup@127.0.0.1")
    said = gateway.install("pi5l", *words)
    assert "enable tampu.service" in said and "enable systemd-journal-upload.service" in said
    assert "still to do by hand" in said and "BACKUP_KEY='ssh-ed25519" in said
    before = gateway.listing()
    assert "nothing to change" in gateway.install("pi5l")
    assert gateway.listing() == before


def test_what_a_person_changed_in_the_fleet_file_stays(gateway):
    fleet = gateway.path / "etc/tampu/fleet.yaml"
    fleet.write_text(fleet.read_text() + "# mine\n")
    assert "nothing to change" in gateway.install("pi5l")
    assert fleet.read_text().endswith("# mine\n")


def test_a_pis_script_runs_and_then_has_nothing_to_change(pi):
    said = pi.install("pi5", "ALERT_NTFY=http://127.0.0.1:9/pis")
    for unit in ("prometheus-node-exporter.service", "systemd-journal-remote.socket",
                 "tampu-watch.timer", "tampu-logs-limit.timer"):
        assert pi.run(f"systemctl is-enabled {unit}").strip() == "enabled"
    assert "nobody may send backups yet" in said
    assert "nothing to change" in pi.install("pi5")


def test_the_units_pass_systemd_analyze(gateway, pi):
    units = ["tampu.service", "tampu-backup.service", "tampu-backup.timer",
             "prometheus-node-exporter.service", "systemd-journal-upload.service"]
    assert gateway.run("systemd-analyze --man=no verify " + " ".join(units)) == ""
    units = ["tampu-watch.service", "tampu-watch.timer", "tampu-logs-limit.service",
             "tampu-logs-limit.timer", "prometheus-node-exporter.service",
             "systemd-journal-remote.service", "systemd-journal-remote.socket"]
    assert pi.run("systemd-analyze --man=no verify " + " ".join(units)) == ""


def exposure(root, unit):
    """The score of `systemd-analyze security`: 0 is best, 10 worst."""
    done = root.run(f"systemd-analyze security --offline=true {unit}")
    print(done.strip().splitlines()[-1])
    return float(re.search(r"exposure level for \S+: ([\d.]+)", done)[1])


def test_the_gateway_is_exposed_little(gateway, pi):
    assert exposure(gateway, "tampu.service") <= 2.0
    assert exposure(gateway, "tampu-backup.service") <= 2.5
    assert exposure(pi, "tampu-watch.service") <= 2.5
    assert exposure(pi, "tampu-logs-limit.service") <= 2.5
    assert exposure(pi, "prometheus-node-exporter.service") <= 3.0


def test_the_real_node_exporter_answers(pi):
    said = pi.run("""
        . /etc/default/prometheus-node-exporter
        echo 'tampu_backup_size_bytes 7' >/var/lib/prometheus/node-exporter/x.prom
        prometheus-node-exporter $ARGS >/dev/null 2>&1 &
        for i in $(seq 100); do curl -fs http://127.0.0.1:9100/metrics >/tmp/m && break; sleep 0.05; done
        rm /var/lib/prometheus/node-exporter/x.prom
        cat /tmp/m""")
    assert "node_memory_MemTotal_bytes" in said and "tampu_backup_size_bytes 7" in said


def test_the_gateway_serves_the_fleet_as_its_unit_says(gateway):
    unit = (gateway.path / "etc/systemd/system/tampu.service").read_text()
    start = re.search(r"^ExecStart=(.*)$", unit, re.M)[1]
    said = gateway.run(f"""
        set -a; . /etc/tampu/gateway.env; set +a
        export STATE_DIRECTORY=/var/lib/tampu
        setpriv --reuid tampu --regid tampu --clear-groups {start} 2>/tmp/log &
        for i in $(seq 200); do grep -q 'tampu: ready' /tmp/log && break; sleep 0.05; done
        curl -s -o /dev/null -w '%{{http_code}} ' http://127.0.0.1:4000/health/live
        curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1:4000/v1/models
        """)
    assert said.endswith("200 403"), said


BACKUP = """
    mkdir -p /run/sshd /var/lib/tampu-backup
    sh /root/backup.sh "BACKUP_KEY=$(cat /var/lib/tampu/.ssh/backup.pub)" >/dev/null
    /usr/sbin/sshd -p 2222 -o ListenAddress=127.0.0.1 -o StrictModes=yes
    export STATE_DIRECTORY=/var/lib/tampu MACHINE=pi5l BACKUP_TO=tampu-backup@127.0.0.1
    export TAMPU_BACKUP_SSH='-p 2222'
    as_tampu() { setpriv --reuid tampu --regid tampu --clear-groups "$@"; }
    as_tampu tampu key create --name someone --state /var/lib/tampu >/dev/null 2>&1
    for i in $(seq 100); do
        as_tampu ssh-keyscan -p 2222 127.0.0.1 >/dev/null 2>&1 && break; sleep 0.05
    done
"""


def test_the_nightly_backup_goes_away_comes_back_and_is_restored(gateway):
    (gateway.path / "root/backup.sh").write_text(export("role", "backup"))
    said = gateway.run(BACKUP + """
        as_tampu /usr/local/lib/tampu/backup
        ls /var/lib/tampu-backup/kept
        cat /var/lib/tampu/backup.prom
        keep() { as_tampu ssh -q -p 2222 -i /var/lib/tampu/.ssh/backup -o UserKnownHostsFile=/var/lib/tampu/.ssh/known_hosts $BACKUP_TO "$@" 2>&1; }
        keep rm -rf / || echo refused 1
        keep get ../.ssh/authorized_keys || echo refused 2
        keep put "$(ls /var/lib/tampu-backup/kept)" 00 </dev/null || echo refused 3
        keep put other 00 </dev/null || echo refused 4
        ls /var/lib/tampu-backup/kept | wc -l
        """)
    assert "fetched back and restored" in said
    assert re.search(r"tampu_backup_last_success_timestamp_seconds \d{10}", said)
    for number in range(1, 5):
        assert f"refused {number}" in said
    assert said.strip().endswith("1")


def test_a_backup_that_cannot_be_restored_does_not_count(gateway):
    done = gateway.run(BACKUP.replace("sh /root/backup.sh", "true") + """
        rm -f /var/lib/tampu/backup.prom
        printf '#!/bin/sh\\ncase $SSH_ORIGINAL_COMMAND in get*) echo garbage;; *) cat >/dev/null;; esac\\n' \\
            >/usr/local/lib/tampu/keep-backup
        as_tampu /usr/local/lib/tampu/backup && exit 3
        [ ! -e /var/lib/tampu/backup.prom ] || exit 4
        echo said no
        """)
    assert "said no" in done
