# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a machine for the lab and the checks: only what is missing, again and again if need be.

    python3 molecule/lab/bootstrap.py [podman] [host] [tools] [collections] [image]

Each step looks at what is really there, not at a stamp, so a half-made or damaged cache is remade.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

LAB = Path(__file__).resolve().parent
ROOT = LAB.parent.parent
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
COLLECTIONS = CACHE / "collections" / "ansible_collections"
# Comes first on the PATH of everything that calls podman; there only while the lab uses sudo for it.
WRAPPER = CACHE / "bin" / "podman"
REQUIREMENTS = [ROOT / "tests" / "requirements.txt", ROOT / "tests" / "constraints.txt"]
COLLECTIONS_WHEEL = ROOT / "tests" / "requirements-collections.txt"

HOST_PACKAGES = [
    "aardvark-dns",
    "ca-certificates",
    "debian-archive-keyring",
    "iptables",
    "mmdebstrap",
    "netavark",
    "openssh-client",
    "podman",
    "rpm",
    "runc",
]
# Without the configuration in containers-storage, older podman copies the whole image for each container.
ROOTLESS_PACKAGES = ["containers-storage", "dbus-user-session", "slirp4netns", "uidmap"]
# What ansible-core 2.19 runs on.
PYTHONS = [(3, 11), (3, 12), (3, 13)]

NODE_SUITE = "bookworm"
NODE_IMAGE = "localhost/halfswap-lab-node"
# Podman asks for high limits of its own accord, which is refused without CAP_SYS_RESOURCE.
LIMITS = ["--ulimit", "nofile=16384:16384", "--ulimit", "nproc=4096:4096"]


class Failure(Exception):
    """Something that the reader has to mend; the message says what and how."""


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    print(f"{text} ...", flush=True)
    begun = time.monotonic()
    yield
    print(f"  done in {time.monotonic() - begun:.0f} s", flush=True)


def run(*command: str | Path) -> None:
    """Run a command quietly; what it printed is shown only when it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        raise Failure(f"{' '.join(words)}\ndid not start: {error}") from error
    if done.returncode:
        raise Failure(f"{' '.join(words)}\nended with status {done.returncode}:\n{done.stdout.strip()}")


def succeeds(*command: str | Path) -> bool:
    try:
        run(*command)
    except Failure:
        return False
    return True


# podman -------------------------------------------------------------------------------------------

CGROUP2 = Path("/sys/fs/cgroup/cgroup.controllers")
SUBORDINATE_IDS = [Path("/etc/subuid"), Path("/etc/subgid")]
# Never asks for a password: playbooks, in which most calls of podman are, could not pass the question on.
# The PATH is for what podman and mmdebstrap call, and keeps the wrapper from finding itself.
SUDO = ["sudo", "-n", "env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
WRAPPER_TEXT = f"""#!/bin/sh
# Written by molecule/lab/bootstrap.py: without root, podman cannot run systemd on this machine.
exec {" ".join(SUDO)} podman "$@"
"""


def is_root() -> bool:
    return os.geteuid() == 0


def rootless_obstacle() -> str:
    """Why podman without root cannot run systemd in a container; empty if nothing speaks against it."""
    if not CGROUP2.exists():
        return f"this machine does not use cgroup v2 alone ({CGROUP2} is missing)"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime:
        return "this is not a login session (XDG_RUNTIME_DIR is not set)"
    # Through this bus podman asks the user's systemd for a cgroup in which another systemd may rule.
    # After `su` the directory may be another user's.
    if not os.access(Path(runtime, "bus"), os.W_OK):
        return f"this is no login session with a message bus of its own ({runtime}/bus is missing or another user's)"
    owners = {str(os.getuid()), pwd.getpwuid(os.getuid()).pw_name}
    for path in SUBORDINATE_IDS:
        if not path.exists() or not any(line.split(":")[0] in owners for line in path.read_text().splitlines()):
            return f"{path} gives this user no IDs"
    if not succeeds("unshare", "--user", "true"):
        return "this machine refuses user namespaces (`unshare --user true` fails)"
    return ""


def sudo_obstacle() -> str:
    if not shutil.which("sudo"):
        return "sudo is not installed"
    # In a session of its own, as a playbook's tasks are: a password given at this terminal would not count there.
    done = subprocess.run(["sudo", "-n", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, start_new_session=True)
    return done.stderr.strip() or "`sudo -n true` fails" if done.returncode else ""


def podman() -> None:
    """Decide whether podman runs as it is or by sudo, before anything is installed or built."""
    if is_root():
        WRAPPER.unlink(missing_ok=True)
        return
    # Once decided for sudo, it stays so, in a login session too: otherwise `make lab-clean` would not see the labs there are.
    by_sudo = WRAPPER.is_file()
    obstacle = "" if by_sudo else rootless_obstacle()
    if not by_sudo and not obstacle:
        return
    if refused := sudo_obstacle():
        reason = f"{WRAPPER} says that an earlier run chose sudo (`rm` it to decide anew)" if by_sudo else obstacle
        raise Failure(
            f"The lab cannot run as this user. Podman without root cannot run systemd here: {reason}.\n"
            f"Podman by sudo does not work either: {refused}.\n"
            "Run this as root, or give this user sudo without a password (NOPASSWD in sudoers), or remove the first obstacle."
        )
    if not by_sudo:
        print(f"Using sudo for podman: {obstacle}.", flush=True)
    WRAPPER.parent.mkdir(exist_ok=True)
    WRAPPER.write_text(WRAPPER_TEXT)
    WRAPPER.chmod(0o755)


# host ---------------------------------------------------------------------------------------------


def find_python() -> str | None:
    """The first interpreter that ansible-core runs on and that can make a virtual environment."""
    probe = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    for name in ["python3", "/usr/bin/python3", *(f"python{major}.{minor}" for major, minor in reversed(PYTHONS))]:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            version = subprocess.run([name, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
            if tuple(map(int, version.split())) in PYTHONS:
                return name
    return None


def host() -> None:
    if not shutil.which("apt-get"):
        wanted = [name for name in ("podman", "runc", "rpmbuild", "ssh-keygen") if not shutil.which(name)]
        if wanted:
            raise Failure(f"This is no Debian or Ubuntu; please install what provides: {', '.join(wanted)}")
        return
    root = is_root()
    rootless = not root and not WRAPPER.is_file()
    wanted = HOST_PACKAGES + (ROOTLESS_PACKAGES if rootless else []) + ([] if find_python() else ["python3-venv"])
    known = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *wanted],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    ).stdout.splitlines()
    missing = [name for name in wanted if f"{name} installed" not in known]
    if not missing:
        return
    if not root and not shutil.which("sudo"):
        raise Failure(f"Please have these packages installed, or install sudo: apt-get install {' '.join(missing)}")
    as_root = [] if root else ["sudo"]
    with step(f"Installing with apt-get: {' '.join(missing)}"):
        run(*as_root, "apt-get", "update", "-q")
        run(*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y", "--no-install-recommends", *missing)


# tools --------------------------------------------------------------------------------------------

# Runs inside the environment that it judges: every pinned tool is there, and every file of it whole.
TOOLS_CHECK = """
import sys
from importlib.metadata import distribution
for line in open(sys.argv[1]):
    if line.startswith('#') or not line.strip():
        continue
    name, version = line.strip().split('==')
    found = distribution(name)
    assert found.version == version, name
    for file in found.files:
        if file.size is not None:
            assert file.locate().stat().st_size == file.size, file
"""


def tools() -> None:
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in REQUIREMENTS)).hexdigest()
    stamp = VENV / "requirements.sha256"
    python = VENV / "bin" / "python"
    # The scripts carry the path of the environment: a checkout that was moved needs a new one.
    wanted = f"{digest} {VENV}\n"
    if stamp.is_file() and stamp.read_text() == wanted and succeeds(python, "-c", TOOLS_CHECK, REQUIREMENTS[0]):
        return
    interpreter = find_python()
    if not interpreter:
        versions = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        raise Failure(f"No Python with venv among {versions} found; ansible-core needs one of these")
    with step("Installing ansible-core, molecule and the linters into .venv"):
        shutil.rmtree(VENV, ignore_errors=True)
        run(interpreter, "-m", "venv", VENV)
        run(python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS[0], "--constraint", REQUIREMENTS[1])
        stamp.write_text(wanted)


# collections --------------------------------------------------------------------------------------


def whole(folder: Path, record: Path) -> bool:
    """Whether each file that a wheel's record lists is there with its checksum."""
    try:
        for name, checksum, _size in csv.reader(record.read_text().splitlines()):
            found = base64.urlsafe_b64encode(hashlib.sha256((folder / name).read_bytes()).digest())
            if checksum != "sha256=" + found.decode().rstrip("="):
                return False
    except (OSError, ValueError):
        return False
    return True


def collections() -> None:
    ours = COLLECTIONS / "halfswap" / "bluegreen"
    if not ours.is_symlink() or ours.resolve() != ROOT:
        ours.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            ours.unlink()
        ours.symlink_to(os.path.relpath(ROOT, ours.parent))
    podman = COLLECTIONS / "containers" / "podman"
    record = COLLECTIONS / "containers-podman.RECORD"
    if whole(COLLECTIONS.parent, record):
        return
    # PyPI serves where Galaxy cannot be reached; the wheel holds 100 collections, of which one is kept.
    with step("Fetching the collection containers.podman"), tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        run(VENV / "bin" / "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", scratch, "--requirement", COLLECTIONS_WHEEL)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (index,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
            lines = archive.read(index).decode().splitlines()
            kept = [line for line in lines if line.startswith("ansible_collections/containers/podman/")]
            shutil.rmtree(podman, ignore_errors=True)
            archive.extractall(COLLECTIONS.parent, [line.split(",")[0] for line in kept])
        record.write_text("\n".join(kept) + "\n")


# image --------------------------------------------------------------------------------------------


def image() -> None:
    """Build the node image unless it is there and runs; its tag is the digest of its definition."""
    # This step is also called alone, by create.yml.
    STEPS["podman"]()
    by_sudo = WRAPPER.is_file()
    base = os.environ.get("LAB_BASE_IMAGE", "")
    script = LAB / "image" / "node.sh"
    definition = (base or NODE_SUITE).encode() + script.read_bytes()
    name = f"{NODE_IMAGE}:{hashlib.sha256(definition).hexdigest()[:12]}"
    command = [WRAPPER if by_sudo else "podman", "--runtime", "runc"]
    trial = [*command, "run", "--rm", "--pull", "never", "--network", "none", *LIMITS, name, "true"]
    if not succeeds(*trial):
        if base:
            with step(f"Building the node image from {base}"):
                run(*command, "build", "--quiet", *LIMITS, "--build-arg", f"BASE={base}", "--tag", name, script.parent)
        else:
            with step(f"Building the node image from Debian {NODE_SUITE} packages"), tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                archive = Path(scratch) / "node.tar"
                run(
                    *(SUDO if by_sudo else []),
                    "mmdebstrap",
                    "--variant=minbase",
                    f"--customize-hook=copy-in {script} /root",
                    '--customize-hook=chroot "$1" sh /root/node.sh',
                    NODE_SUITE,
                    archive,
                )
                run(*command, "import", "--quiet", archive, name)
        # If it is not the image that keeps it from running, podman says here what it is.
        run(*trial)
    print(name)


# --------------------------------------------------------------------------------------------------

STEPS: dict[str, Callable[[], None]] = {"podman": podman, "host": host, "tools": tools, "collections": collections, "image": image}


def main(names: list[str]) -> int:
    CACHE.mkdir(exist_ok=True)
    # An environment cannot be remade with its own interpreter, and the wrapper is no podman.
    own = (VENV / "bin", WRAPPER.parent)
    os.environ["PATH"] = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) not in own)
    with (CACHE / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for name in names or STEPS:
                STEPS[name]()
        except Failure as failure:
            print(f"ERROR: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
