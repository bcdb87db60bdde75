# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node with RPM and a package manager."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import platform

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package
from ansible_collections.halfswap.bluegreen.plugins.module_utils.steps import release as steps_release


class RpmNode:
    """A node with rpm and one package manager, which answer as the real ones do. An RPM file of it holds the five parts of its name."""

    DNF = ["/usr/bin/dnf", "-y", "--setopt=exit_on_lock=1"]
    YUM = ["/usr/bin/yum", "-y", "--setopt=exit_on_lock=1"]

    def __init__(self, tmp_path):
        self.manager = "dnf"
        self.installed = {}
        self.installed_at = 1000
        self.repository = [Package("shop", 0, version, release, "noarch") for version, release in (("1.0.0", "1"), ("2.0.0", "1"), ("2.0.0", "2"))]
        self.repository += [Package("cart", 0, version, "1", "noarch") for version in ("1.0.0", "2.0.0")]
        # What --refresh brings.
        self.published = []
        # For the name of a package, the packages that the manager takes along.
        self.pulls = {}
        # Given what is installed and what would be: why rpm does not let it happen.
        self.objection = lambda before, after: None
        self.calls = []
        self.locked_for = 0
        self.failure = None
        self.noise = ""
        # For the name of a package, what rpm says of its files: lines as those of the full comparison. They are right once it is installed again.
        self.altered = {}
        # Of those that a filter hides, the text of the filter is in the configuration of the manager.
        self.hidden = []
        # Of the RPM files: what rpm tells of the files in them, pairs of the mode and the path; and the paths that packages own.
        self.files = []
        self.owned = ()
        # Why the manager does not take these files, which rpm does.
        self.unsigned = []
        self.refuses = ()
        self.service = "MainPID=0\n"
        self.dbpath = tmp_path / "rpmdb"
        self.dbpath.mkdir()

    @property
    def managed(self):
        """What the package manager was asked, without what it is always asked with."""
        return [call[3:] for call in self.calls if call[0] in (self.DNF[0], self.YUM[0])]

    @property
    def transactions(self):
        return [call for call in self.managed if "install" in call or "shell" in call]

    @property
    def upgrades(self):
        """What rpm was told to install, and to try."""
        return [call[1:] for call in self.calls if call[0] == "rpm" and "-U" in call]

    def write_rpm(self, path, package):
        with open(str(path), "w") as rpm:
            rpm.write(" ".join(str(part) for part in package))

    @staticmethod
    def read_rpm(path):
        with open(path) as rpm:
            name, epoch, version, release, arch = rpm.read().split()
        return Package(name, int(epoch), version, release, arch)

    def run_command(self, command, data=None, **_kwargs):
        self.calls.append(list(command))
        if command[0] == "rpm":
            return self.rpm(command[1:])
        if command[0] == "systemctl":
            return 0, self.service, ""
        assert command[:3] in (self.DNF, self.YUM)
        if self.locked_for > 0:
            self.locked_for -= 1
            if self.manager == "dnf":
                return 200, "", "metadata already locked by 4711\n"
            return 1, "", "Another app is currently holding the yum lock; exiting as configured by exit_on_lock\n"
        options = [word for word in command[3:] if word.startswith("-")]
        words = [word for word in command[3:] if not word.startswith("-")]
        if "--refresh" in options or words[:2] == ["clean", "expire-cache"]:
            self.repository += self.published
        return getattr(self, words[0])(words, options, data)

    def rpm(self, words):
        if words == ["--eval", "%_dbpath"]:
            self._save(str(self.dbpath), self.installed)
            return 0, "%s\n" % self.dbpath, ""
        words, dbpath = list(words), None
        if "--dbpath" in words:
            at = words.index("--dbpath")
            dbpath = words[at + 1]
            del words[at : at + 2]
        if "--define" in words:
            del words[words.index("--define") : words.index("--define") + 2]
        before = self._load(dbpath) if dbpath else self.installed
        if words[0] == "-e":
            if self.failure:
                return 1, "", "error: %s\n" % self.failure
            for name in words[2:]:
                del self.installed[name]
            return 0, "", ""
        if words[:2] == ["-q", "-f"]:
            return (0 if words[-1] in self.owned else 1), "", ""
        if "-p" in words and "FILEMODES" in words[words.index("--qf") + 1]:
            return 0, "".join("%s\x1f%s\n" % each for each in self.files), ""
        if "-U" in words:
            return self._upgrade(words, before, dbpath)
        if words[0] == "-V":
            return self._verify(words)
        lines, complaints = [], ""
        assert words[0] == "-q"
        if "-p" in words and "REQUIRENAME" in words[words.index("--qf") + 1]:
            package = self.read_rpm(words[-1])
            return 0, "%s\n\x1e%s\n(none)\n" % ("\n".join(each.name for each in self.pulls.get(str(package), [])) or "(none)", package.name), ""
        if "-p" in words:
            for path in words[words.index("-p") + 1 :]:
                try:
                    lines.append("%s\x1f%d\x1f%s\x1f%s\x1f%s" % tuple(self.read_rpm(path)))
                except ValueError:
                    complaints += "error: %s: not an rpm package (or package manifest)\n" % path
        else:
            assert words[1] == "--qf"
            for name in words[3:]:
                # rpm takes a label for a name.
                rows = before.get(name, [each for each in before.values() if not isinstance(each, list) and name in each.labels()])
                rows = rows if isinstance(rows, list) else [rows]
                lines += ["%s\x1f%d\x1f%s\x1f%s\x1f%s\x1f%d" % (tuple(row) + (self.installed_at,)) for row in rows]
                if not rows:
                    lines.append("package %s is not installed" % name)
        return 0, "\n".join(lines) + "\n", complaints

    def _verify(self, words):
        assert words[1:3] == ["--nodeps", "--noscripts"] and words[-2] == "--"
        if words[-1] not in self.installed:
            return 1, "package %s is not installed\n" % words[-1], ""
        lines = self.altered.get(words[-1], [])
        if "--nofiledigest" in words:
            lines = [line.replace("5", ".") for line in lines]
            lines = [line for line in lines if line.split()[0].strip(".")]
        return (1, "\n".join(lines) + "\n", "") if lines else (0, "", "")

    def _save(self, directory, packages):
        with open(os.path.join(directory, "rpmdb.sqlite"), "w") as database:
            json.dump(packages, database)

    def _load(self, directory):
        with open(os.path.join(directory, "rpmdb.sqlite")) as database:
            return {name: Package(*[part if isinstance(part, int) else str(part) for part in row]) for name, row in json.load(database).items()}

    def _upgrade(self, words, before, dbpath):
        files = [word for word in words if not word.startswith("-")]
        new = [self.read_rpm(path) for path in files]
        assert "--oldpackage" in words
        for each in new:
            if before.get(each.name) == each and "--replacepkgs" not in words:
                return 1, "", "\tpackage %s is already installed\n" % (each,)
        after = dict(before, **{each.name: each for each in new})
        reason = self.objection(before, after)
        if reason:
            return 1, "", "rpm: RPM should not be used directly install RPM packages, use Alien instead!\nerror: Failed dependencies:\n\t%s\n" % reason
        if "--justdb" in words:
            assert dbpath and dbpath != str(self.dbpath)
            self._save(dbpath, after)
        elif "--test" not in words:
            assert not dbpath
            if self.failure:
                return 1, "", "error: %s\n" % self.failure
            self._has_own_files(new)
            self.upgraded(after)
        return 0, "", ""

    def upgraded(self, after):
        self.installed = after

    def _has_own_files(self, packages):
        for each in packages:
            self.altered.pop(each.name, None)

    def clean(self, words, options, data):
        return 0, "", ""

    def repolist(self, words, options, data):
        return 0, "repo id     repo name\nhalfswap    Halfswap\n", ""

    def _seen(self, options):
        all_of_them = "--setopt=disable_excludes=all,*" in options or "--disableexcludes=all" in options
        return [each for each in self.repository if all_of_them or each not in self.hidden]

    def repoquery(self, words, options, data):
        assert words[1] == "%{name} %{epoch} %{version} %{release} %{arch} %{repoid}\n"
        rows = ["Last metadata expiration check: 0:00:01 ago on Fri Nov 20 2026."]
        rows += ["%s %d %s %s %s halfswap\n" % tuple(each) for each in self._seen(options) if each.name in words[2:] or set(each.labels()) & set(words[2:])]
        return 0, "\n".join(rows), self.noise

    def list(self, words, options, data):
        assert words[1] == "available"
        rows = []
        for each in self._seen(options):
            if (each.name in words[2:] or set(each.labels()) & set(words[2:])) and self.installed.get(each.name) != each:
                evr = "%s%s-%s" % ("%d:" % each.epoch if each.epoch else "", each.version, each.release)
                rows.append("%s.%s\n                     %s            halfswap" % (each.name, each.arch, evr))
        if not rows:
            return 1, "", "Error: No matching Packages to list\n"
        return 0, "Available Packages\n" + "\n".join(rows) + "\n", ""

    def install(self, words, options, data):
        return self.transaction(words[1:], options)

    def shell(self, words, options, data):
        assert words == ["shell", "/dev/stdin"]
        lines = data.splitlines()
        assert lines.pop() == "run"
        for verb, label in [line.split() for line in lines]:
            wanted = self._labelled([label], options)[0]
            current = self.installed.get(wanted.name)
            assert verb == ("reinstall" if current == wanted else "downgrade" if current and current.age > wanted.age else "install")
        _status, out, err = self.transaction([line.split()[1] for line in lines], options)
        # Whatever happened.
        return 0, out + err, ""

    def _offline(self, options):
        return [option for option in options if "repo=" in option][-1:] == ["--disablerepo=*"]

    def _labelled(self, labels, options):
        files = [self.read_rpm(label) for label in labels if label.endswith(".rpm")]
        labels = [label for label in labels if not label.endswith(".rpm")]
        offered = [each for each in self.repository if str(each) in labels]
        assert sorted(str(each) for each in offered) == sorted(labels)
        assert not (offered and self._offline(options))
        return files + offered

    def transaction(self, labels, options):
        wanted = self._labelled(labels, options)
        if self.failure:
            return 1, "Downloading Packages:\n", "Error: %s\n" % self.failure
        refused = [each for each in wanted if each in self.unsigned and self._offline(options)]
        if refused:
            return 1, "", "Error: Package %s is not signed\n" % (refused[0],)
        if not self._offline(options):
            pulled = [each for one in wanted for each in self.pulls.get(str(one), []) if self.installed.get(each.name) != each]
            wanted += [each for each in pulled if each.name not in [one.name for one in wanted]]
        self._download([each for each in wanted if str(each) + ".rpm" not in [os.path.basename(label) for label in labels]], options)
        if "--setopt=tsflags=test" not in options:
            self.installed.update((each.name, each) for each in wanted if each.name not in self.refuses)
            self._has_own_files(wanted)
        return 0, "Transaction test succeeded\n%s\nComplete!\n" % self.noise, ""

    def reinstall(self, words, options, data):
        assert all(self.installed.get(each.name) == each for each in [self.read_rpm(word) for word in words if word.endswith(".rpm")])
        if "--setopt=tsflags=test" not in options or self._offline(options):
            return self.transaction(words[1:], options)
        there = [each for each in self.repository if str(each) in words and self.installed.get(each.name) == each]
        self._download(there, options)
        return (0, "", "") if there else (1, "", "Error: No packages marked for reinstall.\n")

    def _download(self, packages, options):
        option = {"dnf": "--setopt=destdir=", "yum": "--downloaddir="}[self.manager]
        for directory in [each[len(option) :] for each in options if each.startswith(option)]:
            for package in packages:
                # Managers go by the name of the file, which has no epoch.
                self.write_rpm(os.path.join(directory, "%s-%s-%s.%s.rpm" % (package.name, package.version, package.release, package.arch)), package)


# What systemd says of a unit by its file, whatever it does.
OF_A_FILE = ("UnitFileState", "TriggeredBy", "LoadState", "FragmentPath")


class StepNode(RpmNode):
    """A node with services as well, which was booted when its clock was at 0. `hooks` has what happens at a verb of systemctl or within a transaction."""

    def __init__(self, tmp_path, clock):
        RpmNode.__init__(self, tmp_path)
        self.clock = clock
        self.units = {}
        self.pids = 100
        self.hooks = {}
        self.failing = {}
        self.journal = "started\nready\n"
        self.reload = False
        # When each process was started, in seconds since the boot.
        self.started = {}

    def runs(self, name, since=None, **changes):
        """The unit has a process, started now or then."""
        self.pids += 1
        self.started[self.pids] = self.clock.now if since is None else since
        # Its file stays what it was.
        file = dict(dict(UnitFileState="enabled"), **{key: self.units.get(name, {})[key] for key in OF_A_FILE if key in self.units.get(name, {})})
        started = dict(file, ActiveState="active", SubState="running", Result="success", MainPID=self.pids)
        started.update(ExecMainCode=0, ExecMainStatus=0, NRestarts=0)
        started.update(changes)
        self.units[name] = started

    def is_down(self, name, **changes):
        file = dict(dict(UnitFileState="enabled"), **{key: self.units.get(name, {})[key] for key in OF_A_FILE if key in self.units.get(name, {})})
        unit = dict(file, ActiveState="inactive", SubState="dead", Result="success", MainPID=0, ExecMainCode=0, ExecMainStatus=0)
        unit.update(changes)
        self.units[name] = unit

    @property
    def done(self):
        """What was done, in order, without what was only looked at."""
        found = []
        for call in self.calls:
            if call[0] == "systemctl" and call[1] != "show":
                found.append(" ".join(word for word in call[1:] if word != "--"))
            elif call[0] in (self.DNF[0], self.YUM[0]) and ("install" in call or "reinstall" in call):
                found.append("rehearse" if "--setopt=tsflags=test" in call else "install")
            elif call[:2] == ["rpm", "-U"]:
                found.append("install")
            elif call[:2] == ["rpm", "-e"]:
                found.append("remove " + " ".join(call[3:]))
        return found

    def run_command(self, command, data=None, **kwargs):
        if command[0] == "journalctl":
            self.calls.append(list(command))
            return 0, self.journal, ""
        if command[0] != "systemctl":
            return RpmNode.run_command(self, command, data=data, **kwargs)
        self.calls.append(list(command))
        verb, names = command[1], [word for word in command[2:] if not word.startswith("--")]
        if verb in self.failing:
            return 1, "", self.failing[verb]
        if verb == "show":
            blocks = [dict(self.units.get(name, {}), NeedDaemonReload="yes" if self.reload else "no") for name in names]
            return 0, "\n".join("".join("%s=%s\n" % pair for pair in sorted(block.items())) for block in blocks), ""
        if verb == "daemon-reload":
            self.reload = False
        for name in names:
            if verb == "stop":
                self.is_down(name)
            elif verb == "enable":
                self.units[name]["UnitFileState"] = "enabled"
            elif verb == "disable":
                self.units[name]["UnitFileState"] = "disabled"
            elif verb in ("restart", "start"):
                self.runs(name)
        if verb in self.hooks:
            self.hooks[verb]()
        return 0, "", ""

    def transaction(self, labels, options):
        answer = RpmNode.transaction(self, labels, options)
        if "--setopt=tsflags=test" not in options and not answer[0]:
            self._within()
        return answer

    def upgraded(self, after):
        RpmNode.upgraded(self, after)
        self._within()

    def _within(self):
        self.clock.advance(2)
        self.installed_at = int(self.clock.now)
        if "transaction" in self.hooks:
            self.hooks["transaction"]()


@pytest.fixture
def rpm_node(monkeypatch, tmp_path):
    made = RpmNode(tmp_path)
    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, command, **kwargs: made.run_command(command, **kwargs))
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda self, name, **kwargs: "/usr/bin/" + name if name == made.manager else None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return made


@pytest.fixture
def step_node(monkeypatch, tmp_path, clock, rpm_node):
    """The same, with services and a clock."""
    (tmp_path / "steps").mkdir()
    made = StepNode(tmp_path / "steps", clock)
    monkeypatch.setattr(AnsibleModule, "run_command", lambda self, command, **kwargs: made.run_command(command, **kwargs))
    for module in (_systemd, _proof):
        monkeypatch.setattr(module, "up_s", lambda: clock.now)
    monkeypatch.setattr(steps_release, "up_s", lambda: clock.now)
    monkeypatch.setattr(_systemd, "started_up_s", made.started.get)
    return made
