# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks of a tier, two at a time, and say how many passed. tests/README.md says what each one proves.

All but molecule read a copy of the tracked files at .cache/checks/<check>/ansible_collections/halfswap/bluegreen, the
path at which the tools of Ansible expect a collection, so that nothing is left behind in the checkout.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import scenarios
from environments import CONTROLLER_PYTHON, NODE_PYTHONS, ansible_test_home, core_216, node_core, node_python
from jobs import BIN, COLLECTION, ROOT, Check, Failed, Job, Schedule, show, tracked_files

NODE_TESTS = ("tests/unit/agent", "tests/unit/plugins/modules", "tests/unit/plugins/module_utils")
# Real ansible-playbooks in them: as long as all the others together.
PLAYS = "test_*_plays.py"
# These know nothing of Ansible, and take long.
PROPERTIES = "tests/unit/plugins/plugin_utils/judge/test__planner_properties.py"
FUZZ = "tests/unit/faults/test_fuzz.py"
# Of what runs plays, the cores differ in what they forget of a text and in how they send a module: see the others in `plays`.
LEFT_OUT_OF_216 = [f"--ignore={PROPERTIES}", *(f"--ignore-glob=*/test_{which}_plays.py" for which in ("watch", "load_balancer", "token", "migrate"))]
# Of every so many states of the model one is looked at; prime, so that no node is always in the same state.
MODEL_SAMPLES = {"check": 1999, "test": 199, "all": 1}
# Two thirds of what sanity costs. Lint, mypy, units and the nodes' Pythons find most of what they find.
SLOW_SANITY = ("pylint", "import")
# Two of them are busy and one waits, as tests with clocks and sockets do. A lab keeps both cores busy by itself.
WORKERS = {"check": 3, "test": 2, "all": 2}


def yamllint(job: Job) -> None:
    job.run("yamllint", "--strict", ".", cwd=job.copy)


def ruff(job: Job) -> None:
    job.run("ruff", "check", "--no-cache", ".", cwd=job.copy)
    job.run("ruff", "format", "--check", "--no-cache", ".", cwd=job.copy)


def mypy(job: Job) -> None:
    # The copy is made anew each time, so what mypy remembers lies beside it.
    job.run("mypy", "--cache-dir", job.folder / "mypy", cwd=job.copy)


def ansible_lint(job: Job, paths: Sequence[str] = ()) -> None:
    job.run(
        "ansible-lint",
        "--nocolor",
        *paths,
        cwd=job.copy,
        ANSIBLE_COLLECTIONS_PATH=job.collections,
        ANSIBLE_HOME=job.folder / "home",
        ANSIBLE_INVENTORY=two_stacks(job),
    )


def two_stacks(job: Job) -> Path:
    """An inventory with which playbooks can be parsed: some find out what they run on from its groups."""
    inventory = job.folder / "inventory.yml"
    inventory.write_text("---\nblue: {hosts: {blue1: {}}}\ngreen: {hosts: {green1: {}}}\n")
    return inventory


def changelog(job: Job) -> None:
    job.run("antsibull-changelog", "lint", cwd=job.copy)


def docs(job: Job) -> None:
    job.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ".", cwd=job.copy, ANSIBLE_COLLECTIONS_PATH=job.collections)


def ansible_test(job: Job, core: Path, kind: str, *options: str, python: str, path: Path | None = None) -> None:
    job.run(
        core / "ansible-test",
        kind,
        "--local",
        "--color=no",
        f"--python={python}",
        *options,
        cwd=job.copy,
        HOME=ansible_test_home(),
        PATH=os.pathsep.join(str(part) for part in (core, path, os.environ["PATH"]) if part),
    )


def sanity(job: Job, paths: Sequence[str] = (), without: Sequence[str] = ()) -> None:
    ansible_test(job, BIN, "sanity", *(f"--skip-test={name}" for name in without), *paths, python=CONTROLLER_PYTHON)


def sanity_on_nodes(job: Job, python: str) -> None:
    ansible_test(job, core_216(), "sanity", "--test=compile", "--test=import", python=python, path=node_python(python))


def units(job: Job, core: Path, *options: str) -> None:
    """What runs on the controller, where all of Ansible is there.

    By pytest itself: ansible-test forks for each test, which costs more than the tests do.
    """
    pytest(job, core / "python", job.folder, "-n", "2", *(f"--ignore={folder}" for folder in NODE_TESTS), *options)


def plays() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/unit").rglob(PLAYS))


def units_on_nodes(job: Job, python: Path, core: Path) -> None:
    """What runs on nodes, where of Ansible module_utils alone is there."""
    # Python 2.7 knows packages by this file only, and it keeps apart the tests that share a name.
    folders = {folder for name in tracked_files() for folder in (job.copy / name).parents if job.folder in folder.parents}
    for folder in folders:
        (folder / "__init__.py").touch()
    # Most of their time they wait, for sockets and clocks.
    pytest(job, python / "python", f"{node_core(core)}{os.pathsep}{job.folder}", "-n", "4", "--continue-on-collection-errors", *NODE_TESTS)


def pytest(job: Job, python: Path, path: str | Path, *options: str) -> None:
    report = job.folder / "junit.xml"
    report.unlink(missing_ok=True)
    try:
        job.run(
            python,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", "--rootdir", job.folder),
            *options,
            cwd=job.copy,
            PYTHONPATH=path,
            # What the operator has set for himself is no part of a test.
            HOME=job.folder / "home",
            ANSIBLE_COLLECTIONS_PATH=job.folder,
        )
    finally:
        job.count(job.folder.glob(report.name))


def units_one_by_one(job: Job) -> None:
    """As anybody runs them who knows collections: with ansible-test, which gives each test a process of its own."""
    ansible_test(job, BIN, "units", python=CONTROLLER_PYTHON)
    job.count((job.copy / "tests/output/junit").glob("*.xml"))


def installed_tarball(job: Job, core: Path) -> None:
    """Build the collection, install it, and let Ansible parse each playbook by its full name from there."""
    for folder in ("built", "installed"):
        shutil.rmtree(job.folder / folder, ignore_errors=True)
    env = {"ANSIBLE_COLLECTIONS_PATH": job.folder / "installed", "ANSIBLE_HOME": job.folder / "home"}
    galaxy = core / "ansible-galaxy"
    job.run(galaxy, "collection", "build", "--output-path", job.folder / "built", cwd=job.copy, **env)
    (tarball,) = (job.folder / "built").iterdir()
    job.run(galaxy, "collection", "install", "--offline", "--no-deps", "-p", job.folder / "installed", tarball, cwd=job.folder, **env)
    playbooks = sorted(path.stem for path in (job.folder / "installed" / COLLECTION / "playbooks").glob("*.yml"))
    if not playbooks:
        raise Failed(f"{tarball.name} holds no playbook")
    names = [f"halfswap.bluegreen.{name}" for name in playbooks]
    job.run(core / "ansible-playbook", "--syntax-check", "--inventory", two_stacks(job), *names, cwd=job.folder, **env)


def model(job: Job, sample: int) -> None:
    job.run(sys.executable, "-m", f"{'.'.join(COLLECTION.parts)}.tests.model.check", "--sample", str(sample), cwd=job.copy, PYTHONPATH=job.folder)
    job.summary = job.log.read_text().splitlines()[-1]


def fuzz(job: Job) -> None:
    """Give the agent what nobody thought of, a hundred thousand times."""
    job.run(sys.executable, "tests/faults/fuzz.py", cwd=job.copy)
    job.summary = job.log.read_text().splitlines()[-1]


class Labs:
    """Which scenarios use one lab, one after the other: who comes first prepares it, and after the last one it is removed."""

    def __init__(self) -> None:
        self._waiting: list[scenarios.Scenario] = []
        self._kept: set[str] = set()

    def check(self, scenario: scenarios.Scenario) -> Check:
        return Check(
            f"molecule:{scenario.name}",
            functools.partial(self._molecule, scenario=scenario),
            group=f"lab {scenario.lab}",
            hosts=scenario.hosts,
            tier=scenario.tier,
        )

    def expect(self, wanted: Sequence[Check]) -> None:
        """Of these checks; a lab is kept for nobody else."""
        names = {check.name for check in wanted}
        self._waiting = [scenario for scenario in scenarios.read(ROOT / "molecule") if self.check(scenario).name in names]

    def _molecule(self, job: Job, scenario: scenarios.Scenario) -> None:
        self._waiting.remove(scenario)
        if scenario.lab not in self._kept:
            self._remove(scenario.lab)
        self._kept.discard(scenario.lab)
        passed = False
        try:
            # What molecule remembers of a lab that is gone.
            job.run("molecule", "reset", "--scenario-name", scenario.name)
            job.run("molecule", "test", "--scenario-name", scenario.name, "--destroy", "never", NO_COLOR="1", ANSIBLE_NOCOLOR="1")
            passed = True
        finally:
            # A lab in which something failed is as nobody expects it.
            if passed and any(scenario.lab == other.lab for other in self._waiting):
                self._kept.add(scenario.lab)
            else:
                self._remove(scenario.lab)

    def remove(self) -> None:
        """What was kept for scenarios that did not come to their turn."""
        for lab in self._kept:
            self._remove(lab)

    @staticmethod
    def _remove(lab: str) -> None:
        subprocess.run(["sh", "molecule/lab/clean.sh", f"mol-{lab}"], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


def all_checks(tier: str, labs: Labs) -> list[Check]:
    """All checks, as they are in a run of this tier; each says from which tier on it is run."""
    everything, fast = tier == "all", tier == "check"
    paths = () if everything else ("plugins/", "roles/")
    return [
        # The large ones first: the small ones fit beside them and each other.
        *map(labs.check, scenarios.read(ROOT / "molecule")),
        Check("sanity", functools.partial(sanity, paths=paths, without=SLOW_SANITY if fast else ()), group="ansible-test sanity"),
        Check("yamllint", yamllint),
        Check("ruff", ruff),
        Check("mypy", mypy),
        Check("changelog", changelog),
        Check("ansible-lint", functools.partial(ansible_lint, paths=() if everything else ("playbooks", "roles"))),
        Check("docs", docs),
        Check("model", functools.partial(model, sample=MODEL_SAMPLES[tier])),
        Check("fuzz", fuzz, tier="all"),
        Check("plays", lambda job: units(job, BIN, *plays()), tier="test"),
        Check("units", lambda job: units(job, BIN, "tests/unit", f"--ignore-glob=*/{PLAYS}", *(f"--ignore={file}" for file in (PROPERTIES, FUZZ) if fast))),
        Check("units:nodes", lambda job: units_on_nodes(job, BIN, BIN)),
        *(Check(f"units:python-{version}", lambda job, version=version: units_on_nodes(job, node_python(version), core_216())) for version in NODE_PYTHONS),
        Check("units:core-2.16", lambda job: units(job, core_216(), "tests/unit/plugins", *([] if everything else LEFT_OUT_OF_216)), tier="test"),
        # The units on the nodes' Pythons have them with this core.
        Check("units:nodes-core-2.16", lambda job: units_on_nodes(job, core_216(), core_216()), tier="all"),
        Check("units:ansible-test", units_one_by_one, tier="all"),
        Check("tarball", lambda job: installed_tarball(job, BIN)),
        Check("tarball:core-2.16", lambda job: installed_tarball(job, core_216())),
        *(Check(f"sanity:python-{version}", functools.partial(sanity_on_nodes, python=version), group="ansible-test sanity") for version in NODE_PYTHONS),
    ]


def main() -> int:
    labs = Labs()
    try:
        names = [check.name for check in all_checks("all", labs)]
    except scenarios.NoTier as wrong:
        print(f"ERROR: {wrong}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="The checks: " + ", ".join(names))
    parser.add_argument("--tier", choices=scenarios.TIERS, default="test", help="check: what needs no lab; all: everything (default: %(default)s)")
    parser.add_argument("--fast", action="store_const", dest="tier", const="check", help="the same as --tier check")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these checks, of whatever tier; a name may have wildcards, such as 'molecule:*'")
    arguments = parser.parse_args()
    for pattern in arguments.only or []:
        if not fnmatch.filter(names, pattern):
            parser.error(f"no check is called {pattern}")
    wanted = [
        check
        for check in all_checks(arguments.tier, labs)
        if (any(fnmatch.fnmatchcase(check.name, pattern) for pattern in arguments.only) if arguments.only else scenarios.included(check.tier, arguments.tier))
    ]
    labs.expect(wanted)
    passed = failed = 0
    failed_checks = []
    schedule = Schedule(wanted, WORKERS[arguments.tier])
    # Whoever stops it gets his machine back, by SIGTERM too, and where a shell that runs it in the background has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        for outcome in schedule.outcomes_as_they_come():
            show(outcome)
            passed += outcome.passed
            failed += outcome.failed
            if outcome.failed:
                failed_checks.append(outcome.check.name)
    except KeyboardInterrupt:
        print("stopping, and removing what was started ...", flush=True)
        schedule.stop()
        return 130
    finally:
        labs.remove()
    if failed_checks:
        print("failed: " + ", ".join(failed_checks))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
