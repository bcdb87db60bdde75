# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every check of the repository, two at a time, and say how many passed.

All but molecule read a copy of the tracked files at .cache/checks/<check>/ansible_collections/halfswap/bluegreen, the
path at which the tools of Ansible expect a collection, so that nothing is left behind in the checkout.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import os
import queue
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import yaml

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
WORK = CACHE / "checks"
BIN = Path(sys.executable).parent
COLLECTION = Path("ansible_collections/halfswap/bluegreen")
CONTROLLER_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CORE_216_PYTHONS = ("3.10", "3.11", "3.12")
NODE_PYTHONS = ("2.7", "3.6")
NODE_TESTS = ("tests/unit/agent", "tests/unit/plugins/modules", "tests/unit/plugins/module_utils")
# The pip that each ansible-test puts into its virtual environments, for its own Python and for the nodes'.
ANSIBLE_TEST_PIPS = ("24.2", "23.1.2", "20.3.4", "21.3.1")
WORKERS = 2
# With more, the systemds in them may want to watch more files than Linux lets one user (fs.inotify.max_user_instances is 128), and some do not start.
LAB_HOSTS_AT_ONCE = 12
# Far longer than any check needs, on a slow machine, too: a check that hangs must not hang the rest.
CHECK_TIMEOUT_S = 2700
PROGRESS_S = 30
# To remove a lab takes some seconds.
STOP_TIMEOUT_S = 60


class Failed(Exception):
    """A command of a check failed."""


class Skipped(Exception):
    """This machine lacks what the check is about."""


class Stopping(Exception):
    """The operator pressed Ctrl-C."""


class Job:
    """One run of a check: its log, its commands and the tests that it counted."""

    running: set[subprocess.Popen] = set()
    stopping = threading.Event()

    def __init__(self, name: str) -> None:
        self.folder = WORK / name.replace(":", "-").replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self.log.write_text("")
        self.passed = self.failed = self.skipped = 0
        # What is worth a look even when it passes.
        self.summary = ""
        self.deadline = time.monotonic() + CHECK_TIMEOUT_S

    def run(self, *command: str | Path, cwd: Path = ROOT, **env: str | Path) -> None:
        if self.stopping.is_set():
            raise Stopping
        with self.log.open("a") as log:
            print("$", *command, file=log, flush=True)
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd,
                env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **{name: str(value) for name, value in env.items()}},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.running.add(process)
            try:
                status = process.wait(timeout=max(0, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                print(f"killed: longer than {CHECK_TIMEOUT_S} s", file=log)
                status = -signal.SIGKILL
            finally:
                self.running.discard(process)
        if status:
            raise Failed(f"{Path(command[0]).name} ended with status {status}")

    def count(self, reports: Iterator[Path]) -> None:
        """Add up the tests in JUnit reports."""
        for report in reports:
            for suite in ElementTree.parse(report).iter("testsuite"):
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                skipped = int(suite.get("skipped", 0))
                self.failed += failed
                self.skipped += skipped
                self.passed += int(suite.get("tests", 0)) - failed - skipped

    @functools.cached_property
    def copy(self) -> Path:
        """The tracked files as they are in the checkout now, as a git work tree at the path of a collection."""
        target = self.folder / COLLECTION
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in tracked_files():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
        self.run("git", "init", "-q", cwd=target)
        self.run("git", "add", "-A", cwd=target)
        return target

    @property
    def collections(self) -> str:
        """ANSIBLE_COLLECTIONS_PATH for the copy and what the lab needs."""
        self.copy  # noqa: B018 - the property makes the copy
        return f"{self.folder}:{CACHE / 'collections'}"


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if (ROOT / name).is_file()]


# What checks share: each is made once, by whichever check needs it first, and kept for the next run.


def shared(make: Callable) -> Callable:
    lock = threading.Lock()
    cached = functools.cache(make)

    @functools.wraps(make)
    def wrapper(*args: str) -> Path:
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
def node_core() -> Path:
    """What of ansible-core reaches a node: module_utils alone, of the last version for these Pythons."""
    folder = WORK / "node-core"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "ansible").mkdir(parents=True)
    (folder / "ansible/__init__.py").touch()
    installed = subprocess.run(
        [core_216() / "python", "-c", "import ansible; print(ansible.__path__[0])"], check=True, capture_output=True, text=True
    ).stdout.strip()
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


# The checks.


def yamllint(job: Job) -> None:
    job.run("yamllint", "--strict", ".", cwd=job.copy)


def ruff(job: Job) -> None:
    job.run("ruff", "check", "--no-cache", ".", cwd=job.copy)


def ansible_lint(job: Job) -> None:
    job.run(
        "ansible-lint",
        "--nocolor",
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


def sanity(job: Job) -> None:
    ansible_test(job, BIN, "sanity", python=CONTROLLER_PYTHON)


def sanity_on_nodes(job: Job, python: str) -> None:
    ansible_test(job, core_216(), "sanity", "--test=compile", "--test=import", python=python, path=node_python(python))


def units(job: Job, core: Callable[[], Path], tests: str) -> None:
    (library,) = (core().parent / "lib").glob("python3.*")
    node_plugins = ("tests/unit/plugins/modules/", "tests/unit/plugins/module_utils/")
    rest = [tests, *(f"--exclude={folder}" for folder in node_plugins)]
    failures = []
    # ansible-test runs these three apart, too, but none after one that failed.
    for targets in [*([folder] for folder in node_plugins), rest]:
        try:
            ansible_test(job, core(), "units", *targets, python=library.name.removeprefix("python"))
        except Failed as failure:
            failures.append(failure)
    job.count((job.copy / "tests/output/junit").glob("*.xml"))
    if failures:
        raise failures[0]
    if not job.passed:
        raise Failed("no test ran")


def units_on_nodes(job: Job, python: str) -> None:
    # Python 2.7 knows packages by this file only, and it keeps apart the tests that share a name.
    folders = {folder for name in tracked_files() for folder in (job.copy / name).parents if job.folder in folder.parents}
    for folder in folders:
        (folder / "__init__.py").touch()
    report = job.folder / "junit.xml"
    report.unlink(missing_ok=True)
    try:
        job.run(
            node_python(python) / "python",
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", f"--junit-xml={report}", "--rootdir", job.folder),
            *NODE_TESTS,
            cwd=job.copy,
            PYTHONPATH=f"{node_core()}{os.pathsep}{job.folder}",
            PYTHONDONTWRITEBYTECODE="1",
        )
    finally:
        job.count(job.folder.glob("junit.xml"))


def installed_tarball(job: Job, core: Callable[[], Path]) -> None:
    """Build the collection, install it, and let Ansible parse each playbook by its full name from there."""
    for folder in ("built", "installed"):
        shutil.rmtree(job.folder / folder, ignore_errors=True)
    env = {"ANSIBLE_COLLECTIONS_PATH": job.folder / "installed", "ANSIBLE_HOME": job.folder / "home"}
    galaxy = core() / "ansible-galaxy"
    job.run(galaxy, "collection", "build", "--output-path", job.folder / "built", cwd=job.copy, **env)
    (tarball,) = (job.folder / "built").iterdir()
    job.run(galaxy, "collection", "install", "--offline", "--no-deps", "-p", job.folder / "installed", tarball, cwd=job.folder, **env)
    playbooks = sorted(path.stem for path in (job.folder / "installed" / COLLECTION / "playbooks").glob("*.yml"))
    if not playbooks:
        raise Failed(f"{tarball.name} holds no playbook")
    names = [f"halfswap.bluegreen.{name}" for name in playbooks]
    job.run(core() / "ansible-playbook", "--syntax-check", "--inventory", two_stacks(job), *names, cwd=job.folder, **env)


def model(job: Job) -> None:
    job.run(sys.executable, "-m", f"{'.'.join(COLLECTION.parts)}.tests.model.check", cwd=job.copy, PYTHONPATH=job.folder)
    job.summary = job.log.read_text().splitlines()[-1]


def molecule(job: Job, scenario: str) -> None:
    try:
        job.run("molecule", "test", "--scenario-name", scenario, NO_COLOR="1", ANSIBLE_NOCOLOR="1")
    finally:
        # It has removed its lab by itself, unless it was killed.
        subprocess.run(["sh", "molecule/lab/clean.sh", f"mol-{scenario}"], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Job], None]
    # Checks of one group never run side by side.
    group: str = ""
    # Of the lab that it starts.
    hosts: int = 0


def all_checks() -> list[Check]:
    scenarios = {path.parent.name: len(yaml.safe_load(path.read_text())["platforms"]) for path in (ROOT / "molecule").glob("*/molecule.yml")}
    core_219 = functools.cache(lambda: BIN)
    return [
        # The large ones first: the small ones fit beside them and each other.
        *(
            Check(f"molecule:{name}", functools.partial(molecule, scenario=name), hosts=hosts)
            for name, hosts in sorted(scenarios.items(), key=lambda scenario: (-scenario[1], scenario[0]))
        ),
        Check("yamllint", yamllint),
        Check("ruff", ruff),
        Check("changelog", changelog),
        Check("ansible-lint", ansible_lint),
        Check("docs", docs),
        Check("model", model),
        Check("units", functools.partial(units, core=core_219, tests="tests/unit/")),
        *(Check(f"units:python-{version}", functools.partial(units_on_nodes, python=version)) for version in NODE_PYTHONS),
        Check("units:core-2.16", functools.partial(units, core=core_216, tests="tests/unit/plugins/")),
        Check("tarball", functools.partial(installed_tarball, core=core_219)),
        Check("tarball:core-2.16", functools.partial(installed_tarball, core=core_216)),
        Check("sanity", sanity, group="ansible-test sanity"),
        *(Check(f"sanity:python-{version}", functools.partial(sanity_on_nodes, python=version), group="ansible-test sanity") for version in NODE_PYTHONS),
    ]


@dataclass
class Outcome:
    check: Check
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reason: str = ""
    log: str = ""


def perform(check: Check) -> Outcome:
    started = time.monotonic()
    job = Job(check.name)
    outcome = Outcome(check, 0)
    try:
        check.run(job)
        # A check that counts no tests of its own counts as one.
        outcome.passed, outcome.failed = (job.passed, job.failed) if job.passed or job.failed else (1, 0)
        outcome.reason = job.summary
    except Skipped as skipped:
        outcome.reason = str(skipped)
    except Exception as failure:
        # A check that breaks is a check that failed, and the others go on.
        outcome.passed, outcome.failed = job.passed, max(1, job.failed)
        outcome.reason = str(failure) or repr(failure)
        outcome.log = job.log.read_text(errors="replace")
    outcome.skipped = job.skipped
    outcome.seconds = time.monotonic() - started
    return outcome


class Schedule:
    """Takes the checks in order, several at a time, and keeps apart those of one group and those whose labs would be too large together."""

    def __init__(self, checks: list[Check]) -> None:
        self.waiting = list(checks)
        self.running: dict[Check, float] = {}
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self.turn = threading.Condition()
        self.workers = [threading.Thread(target=self.work, daemon=True) for _number in range(WORKERS)]

    def outcomes_as_they_come(self) -> Iterator[Outcome]:
        expected = len(self.waiting)
        for worker in self.workers:
            worker.start()
        while expected:
            try:
                yield self.outcomes.get(timeout=PROGRESS_S)
                expected -= 1
            except queue.Empty:
                now = time.monotonic()
                print("  ...  " + ", ".join(f"{check.name} for {now - since:.0f} s" for check, since in self.running.copy().items()), flush=True)

    def work(self) -> None:
        while check := self.take():
            outcome = perform(check)
            with self.turn:
                del self.running[check]
                self.turn.notify_all()
            self.outcomes.put(outcome)

    def stop(self) -> None:
        """End what runs, and let it clean up."""
        Job.stopping.set()
        for process in Job.running.copy():
            os.killpg(process.pid, signal.SIGTERM)
        with self.turn:
            self.turn.notify_all()
        for worker in self.workers:
            worker.join(STOP_TIMEOUT_S)

    def take(self) -> Check | None:
        with self.turn:
            while self.waiting and not Job.stopping.is_set():
                busy = {check.group for check in self.running} - {""}
                hosts = sum(check.hosts for check in self.running)
                for check in self.waiting:
                    if check.group not in busy and (not check.hosts or hosts + check.hosts <= LAB_HOSTS_AT_ONCE):
                        self.waiting.remove(check)
                        self.running[check] = time.monotonic()
                        return check
                self.turn.wait()
        return None


def show(outcome: Outcome) -> None:
    tests = f" ({outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped)" if outcome.passed + outcome.failed > 1 else ""
    state = "FAILED" if outcome.failed else "ok" if outcome.passed else "skip"
    reason = f": {outcome.reason}" if outcome.reason else ""
    print(f"{state:6} {outcome.seconds:6.1f} s  {outcome.check.name}{tests}{reason}", flush=True)
    if outcome.log:
        print(f"---- output of {outcome.check.name}\n{outcome.log.rstrip()}\n---- end of {outcome.check.name}", flush=True)


def main() -> int:
    checks = all_checks()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="The checks: " + ", ".join(check.name for check in checks))
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these checks; a name may have wildcards, such as 'molecule:*'")
    parser.add_argument("--fast", action="store_true", help="leave molecule out")
    arguments = parser.parse_args()
    for pattern in arguments.only or []:
        if not any(fnmatch.fnmatchcase(check.name, pattern) for check in checks):
            parser.error(f"no check is called {pattern}")
    wanted = [
        check
        for check in checks
        if (not arguments.only or any(fnmatch.fnmatchcase(check.name, pattern) for pattern in arguments.only)) and not (arguments.fast and check.hosts)
    ]
    passed = failed = 0
    failed_checks = []
    schedule = Schedule(wanted)
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
    if failed_checks:
        print("failed: " + ", ".join(failed_checks))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
