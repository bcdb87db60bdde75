# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs the lab's podman: root, the user, sudo, or nobody."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import bootstrap
import pytest


class Machine:
    """What bootstrap asks a machine; as it is made, podman can run systemd without root, and there is no sudo."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = False
        self.namespaces = True
        self.wrapper = folder / "cache" / "bin" / "podman"
        self.cgroup2 = folder / "cgroup.controllers"
        self.runtime = folder / "runtime"
        self.subordinate = [folder / "subuid", folder / "subgid"]
        self.path = folder / "path"
        for directory in (folder / "cache", self.runtime, self.path):
            directory.mkdir()
        for file in (self.cgroup2, self.runtime / "bus"):
            file.touch()
        for file in self.subordinate:
            file.write_text(f"{pwd.getpwuid(os.getuid()).pw_name}:100000:65536\n", encoding="utf-8")
        monkeypatch.setattr(bootstrap, "CACHE", folder / "cache")
        monkeypatch.setattr(bootstrap, "WRAPPER", self.wrapper)
        monkeypatch.setattr(bootstrap, "CGROUP2", self.cgroup2)
        monkeypatch.setattr(bootstrap, "SUBORDINATE_IDS", self.subordinate)
        monkeypatch.setattr(bootstrap, "is_root", lambda: self.root)
        monkeypatch.setattr(bootstrap, "succeeds", lambda *_command: self.namespaces)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(self.runtime))
        monkeypatch.setenv("PATH", str(self.path))

    def command(self, name: str, script: str) -> None:
        file = self.path / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def sudo(self) -> None:
        # With the PATH that is given to it, the real env would find the machine's own podman.
        self.command("sudo", f'while [ "$1" != podman ] && [ "$1" != true ]; do shift; done; PATH={self.path} exec "$@"')
        self.command("true", "exit 0")

    def hybrid(self) -> None:
        self.cgroup2.unlink()


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_root_needs_no_sudo_whatever_the_machine(machine: Machine) -> None:
    machine.root = True
    machine.hybrid()
    machine.wrapper.parent.mkdir()
    machine.wrapper.touch()
    bootstrap.podman()
    assert not machine.wrapper.exists()


def test_a_user_whose_podman_can_run_systemd_needs_no_sudo(machine: Machine) -> None:
    machine.sudo()
    bootstrap.podman()
    assert not machine.wrapper.exists()


def test_otherwise_podman_goes_through_sudo(machine: Machine, capsys: pytest.CaptureFixture) -> None:
    machine.hybrid()
    machine.sudo()
    machine.command("podman", 'echo "podman $*"')
    bootstrap.podman()
    assert capsys.readouterr().out.startswith("Using sudo for podman: this machine does not use cgroup v2 alone")
    assert subprocess.check_output([machine.wrapper, "run", "a b"], text=True) == "podman run a b\n"


def test_sudo_once_chosen_stays_so_that_the_labs_are_found_again(machine: Machine, capsys: pytest.CaptureFixture) -> None:
    machine.hybrid()
    machine.sudo()
    bootstrap.podman()
    capsys.readouterr()
    machine.cgroup2.touch()
    bootstrap.podman()
    assert machine.wrapper.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "sudo is not installed"),
        ("echo 'sudo: a password is required' >&2; exit 1", "sudo: a password is required"),
        ("exit 1", "`sudo -n true` fails"),
    ],
)
def test_with_neither_it_is_refused_in_words(machine: Machine, script: str | None, words: str) -> None:
    machine.hybrid()
    if script:
        machine.command("sudo", script)
    with pytest.raises(bootstrap.Failure) as refused:
        bootstrap.podman()
    assert str(refused.value).splitlines() == [
        "The lab cannot run as this user. Podman without root cannot run systemd here:"
        f" this machine does not use cgroup v2 alone ({machine.cgroup2} is missing).",
        f"Podman by sudo does not work either: {words}.",
        "Run this as root, or give this user sudo without a password (NOPASSWD in sudoers), or remove the first obstacle.",
    ]
    assert not machine.wrapper.exists()


def test_a_sudo_that_was_taken_away_is_refused(machine: Machine) -> None:
    machine.wrapper.parent.mkdir()
    machine.wrapper.touch()
    with pytest.raises(bootstrap.Failure, match="an earlier run chose sudo"):
        bootstrap.podman()


def test_it_is_decided_before_anything_is_installed(machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    machine.hybrid()
    for name in ("host", "tools", "collections", "image"):
        monkeypatch.setitem(bootstrap.STEPS, name, lambda: pytest.fail("this step was not to be reached"))
    assert bootstrap.main([]) == 1
    assert capsys.readouterr().err.startswith("ERROR: The lab cannot run as this user.")


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (lambda machine, _env: machine.hybrid(), "cgroup v2 alone"),
        (lambda _machine, env: env.delenv("XDG_RUNTIME_DIR"), "not a login session"),
        (lambda machine, _env: (machine.runtime / "bus").unlink(), "no login session with a message bus"),
        (lambda machine, _env: machine.subordinate[0].unlink(), "subuid gives this user no IDs"),
        (lambda machine, _env: machine.subordinate[1].write_text("somebody:1:1\n", encoding="utf-8"), "subgid gives this user no IDs"),
        (lambda machine, _env: setattr(machine, "namespaces", False), "refuses user namespaces"),
    ],
)
def test_what_keeps_podman_from_running_systemd_without_root(machine: Machine, monkeypatch: pytest.MonkeyPatch, obstacle, words: str) -> None:
    assert bootstrap.rootless_obstacle() == ""
    obstacle(machine, monkeypatch)
    assert words in bootstrap.rootless_obstacle()


def test_ids_may_be_given_by_number(machine: Machine) -> None:
    for file in machine.subordinate:
        file.write_text(f"{os.getuid()}:100000:65536\n", encoding="utf-8")
    assert bootstrap.rootless_obstacle() == ""


@pytest.mark.parametrize(("way", "wanted"), [("root", False), ("rootless", True), ("sudo", False)])
def test_packages_for_podman_without_root_are_installed_only_for_that(machine: Machine, monkeypatch: pytest.MonkeyPatch, way: str, wanted: bool) -> None:
    machine.root = way == "root"
    if way == "sudo":
        machine.hybrid()
    machine.sudo()
    machine.command("apt-get", "exit 0")
    machine.command("dpkg-query", "exit 0")
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "run", lambda *command: installed.extend(command))
    bootstrap.podman()
    bootstrap.host()
    assert ("slirp4netns" in installed) == wanted
    assert "podman" in installed


@pytest.mark.parametrize(("way", "command", "builder"), [("root", "podman", "mmdebstrap"), ("sudo", "wrapper", "sudo"), ("rootless", "podman", "mmdebstrap")])
def test_the_image_is_built_where_the_lab_will_look_for_it(machine: Machine, monkeypatch: pytest.MonkeyPatch, way: str, command: str, builder: str) -> None:
    machine.root = way == "root"
    if way == "sudo":
        machine.hybrid()
    machine.sudo()
    asked: list[str] = []
    run: list[str] = []
    monkeypatch.delenv("LAB_BASE_IMAGE", raising=False)
    monkeypatch.setattr(bootstrap, "succeeds", lambda *words: asked.append(str(words[0])) or words[0] == "unshare")
    monkeypatch.setattr(bootstrap, "run", lambda *words: run.append(str(words[0])))
    bootstrap.image()
    podman = str(machine.wrapper) if command == "wrapper" else "podman"
    assert asked[-1] == podman
    assert run == [builder, podman, podman]
