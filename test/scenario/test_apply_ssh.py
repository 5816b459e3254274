"""Engines set up over a real sshd on loopback; systemctl is a stand-in that does what units do."""
import os
import pty
import re
import select
import subprocess

import pytest
import yaml
from sshd import Sshd
from test_apply import HERE_ONLY, ROOT, TAMPU, World
from world import PATIENCE, has_terminals, until

# Starts "ollama" with what its drop-in says, as systemd would: a setting it does not like keeps it down.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{folder}/systemctl.log
[ "$1" = restart ] || exit 0
grep -s '^Environment=' "$TAMPU_UNITS/ollama.service.d/tampu.conf" >{folder}/running.env
if grep -q broken {folder}/running.env; then touch {engine}/down; else rm -f {engine}/down; fi
"""


def drop_in(sshd):
    path = sshd.units / "ollama.service.d/tampu.conf"
    return path.read_text() if path.exists() else None


@pytest.fixture
def box(tmp_path):
    """One machine of homelab.yaml with its Ollama alone, reached over SSH."""
    world = World(tmp_path, 100000, only=["gtr9-pro"])
    folder = tmp_path / "ssh"
    folder.mkdir()
    systemctl = SYSTEMCTL.format(folder=folder, engine=world.ollamas["gtr9-pro"].folder)
    sshd = Sshd(folder, {"systemctl": systemctl, "ollama": "#!/bin/sh\n", "modinfo": "#!/bin/sh\necho ttm.ko\n",
                         "update-initramfs": f'#!/bin/sh\necho "$*" >>{folder}/initramfs.log\n'},
                TAMPU_MODPROBE=folder / "units")
    machine = yaml.safe_load(world.fleet.read_text())["machines"]["gtr9-pro"]
    world.change("gtr9-pro", ssh="box", engines=machine["engines"][:1],
                 models=[m for m in machine["models"] if "engine" not in m])
    yield world, sshd
    sshd.close()
    world.close()


def test_settings_are_written_the_service_restarted_and_the_second_time_nothing(box):
    world, sshd = box
    dry = world.apply("--dry-run", "--ssh-config", sshd.config)
    assert dry.returncode == 0 and "systemctl restart ollama" in dry.stdout, dry.stdout + dry.stderr
    assert "OLLAMA_MAX_LOADED_MODELS=3" in dry.stdout and drop_in(sshd) is None and sshd.asked() == []
    status, answer = world.json("--ssh-config", sshd.config)
    assert status == 0, answer
    assert answer["steps"][0]["do"] == "configure"
    assert drop_in(sshd) == (sshd.folder / "running.env").read_text().join(["[Service]\n", ""])
    assert 'Environment="OLLAMA_CONTEXT_LENGTH=32768"' in drop_in(sshd)
    assert sshd.asked() == ["daemon-reload", "restart ollama"]
    assert world.json("--ssh-config", sshd.config)[1]["changes"] == 0
    assert len(sshd.asked()) == 2


def test_an_engine_that_does_not_come_back_gets_its_old_settings_again(box):
    world, sshd = box
    assert world.json("--ssh-config", sshd.config)[0] == 0
    before = drop_in(sshd)
    world.change("gtr9-pro", env={"OLLAMA_KV_CACHE_TYPE": "broken"})
    status, answer = world.json("--ssh-config", sshd.config, "--patience", "1s")
    assert status == 1
    failed = [s for s in answer["steps"] if s["state"] == "failed"]
    assert [s["do"] for s in failed] == ["configure"] and "the old ones are in place again" in failed[0]["words"]
    assert drop_in(sshd) == before and not (world.ollamas["gtr9-pro"].folder / "down").exists()


def test_a_machine_that_ssh_does_not_reach_is_named_and_the_rest_goes_on(box):
    world, sshd = box
    sshd.close()
    status, answer = world.json("--ssh-config", sshd.config)
    assert status == 1
    failed = [s for s in answer["steps"] if s["state"] == "failed"]
    assert [s["do"] for s in failed] == ["configure"] and failed[0]["words"].startswith("ssh")
    assert world.state() == world.wanted


def test_ssh_leaves_loopback_no_more_than_anything_else(box):
    world, sshd = box
    world.change("gtr9-pro", ssh="away")
    status, answer = world.json("--ssh-config", sshd.config)
    assert status == 1 and "TAMPU_LOOPBACK_ONLY" in next(s["words"] for s in answer["steps"] if s["words"])


def test_without_ssh_the_commands_are_printed(box):
    world, _ = box
    world.change("gtr9-pro", ssh="")
    printed = world.apply("--scripts")
    assert printed.returncode == 0 and "WANTED='[Service]" in printed.stdout
    script = world.folder / "by-hand.sh"
    script.write_text(printed.stdout)
    subprocess.run(["sh", "-n", script], check=True)


def give_gpu(sshd, gib):
    """The machine's kernel gives its GPU so much of the RAM."""
    card = sshd.folder / "sys/class/drm/card1/device"
    card.mkdir(parents=True, exist_ok=True)
    (card / "mem_info_gtt_total").write_text(f"{gib << 30}\n")
    (card / "mem_info_vram_total").write_text(f"{512 << 20}\n")


def test_how_much_the_gpu_may_use_is_written_and_the_restart_is_left_to_a_person(box):
    world, sshd = box
    log, file = sshd.folder / "initramfs.log", sshd.units / "tampu-gpu-memory.conf"
    world.change("gtr9-pro", models=[{"pull": "nomic-embed-text"}], keep_loaded=[])
    give_gpu(sshd, 62)
    dry = world.apply("--dry-run", "--ssh-config", sshd.config)
    assert "limit    -              GPU memory, 110 GiB" in dry.stdout and "ttm pages_limit" in dry.stdout
    assert not file.exists()
    status, answer = world.json("--ssh-config", sshd.config)
    left = [s for s in answer["steps"] if s["state"] == "left"]
    assert status == 1 and [s["do"] for s in left] == ["limit"]
    assert "nomic-embed-text:latest" in world.state()["gtr9-pro"]       # the rest goes on
    assert "restart gtr9-pro (sudo systemctl reboot)" in left[0]["words"]
    assert file.read_text() == "options ttm pages_limit=28835840\n"
    status, again = world.json("--ssh-config", sshd.config)
    assert status == 1 and [(s["do"], s["state"]) for s in again["steps"]] == [("limit", "left")]
    assert log.read_text() == "-u\n"       # once
    give_gpu(sshd, 110)                     # the machine was restarted
    status, last = world.json("--ssh-config", sshd.config)
    assert (status, last["steps"]) == (0, [])


def test_a_kernel_with_the_module_built_in_says_what_a_person_has_to_do(box):
    world, sshd = box
    world.change("gtr9-pro", models=[{"pull": "nomic-embed-text"}], keep_loaded=[])
    give_gpu(sshd, 62)
    (sshd.folder / "programs/modinfo").write_text("#!/bin/sh\necho '(builtin)'\n")
    status, answer = world.json("--ssh-config", sshd.config)
    left = [s for s in answer["steps"] if s["state"] == "left"]
    assert status == 1 and "add ttm.pages_limit=28835840 to the kernel's command line" in left[0]["words"]
    assert not (sshd.units / "tampu-gpu-memory.conf").exists()


def test_a_mac_is_told_at_once_and_at_every_start(tmp_path):
    """By a stand-in for its sysctl."""
    sysctl, kept = tmp_path / "sysctl", tmp_path / "limit"
    sysctl.write_text(f'#!/bin/sh\ncase $1 in -n) cat {kept};; *) echo "${{1#*=}}" >{kept};; esac\n')
    (tmp_path / "sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    for program in sysctl, tmp_path / "sudo":
        program.chmod(0o755)
    script = (ROOT / "share/engines/gpu-memory-macos.sh").read_text()

    def run(do, wanted=""):
        return subprocess.run(["sh", "-eu"], input=f"DO={do}\nWANTED={wanted}\n{script}", text=True, check=True, capture_output=True,
                              env={"PATH": f'{tmp_path}:{os.environ["PATH"]}', "TAMPU_DAEMONS": str(tmp_path)}).stdout

    kept.write_text("0\n")
    assert run("show") == "gpu-memory: now=0 written=0\n"
    run("set", "20480")
    assert run("show") == "gpu-memory: now=20480 written=20480\n"
    assert "<string>iogpu.wired_limit_mb=20480</string>" in (tmp_path / "tampu.gpu-memory.plist").read_text()
    run("undo")
    assert run("show") == "gpu-memory: now=0 written=0\n"
    sysctl.unlink()
    if not os.path.exists("/proc/sys/iogpu"):
        assert run("show") == "gpu-memory: none\n"


@pytest.mark.parametrize("path", sorted((ROOT / "share/engines").glob("*.sh")), ids=lambda path: path.stem)
def test_shellcheck_has_nothing_to_say_about_a_script(path, tmp_path):
    whole = tmp_path / path.name    # as it is sent: what is known of the fleet stands above
    above = "".join(f"{name}=''\n" for name in ("DO", "NAME", "BINARY", "INSTALL", "FILES", "AFTER", "WANTED"))
    whole.write_text("#!/bin/sh\nset -eu\n" + above + path.read_text())
    done = subprocess.run(["shellcheck", "-e", "SC2034", "-e", "SC2194", whole], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def painter(tmp_path, size):
    """The machine that paints, its files at a hub, the first of that size: (world, sshd, digests)."""
    world = World(tmp_path, 100000, only=["ms-s1"])
    folder = tmp_path / "ssh"
    folder.mkdir()
    there = dict.fromkeys(("systemctl", "ollama", "sd-server"), "#!/bin/sh\n")    # nothing is to be installed
    sshd = Sshd(folder, there, TAMPU_MODELS=tmp_path / "models")
    world.change("ms-s1", ssh="box")
    registry = world.wan.url
    plan = world.fleet.read_text().replace("free_min: '0'", f"free_min: '0'\n    files: {registry}")
    world.fleet.write_text(plan)
    hub = world.wan.publish_file
    flux = hub("leejet/FLUX.1-schnell-gguf", "flux1-schnell-q8_0.gguf", b"f" * size)
    vae = hub("black-forest-labs/FLUX.1-schnell", "ae.safetensors", b"v" * 200)
    hub("comfyanonymous/flux_text_encoders", "clip_l.safetensors", b"c" * 100)
    hub("comfyanonymous/flux_text_encoders", "t5xxl_fp16.safetensors", b"t" * 400)
    return world, sshd, (flux, vae)


def test_files_of_other_engines_are_named_with_their_digests_and_served_from_here(tmp_path):
    world, sshd, (flux, vae) = painter(tmp_path, 3000)
    dry = world.apply("--dry-run", "--ssh-config", sshd.config)
    assert f"{flux} 3000 http://127.0.0.1:" in dry.stdout and f"{vae} 200 http" in dry.stdout, dry.stdout + dry.stderr
    unit = next(line for line in dry.stdout.splitlines() if line.startswith("ExecStart=") and flux[7:] in line)
    assert '"--listen-ip" "127.0.0.1"' in unit and f'"--diffusion-model" "/var/lib/tampu/models/sha256-{flux[7:]}"' in unit
    assert '"--vae"' in unit and '"--clip_l"' in unit and unit.endswith('"--diffusion-fa"')
    # What the hub does not have fails alone and by name.
    assert dry.returncode == 1 and "city96/Wan2.1-T2V-1.3B-gguf" in dry.stdout
    assert world.changes() == [] and not (tmp_path / "models").exists() and sshd.asked() == []
    sshd.close()
    world.close()


@pytest.mark.skipif(not has_terminals(), reason="no pseudo-terminals")
def test_a_script_that_fetches_shows_how_far_it_is(tmp_path):
    world, sshd, (flux, _) = painter(tmp_path, 1 << 20)
    world.wan.spoil("flux1-schnell-q8_0.gguf", "wait")
    ours, its = pty.openpty()
    apply = subprocess.Popen([TAMPU, "apply", world.fleet, "--state", tmp_path / "state", "-y", "--ssh-config",
                              sshd.config], stdin=its, stdout=its, stderr=its, env=HERE_ONLY)
    shown = b""
    while not re.search(rb"fetch +\S+ +#{5,}\.{5,}", shown):
        assert select.select([ours], [], [], PATIENCE)[0] and apply.poll() is None, shown.decode()
        shown += os.read(ours, 65536)
    whole = tmp_path / "models" / flux.replace(":", "-")
    assert not whole.exists()
    world.wan.go_on.set()
    until(whole.exists, "the file is whole")
    apply.kill()
    apply.wait(PATIENCE)
    os.close(ours)
    os.close(its)
    sshd.close()
    world.close()
