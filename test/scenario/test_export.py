"""tampu export machine and role: the scripts are clean, the units are right. make check-roles runs them."""
import os
import re
import shutil
import subprocess

import pytest
from world import PATIENCE, TAMPU

HERE = __import__("pathlib").Path(__file__).parents[2]
FLEET = HERE / "fleets" / "homelab.yaml"
TABLE = (HERE / "src/tables/roles.def").read_text()
ROLES = re.findall(r"^ROLE\((\w+),", TABLE, re.M)


def export(*words, fleet=FLEET, status=0):
    done = subprocess.run([TAMPU, "export", words[0], str(fleet), *map(str, words[1:])],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    said = export("machine", "--to", folder / "machines").stderr
    assert "mac-mini-m4-pro is left out" in said
    export("role", "--to", folder / "roles")
    return folder


def test_shellcheck_has_nothing_to_say(written):
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    both = [written / "machines" / m for m in ("pi5", "pi5l")]    # together they have every role
    scripts = [f"{m}.sh" for m in both] + [p for m in both for p in m.glob("usr/local/lib/tampu/*")]
    assert len(scripts) == 5
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_role_has_a_script_and_every_linux_machine(written):
    assert {s.stem for s in (written / "roles").glob("*.sh")} == set(ROLES)
    assert {"pi5", "pi5l", "akshat-pc"} <= {s.stem for s in (written / "machines").glob("*.sh")}


def test_services_of_the_fleet_file_say_the_roles(written):
    first = {s.stem: s.read_text().splitlines()[1] for s in (written / "machines").glob("*.sh")}
    assert first["pi5"].endswith("base exporter ship logs backup watch")
    assert first["pi5l"].endswith("base exporter ship gateway")
    assert first["akshat-pc"].endswith("base exporter ship")


def test_a_look_runs_for_anybody(written):
    done = subprocess.run(["sh", written / "machines/pi5l.sh", "--dry-run"], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert "would write /etc/tampu/fleet.yaml" in done.stdout


def test_values_of_the_fleet_file_are_quoted(tmp_path):
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("""machines:
  pi:
    addresses: {hostname: "x';>owned;'$(>owned)"}
    inference: false
    services: [tampu, log aggregation]
""")
    script = export("machine", "pi", fleet=fleet).stdout
    subprocess.run(["sh", "-c", script, "sh", "--dry-run"], cwd=tmp_path, capture_output=True,
                   timeout=PATIENCE, check=False)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("words, status, said", [
    (("machine", "nobody"), 2, "there is no machine 'nobody'"),
    (("machine", "mac-mini-m4-pro"), 2, "its os is another"),
    (("role", "nix"), 2, "there is no role 'nix' (have base"),
    (("machine",), 2, "--to DIR"),
    (("nix",), 2, "there is no 'nix' to export"),
])
def test_what_cannot_be_exported_says_so(words, status, said):
    assert said in export(*words, status=status).stderr


def test_units_pass_systemd_analyze(written, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    units = tmp_path / "root/etc/systemd/system"
    shutil.copytree(written / "machines/pi5l", tmp_path / "root", dirs_exist_ok=True)
    for program in ("usr/local/bin/tampu", "bin/kill", "usr/bin/install"):
        (tmp_path / "root" / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shutil.which("true"), tmp_path / "root" / program)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20",
                           f"--root={tmp_path}/root", "tampu.service"], capture_output=True,
                          text=True, env={**os.environ, "LANG": "C.UTF-8"}, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert units.joinpath("tampu.service").exists()
