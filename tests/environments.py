# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks share: the Pythons of this machine, with what they need. Each is made once, by whichever check needs it first, and kept for the next run."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

from jobs import CACHE, ROOT, WORK, Failed, Job, Skipped

CONTROLLER_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CORE_216_PYTHONS = ("3.10", "3.11", "3.12")
NODE_PYTHONS = ("2.7", "3.6")
# The pip that each ansible-test puts into its virtual environments, for its own Python and for the nodes'.
ANSIBLE_TEST_PIPS = ("24.2", "23.1.2", "20.3.4", "21.3.1")


def shared(make: Callable) -> Callable:
    lock = threading.Lock()
    cached = functools.cache(make)

    @functools.wraps(make)
    def wrapper(*args: str | Path) -> Path:
        with lock:
            return cached(*args)

    return wrapper


def find_python(version: str) -> Path:
    """An interpreter that really runs: what is on PATH may be a shim for a version that nobody chose."""
    pyenvs = {os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")} - {""}
    candidates = [shutil.which(f"python{version}"), *(path for pyenv in pyenvs for path in sorted(Path(pyenv).glob(f"versions/{version}.*/bin/python")))]
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d %s' % (sys.version_info[:2] + (sys.executable,)))"], capture_output=True, text=True, check=False
        )
        found, _blank, executable = asked.stdout.strip().partition(" ")
        if asked.returncode == 0 and found == version:
            return Path(executable)
    raise Skipped(f"python{version} not found")


def environment(folder: Path, requirements: Path, create: list[str | Path]) -> Path:
    """A virtual environment that holds these requirements, made anew when they change."""
    job = Job(f"environment {folder.name}")
    installed = folder / "requirements.txt"
    if not installed.is_file() or installed.read_bytes() != requirements.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        job.run(*create, folder)
        try:
            job.run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--requirement", requirements)
        except Failed as failure:
            raise Failed(f"{failure}; see {job.log}") from failure
        shutil.copy(requirements, installed)
    return folder / "bin"


@shared
def core_216() -> Path:
    versions = sorted(CORE_216_PYTHONS, key=lambda version: version != CONTROLLER_PYTHON)
    for version in versions:
        try:
            python = find_python(version)
        except Skipped:
            continue
        return environment(CACHE / "venv-2.16", ROOT / "tests/checks-core-2.16.txt", [python, "-m", "venv"])
    raise Skipped(f"ansible-core 2.16 runs on Python {', '.join(versions)}: none found")


@shared
def node_python(version: str) -> Path:
    python = find_python(version)
    virtualenv = [core_216() / "python", "-m", "virtualenv", "--quiet", "--no-download", "--python", python]
    return environment(CACHE / f"venv-python-{version}", ROOT / "tests/checks-node-python.txt", virtualenv)


@shared
def node_core(core: Path) -> Path:
    """What of this ansible-core reaches a node: module_utils alone."""
    folder = WORK / "node-core" / core.parent.name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "ansible").mkdir(parents=True)
    (folder / "ansible/__init__.py").touch()
    installed = subprocess.run([core / "python", "-c", "import ansible; print(ansible.__path__[0])"], check=True, capture_output=True, text=True).stdout.strip()
    (folder / "ansible/module_utils").symlink_to(Path(installed) / "module_utils")
    return folder


@shared
def ansible_test_home() -> Path:
    """A HOME in which ansible-test finds the pip that it would fetch from a host of its own: the same version, from PyPI."""
    home = WORK / "home"
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    # ansible-test hands on no environment, so this is how pip learns which index serves this machine.
    pip_settings = Path.home() / ".config/pip"
    if pip_settings.is_dir() and not (home / ".config/pip").exists():
        (home / ".config").mkdir(exist_ok=True)
        (home / ".config/pip").symlink_to(pip_settings)
    (home / ".pip").mkdir(exist_ok=True)
    (home / ".pip/pip.conf").write_text("[global]\nquiet = 2\n")
    job = Job("ansible-test home")
    for version in ANSIBLE_TEST_PIPS:
        bootstrap = cache / f"get_pip_{version.replace('.', '_')}.py"
        if bootstrap.exists():
            continue
        job.run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", cache, f"pip=={version}")
        # Unpacked, because old pips cannot read their certificates out of a wheel.
        unpacked = cache / f"pip-{version}"
        with zipfile.ZipFile(next(cache.glob(f"pip-{version}-*.whl"))) as wheel:
            wheel.extractall(unpacked)
        bootstrap.write_text(
            textwrap.dedent(f"""\
                import runpy
                import sys

                sys.path.insert(0, {str(unpacked)!r})
                # The unpacked pip is on the path, which must not pass for having it installed.
                sys.argv = ["pip", "install", "--ignore-installed"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
                runpy.run_module("pip", run_name="__main__", alter_sys=True)
                """)
        )
    return home
