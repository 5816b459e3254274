"""Secrets of a whole test run, and where one of them was left behind.

Keys, credentials and prompts that tests plant are in `secrets`; whatever gateways say goes through
hear(), and what they leave on disks through look_through(). A test at the end asks left_behind().
"""
import subprocess

CANARY = "CANARY5f1d9c"     # what stands in a prompt, a key or a credential to be looked for
secrets, said, places = {CANARY}, [], []


def plant(text):
    secrets.add(text)
    return text


def hear(text):
    """A log line, metrics, an error: what others may read."""
    said.append(text)


def look_through(folder):
    """The files below it, whatever their kind."""
    done = subprocess.run(["grep", "-rlaFf", "-", folder], input="\n".join(sorted(secrets)),
                          capture_output=True, text=True)
    assert done.returncode in (0, 1, 2), done.stderr    # 2: a file went while it was looked for
    places.extend(done.stdout.splitlines())


def left_behind():
    return places + [text for text in said if any(secret in text for secret in secrets)]
