"""A real sshd on loopback that takes one key; its sessions find a test's programs first."""
import getpass
import os
import pathlib
import shutil
import subprocess

from pages import free_port
from world import PATIENCE, until

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")
SUDO = '#!/bin/sh\nshift\nexec "$@"\n'


class Sshd:
    """programs: {name: text}; the host is called box; `config` is for ssh -F, `env` what sessions have."""

    def __init__(self, folder, programs, **env):
        self.folder, self.units, found = pathlib.Path(folder), folder / "units", folder / "programs"
        found.mkdir()
        self.units.mkdir()
        for name, text in {"sudo": SUDO, **programs}.items():
            (found / name).write_text(text)
            (found / name).chmod(0o755)
        for key in "host", "user":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        port = free_port()
        known = {"PATH": f'{found}:{os.environ["PATH"]}', "TAMPU_UNITS": self.units, "TAMPU_SYS": folder / "sys", **env}
        (folder / "sshd.conf").write_text(
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nPasswordAuthentication no\n"
            f'SetEnv {" ".join(f"{name}={value}" for name, value in known.items())}\n')
        self.config = folder / "ssh.conf"
        self.config.write_text(
            f"Host box\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
            f"  IdentityFile {folder}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known\n"
            "  StrictHostKeyChecking accept-new\n  LogLevel ERROR\n"
            "Host away\n  HostName 192.0.2.9\n")
        if os.getuid() == 0:
            pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd.conf"],
                                        stderr=(folder / "sshd.log").open("w"))
        until(lambda: "Server listening" in (folder / "sshd.log").read_text(), "sshd listens")

    def asked(self):
        """What systemctl was told, where the test's one keeps a log."""
        log = self.folder / "systemctl.log"
        return log.read_text().splitlines() if log.exists() else []

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
