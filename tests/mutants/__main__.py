# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks what keeps an application served, in one place after the other, and sees whether a cheap check notices.

    python tests/mutants [--only TEXT]

Each mutant is a copy of the tracked files with one change (see mutations.py), for which the checks run that could notice: the unit tests that
concern the file, and a small sample of the model. What none of them notices survives, and is told with file and line; harmless.yml lists those that
may, with the reason. The last line is ``RESULT mutants=N killed=N survived=N``. Exits 1 with a survivor that is not listed there, and with a line there
that names nobody who survives.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import fnmatch
import functools
import io
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Loaded once, for all that are forked from here. Nothing of the collection may be: each mutant has its own.
import ansible.constants
import ansible.parsing.dataloader
import ansible.plugins.action
import ansible.plugins.loader
import ansible.template  # noqa: F401
import pytest
import yaml
from mutations import Mutant, of_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from jobs import COLLECTION, ROOT, WORK, tracked_files  # noqa: E402

WORKERS = 2
# Longer than any of the checks takes by far. A mutant may go round in circles, and then it is noticed.
TIMEOUT_S = 300
PROGRESS_S = 5
UTILS, MODULE_UTILS, ACTION, MODULES = (f"tests/unit/plugins/{name}" for name in ("plugin_utils", "module_utils", "action", "modules"))
# One state of so many of the model, by the number of nodes.
SAMPLES = {2: 131, 3: 1999, 4: 60013}


def model() -> bool:
    from ansible_collections.halfswap.bluegreen.tests.model import check, layouts, run

    if run.check_run()[1] or layouts.check_layouts(97)[2]:
        return False
    for part in check.parts(max(SAMPLES)):
        part.sample = SAMPLES[part.blue + part.green]
        if check.check(part).broken:
            return False
    return True


def read() -> bool:
    """The model reads the files before it runs anything, and knows what it does not understand."""
    from ansible_collections.halfswap.bluegreen.tests.model import check

    return bool(check)


def units(*paths: str) -> Callable[[], bool]:
    return functools.partial(_units, paths)


def _units(paths: Sequence[str]) -> bool:
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", *paths]) == pytest.ExitCode.OK


def on_a_node(*paths: str) -> Callable[[], bool]:
    """The units of what runs on nodes, in a process that has loaded nothing of the controller, for modules warn in another way beside that."""
    return functools.partial(_on_a_node, paths)


def _on_a_node(paths: Sequence[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *paths]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd().parents[2])}
    return subprocess.run(command, env=environment, check=False, capture_output=True, timeout=TIMEOUT_S).returncode == 0


ROLE = units("tests/unit/model/test_tasks.py", "tests/unit/meta/test_roles.py", "tests/unit/meta/test_templates.py")
WATCH = units("tests/unit/plugins/test_watch_plays.py")
OWN = "tests/unit/model/test_judged.py"
# What could notice a change of these, the quickest first.
CHECKS: dict[str, list[Callable[[], bool]]] = {
    # Of these the model runs what follows from the watch; the watch itself is played.
    "roles/swap/tasks/preflight.yml": [ROLE, WATCH],
    "roles/swap/tasks/watch.yml": [ROLE, read, WATCH],
    "roles/swap/tasks/observe.yml": [ROLE, read, WATCH],
    "roles/swap/tasks/undo.yml": [ROLE, read, WATCH],
    "roles/swap/tasks/*.yml": [model, ROLE],
    "playbooks/deploy.yml": [model, ROLE],
    "playbooks/tasks/lock.yml": [model],
    "playbooks/tasks/end.yml": [model],
    "plugins/plugin_utils/judge/_interlock.py": [
        units(OWN, f"{UTILS}/test__interlock.py", f"{ACTION}/test_heartbeat.py", f"{ACTION}/test_interlock.py"),
        model,
    ],
    "plugins/plugin_utils/judge/_permit.py": [units(f"{UTILS}/test__permit.py", f"{ACTION}/test_interlock.py", f"{ACTION}/test_out.py"), model],
    "plugins/plugin_utils/_refusals.py": [units(OWN, f"{ACTION}/test_interlock.py"), model],
    "plugins/plugin_utils/judge/_way_back.py": [units(f"{UTILS}/test__way_back.py", f"{ACTION}/test_way_back.py", f"{ACTION}/test_stopped.py"), model],
    "plugins/plugin_utils/judge/_planner.py": [units(OWN, f"{UTILS}/test__planner.py", f"{ACTION}/test_plan.py"), model],
    "plugins/module_utils/drain/_proof.py": [on_a_node(f"{MODULE_UTILS}/test__proof.py", f"{MODULES}/test_release.py", f"{MODULES}/test_out.py")],
}


def checks_of(file: str) -> list[Callable[[], bool]]:
    return next(checks for pattern, checks in CHECKS.items() if fnmatch.fnmatch(file, pattern))


def mirror(base: Path, folder: Path, mutant: Mutant) -> None:
    """The collection at base, by hard links, but for one file."""
    shutil.copytree(base, folder, copy_function=os.link)
    (folder / mutant.file).unlink()
    (folder / mutant.file).write_text(mutant.text)


def survives(base: Path, mutant: Mutant) -> bool:
    """Runs in a process of its own."""
    signal.alarm(TIMEOUT_S)
    with tempfile.TemporaryDirectory(dir=base.parents[2]) as folder, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        copy = Path(folder) / COLLECTION
        mirror(base, copy, mutant)
        sys.path.insert(0, folder)
        os.chdir(copy)
        try:
            return all(check() for check in checks_of(mutant.file))
        except Exception:
            # It was not understood, or could not even be loaded.
            return False
        finally:
            os.chdir(base)


def tried(base: Path, mutant: Mutant) -> bool:
    """Whether it survives. Whatever a mutant does to the process that runs it, it does to nobody else."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.write(writer, b"survived" if survives(base, mutant) else b"killed")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer == b"survived"


def copied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    base = folder / COLLECTION
    for name in tracked_files():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, base / name)
    compileall.compile_dir(base, quiet=2)
    return base


def reason_for(mutant: Mutant, harmless: Sequence[dict[str, str]]) -> dict[str, str] | None:
    return next((each for each in harmless if each["file"] == mutant.file and fnmatch.fnmatchcase(mutant.what, each["what"])), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants whose file, line and change contain this")
    arguments = parser.parse_args()
    base = copied(WORK / "mutants")
    harmless = yaml.safe_load((HERE / "harmless.yml").read_text()) or []
    files = sorted(name for name in tracked_files() if any(fnmatch.fnmatch(name, pattern) for pattern in CHECKS))
    mutants = [mutant for file in files for mutant in of_file(base, file) if arguments.only in str(mutant)]
    for file in dict.fromkeys(mutant.file for mutant in mutants):
        if not tried(base, Mutant(file, 1, "as it is", (base / file).read_text())):
            print(f"ERROR: a check of {file} fails without any mutant: {', '.join(getattr(check, '__name__', 'units') for check in checks_of(file))}")
            return 2
    started = said = time.monotonic()
    survivors: list[Mutant] = []
    unlisted = 0
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        for number, (mutant, survived) in enumerate(zip(mutants, pool.imap(functools.partial(tried, base), mutants)), start=1):
            if survived:
                survivors.append(mutant)
                listed = reason_for(mutant, harmless)
                unlisted += not listed
                print(f"SURVIVED {mutant}{' (' + listed['why'] + ')' if listed else ''}", flush=True)
            if time.monotonic() > said + PROGRESS_S:
                said = time.monotonic()
                print(f"{number} of {len(mutants)}, {said - started:.0f} s, {mutant.file}", flush=True)
    stale = [] if arguments.only else [each for each in harmless if not any(reason_for(mutant, [each]) for mutant in survivors)]
    for each in stale:
        print(f"STALE harmless.yml lists what nothing survives: {each['file']}: {each['what']}")
    print(f"RESULT mutants={len(mutants)} killed={len(mutants) - len(survivors)} survived={len(survivors)}")
    return 1 if unlisted or stale else 0


if __name__ == "__main__":
    sys.exit(main())
