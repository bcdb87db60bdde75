#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: lb_config
short_description: Put an application's configuration into a load balancer, beside those of other applications
version_added: 0.1.0
description:
  - Used by the role P(halfswap.bluegreen.load_balancer#role). It reads what is there, judges, writes, has the program check all of it together,
    and lets the program read it, in one run on the load balancer. What cannot be done is refused before anything is changed. Where the program does
    not go on with the new configuration, the former one is put back.
  - A file is replaced only where the set-up of the same application has written it, or where it is as its package has brought it. A file is of the same
    application if it has the same O(application), or one of both has none, and if a node and a frontend are in both.
  - With O(common) the program is shared. Each application has a file of its own in the directory O(dest) + C(.d), and O(dest) is put together of
    them. It is one file because a program that runs reads the files of its first command line whenever it is reloaded; further ones would need a
    restart.
  - Who sets up an application holds a lock on O(dest) + C(.lock) meanwhile. The kernel takes it back from a run that was killed; the next run
    then lets the program read what is there.
author:
  - halfswap.bluegreen contributors (@halfswap)
attributes:
  check_mode:
    description: Judges and checks the same, and writes nothing.
    support: full
  diff_mode:
    description: Shows each file.
    support: full
  idempotent:
    description: A program that has read what is there is left alone.
    support: full
options:
  application:
    description: Name of the application. Empty for one without a name.
    type: str
    default: ""
  name:
    description: Name of the load balancer.
    type: str
    required: true
  frontends:
    description: Names of the frontends.
    type: list
    elements: str
    required: true
  nodes:
    description: The nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the node.
        type: str
        required: true
      address:
        description: Its address.
        type: str
        required: true
  title:
    description: Name of the program, for messages.
    type: str
    required: true
  dest:
    description: The file that the program reads.
    type: path
    required: true
  content:
    description: The configuration of the application.
    type: str
    required: true
  common:
    description: What comes before the configurations of all applications. Empty where the program serves one application only.
    type: str
    default: ""
  beside:
    description: A second file that belongs to the configuration.
    type: dict
    suboptions:
      dest:
        description: Where it lies.
        type: path
        required: true
      content:
        description: What is in it.
        type: str
        required: true
      environment:
        description: The variable of the environment that names the second file while the program checks the first one. Empty where it is not checked.
        type: str
        default: ""
      restart:
        description: Whether the program reads the second file at its start only.
        type: bool
        default: false
  check:
    description: The command that checks a file, with C(%s) for its path. Empty where the program is not installed.
    type: str
    default: ""
  service:
    description: The unit that is to run with it, be started and be enabled. Empty where the file is only written.
    type: str
    default: ""
  binds:
    description: Where the program listens for the application. Each is a bind line of HAProxy, or an address and a port.
    type: list
    elements: str
    default: []
  listens:
    description: What shows in the program's configuration where it listens; the first group of a regular expression.
    type: str
    default: ""
  readable:
    description: Whether O(listens) finds it in a file that somebody else wrote, too.
    type: bool
    default: false
  in_kernel:
    description: Whether the program itself does not listen there.
    type: bool
    default: false
  socket:
    description:
      - The socket by which HAProxy tells the states of its nodes. Those of all applications whose file is not changed are kept over a reload.
        Empty for none.
    type: path
    default: ""
  states:
    description: The file in which HAProxy looks for these states.
    type: path
    default: ""
  timeout_s:
    description: Seconds to wait for another set-up on this load balancer, until no node is between in and out, and until the program goes on with the new
      configuration. Each of them has so long.
    type: float
    default: 20
seealso:
  - module: halfswap.bluegreen.site
"""

EXAMPLES = r"""
- name: Put the shop beside what the load balancer serves already
  halfswap.bluegreen.lb_config:
    application: shop
    name: live
    frontends: [web]
    nodes: [{name: blue1, address: 192.0.2.11}, {name: green1, address: 192.0.2.21}]
    title: HAProxy
    dest: /etc/haproxy/haproxy.cfg
    content: "{{ lookup('ansible.builtin.template', 'shop.cfg.j2') }}"
    common: "{{ lookup('ansible.builtin.template', 'common.cfg.j2') }}"
    check: haproxy -c -f %s
    service: haproxy
    binds: ["*:80"]
"""

RETURN = r"""
files:
  description: The files that were written or removed.
  returned: success
  type: list
  elements: str
  sample: [/etc/haproxy/haproxy.cfg, /etc/haproxy/haproxy.cfg.d/live@shop.cfg]
done:
  description: What was done with the program. V(nothing) where it goes on as it was.
  returned: success
  type: str
  sample: reloaded
applications:
  description: The other applications that the load balancer serves.
  returned: success
  type: list
  elements: str
  sample: [application stock (load balancer live)]
"""

import csv
import errno
import hashlib
import io
import os
import re
import shlex
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, Failure, Told, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _systemd
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _lb_program
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._lb_files import (
    COMMON,
    HEAD,
    Wanted,
    clashes,
    differences_of_once,
    in_words,
    owner_of,
    places_of,
    sections,
)
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic._lb_lock import Lock

# The first one of the files that the program's is put together of. Those of applications end with .cfg, so none has this name.
COMMON_NAME = "common"
# No state of any server, as HAProxy writes it.
NO_STATES = "1\n"
# The place of srv_agent_port in a line of it.
AGENT_PORT = 24


class Files(object):
    """The files as they are, and as they are to be; None for one that is not there."""

    def __init__(self):
        self.before, self.after = {}, {}

    def read(self, path):
        if path not in self.before:
            self.before[path] = self.after[path] = _read(path)
        return self.before[path]

    def put(self, path, text):
        self.read(path)
        self.after[path] = text

    @property
    def changed(self):
        return sorted(path for path in self.after if self.after[path] != self.before[path])

    def diff(self):
        return [dict(before=self.before[path] or "", after=self.after[path] or "", before_header=path, after_header=path) for path in self.changed]


class Configuration(object):
    """One run: read, judge, check, write, and let the program read it."""

    def __init__(self, module):
        self.module = module
        given = module.params
        self.given = given
        self.title, self.service = given["title"], given["service"]
        # Python 2.7 gives bytes.
        self.content, self.common = to_text(given["content"]), to_text(given["common"])
        self.beside = dict(given["beside"], content=to_text(given["beside"]["content"])) if given["beside"] else None
        # Where it is a link, what it leads to is what is replaced.
        self.dest = os.path.realpath(given["dest"])
        self.directory = self.dest + ".d" if self.common else ""
        self.own = os.path.join(self.directory, "%s%s.cfg" % (given["name"], "@" + given["application"] if given["application"] else ""))
        self.wanted = Wanted(given["application"], given["name"], given["frontends"], given["nodes"])
        self.files = Files()
        self.others = []
        self.unit = None
        # Whether an earlier run was cut off before the program had read what it wrote.
        self.cut_off = False

    def run(self, lock=None):
        self.judge()
        what = "nothing"
        if self.service:
            what = self.to_do()
            if what != "nothing":
                self.refuse_taken_places()
        self.check()
        changed = self.files.changed
        enable = bool(self.service) and self.unit.is_to_be_enabled
        diff = self.files.diff() if self.module._diff else []
        result = dict(changed=bool(changed) or what != "nothing" or enable, files=changed, done=what, applications=self.others, diff=diff)
        if self.module.check_mode:
            return result
        if not self.service:
            self.apply({path: self.files.after[path] for path in changed}, "nothing")
            return result
        if what == "reloaded":
            self.wait_for_quiet()
        if changed or what != "nothing":
            lock.begin()
            wrong = self.act(what)
            # Whatever it is, the program has read what is there.
            lock.end()
            if wrong:
                raise Failure(wrong)
        if enable:
            _systemd.act(self.module, "enable", [self.service])
        return result

    # ---- judge ----

    def judge(self):
        """What is to be in which file. Raises Failure where something is in the way."""
        present = self.files.read(self.dest)
        # Where an earlier version kept what the program has read.
        running = self.dest + ".running"
        if self.service and self.files.read(running) is not None:
            self.cut_off = self.cut_off or self.files.before[running] != present
            self.files.put(running, None)
        if self.directory:
            self._put_together(present)
        else:
            self._refuse_of_others(present, "Each other kind of load balancer serves one application on a host; only HAProxy is shared.")
            self.files.put(self.dest, self.content)
        if self.beside:
            path = self.beside["dest"]
            there = self.files.read(path)
            if there is not None and "halfswap.bluegreen" not in there[:HEAD]:
                raise Failure(_foreign(path, "Move it away and run setup again."))
            self.files.put(path, self.beside["content"])

    def _refuse_of_others(self, present, hint):
        """A whole file must be ours, of this application, or as the package has brought it."""
        if present is None:
            return
        owner = owner_of(present)
        if owner:
            objection = self.wanted.objection(self.dest, present, owner)
            if objection:
                raise Failure(
                    "%s, and is not replaced for %s. %s Nothing was changed. Use another host for one of them. If that file is not needed any more, or if its "
                    "application got other names, move it away and run setup again." % (objection, self.wanted.told, hint)
                )
        elif COMMON.search(present[:HEAD]):
            raise Failure("%s is put together for several applications, and is not replaced by one. Nothing was changed. Write to another place." % self.dest)
        elif not self._is_of_package():
            raise Failure(_foreign(self.dest, "%s If what it serves is not needed any more, move it away and run setup again." % hint))

    def _is_of_package(self):
        """Whether the file is as its package has brought it."""
        path = self.dest
        status, out, _err = self._run(["dpkg-query", "--search", path])
        if status == 0:
            name = out.split(": ")[0].split(",")[0].strip()
            status, out, _err = self._run(["dpkg-query", "--show", "--showformat=${Conffiles}\n", name])
            sums = [line.split()[1] for line in out.splitlines() if line.split()[:1] == [path] and len(line.split()) > 1]
            return status == 0 and _md5(path) in sums
        status, out, _err = self._run(["rpm", "--query", "--file", path])
        if status == 0:
            _status, out, _err = self._run(["rpm", "--verify", "--nodeps", "--noscripts", out.split()[0]])
            flags = [line.split()[0] for line in out.splitlines() if line.split()[-1:] == [path]]
            # Another owner or time changes nothing of what is in it.
            return not any("5" in each or "missing" in each for each in flags)
        return False

    def _run(self, argv):
        program = self.module.get_bin_path(argv[0])
        return self.module.run_command([program] + argv[1:], environ_update=dict(LC_ALL="C")) if program else (None, "", "")

    def _put_together(self, present):
        """Each application's file, and the one that the program reads."""
        parts = self._parts()
        common = self.files.read(os.path.join(self.directory, COMMON_NAME))
        if present is not None and owner_of(present):
            self._refuse_of_others(
                present,
                "An earlier version wrote it, for one application only. Run setup of that application with this version first: that moves it to a file of "
                "its own.",
            )
        elif present is not None and COMMON.search(present[:HEAD]):
            if not self.cut_off and present != _joined(common, parts):
                raise Failure(
                    "%s was changed by hand: it is not what the files in %s make. Setup would undo that. Nothing was changed. Compare them, move %s away (the "
                    "program that runs goes on with what it has read), and run setup again." % (self.dest, self.directory, self.dest)
                )
        else:
            self._refuse_of_others(present, "Its global and defaults sections would hold for every application.")
        self._replace_own(parts)
        wrong = clashes([(in_words(*owner_of(text)[:2]), text) for _path, text in sorted(parts.items())])
        if wrong:
            raise Failure(
                "%s. One load balancer cannot tell them apart, and one of them would lose its requests. Nothing was changed. Choose another port "
                "or address for one of them. If one of them is not served here any more, move its file away from %s, and %s, too (the program goes on with "
                "what it has read), and run setup again." % ("; ".join(wrong), self.directory, self.dest)
            )
        if self.others and common is not None:
            wrong = differences_of_once(common, self.common)
            if wrong:
                raise Failure(
                    "All applications of one HAProxy have one log, user, group and socket, and these differ from what %s was set up with: %s. Nothing was "
                    "changed. Give the same variables in both inventories." % (", ".join(self.others), "; ".join(wrong))
                )
        self.files.put(os.path.join(self.directory, COMMON_NAME), self.common)
        for path in set(self.files.after) - set(parts):
            if path.startswith(self.directory + os.sep) and path.endswith(".cfg"):
                self.files.put(path, None)
        for path, text in parts.items():
            self.files.put(path, text)
        self.files.put(self.dest, _joined(self.common, parts))

    def _parts(self):
        """The files of all applications."""
        names = sorted(os.listdir(self.directory)) if os.path.isdir(self.directory) else []
        parts = {path: self.files.read(path) for path in (os.path.join(self.directory, name) for name in names if name.endswith(".cfg"))}
        strange = sorted(path for path, text in parts.items() if not owner_of(text))
        if strange:
            raise Failure(_foreign(", ".join(strange), "Move it out of %s, which is for files that setup writes, and run setup again." % self.directory))
        return parts

    def _replace_own(self, parts):
        """This application's file takes the place of its former one."""
        own = self.own
        if own in parts:
            objection = self.wanted.objection(own, parts[own], owner_of(parts[own]))
            if objection:
                raise Failure(
                    "%s, and is not replaced for %s. Nothing was changed. Give one of the two applications another name (bluegreen_application). If it is "
                    "not served here any more, or if it got other names, move that file away, and %s, too (the program goes on with what it has read), and "
                    "run setup again." % (objection, self.wanted.told, self.dest)
                )
        for path, text in sorted(parts.items()):
            owner = owner_of(text)
            # The application had no name before, or has none now.
            if owner.load_balancer == self.wanted.name and self.wanted.is_served_by(text, owner):
                del parts[path]
            else:
                self.others.append(in_words(owner.application, owner.load_balancer))
        parts[own] = self.content

    def refuse_taken_places(self):
        """A reload that cannot bind an address may end the HAProxy that was running (seen with 2.6), and its own check does not try to."""
        was = self.files.before[self.dest] or ""
        active = self.unit.active
        if active and not self.given["readable"] and not owner_of(was):
            return  # a configuration that somebody else wrote may include others: nobody knows where its program listens
        held = [place for line in re.findall(self.given["listens"], was) for place in places_of(" bind " + line)] if active else []
        for bind in self.given["binds"]:
            for host, port, told in places_of(" bind " + bind):
                if port in [other for _host, other, _told in held]:
                    continue
                wrong = _lb_program.in_the_way(host, port)
                if wrong:
                    raise Failure('%s %s (load_balancer_frontends). Nothing was changed. "ss -ltnp" says who listens where.' % (wrong, shown(told)))

    # ---- check ----

    def check(self):
        """Let the program read the files as they would be, all together."""
        if not self.given["check"]:
            return
        place = tempfile.mkdtemp(prefix="check-", dir=self.module.tmpdir)
        try:
            environment = dict(LC_ALL="C")
            beside = self.beside
            if beside and beside["environment"]:
                environment[beside["environment"]] = os.path.join(place, os.path.basename(beside["dest"]))
                _write(environment[beside["environment"]], beside["content"])
            staged = os.path.join(place, os.path.basename(self.dest))
            _write(staged, self.files.after[self.dest])
            argv = [staged if word == "%s" else word for word in shlex.split(self.given["check"])]
            status, out, err = self.module.run_command(argv, environ_update=environment, encoding=None)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        if status:
            said = shown((out + b"\n" + err).strip(), LONG, lines=True, end=True)
            raise Failure("failed to validate %s, which %s refuses. Nothing was changed. It says: %s" % (self.dest, self.title, said))

    # ---- act ----

    def look(self):
        self.unit = _systemd.look(self.module, [self.service])[self.service]

    def to_do(self):
        """What has to be done with the program."""
        if not self.unit.active:
            return "started"
        beside = self.beside
        if beside and beside["restart"] and (beside["dest"] in self.files.changed or self.unit.is_stale):
            return "restarted"
        return "reloaded" if self.files.changed or self.cut_off else "nothing"

    def wait_for_quiet(self):
        """A reload forgets the checks of a node that is between in and out, and nodes have counted them."""
        moving, waited_s = wait_until(self._moving, self.given["timeout_s"])
        if moving:
            raise Failure(
                "%s is taking nodes in or out, for %.0f s now (%s). A reload would forget the checks it has counted, and a deployment of their application "
                "counts on them. Nothing was changed. Run setup again when that is over." % (self.title, waited_s, shown(", ".join(moving)))
            )

    def _moving(self):
        said = _lb_program.ask(self.given["socket"], "show stat")
        if said is None:
            return []
        rows = csv.DictReader(io.StringIO(said.lstrip("# ")) if str is not bytes else io.BytesIO(to_bytes(said.lstrip("# "))))
        # Such as "UP 1/3", the checks that count.
        return ["%s/%s" % (row["pxname"], row["svname"]) for row in rows if "/" in (row.get("status") or "") and row["svname"] not in ("FRONTEND", "BACKEND")]

    def apply(self, files, what, binds=()):
        """Write the files, and let the program read them until it listens there."""
        for path, text in sorted(files.items()):
            self._install(path, text)
        if what == "nothing":
            return
        if what != "reloaded":
            _systemd.act(self.module, "daemon-reload")
        # What an earlier version wrote has no socket.
        asked = bool(self.given["socket"]) and self.given["socket"] in (files.get(self.dest, self.files.before[self.dest]) or "")
        process = self._process() if asked else None
        try:
            if self.given["states"]:
                # As late as possible: what is checked from here on is not in it.
                self._install(self.given["states"], self._states() if what == "reloaded" else NO_STATES)
            _systemd.act(self.module, {"reloaded": "reload", "restarted": "restart", "started": "start"}[what], [self.service])
            self._wait_until_it_goes_on(asked, process, binds)
        finally:
            if self.given["states"]:
                # Of another time it would tell what is not so any more, at a reload that somebody else makes.
                self._install(self.given["states"], NO_STATES)

    def _states(self):
        """What HAProxy knows of the nodes of the other applications. With a state come its ports, too, and those of a changed file are its own."""
        known = _lb_program.ask(self.given["socket"], "show servers state") or NO_STATES
        new = set()
        if self.own in self.files.changed:
            new = sections(self.files.before[self.own] or "") | sections(self.content)
        kept = []
        for line in known.splitlines():
            fields = line.split(" ")
            if len(fields) > AGENT_PORT and not line.startswith("#"):
                # It is that of the check, and HAProxy complains that it has no agent there.
                fields[AGENT_PORT] = "0"
            if line and fields[1:2] not in [[name] for name in new]:
                kept.append(" ".join(fields) + "\n")
        return "".join(kept)

    def _process(self):
        found = re.search(r"(?m)^Pid: (\d+)", _lb_program.ask(self.given["socket"], "show info") or "")
        return found.group(1) if found else None

    def _wait_until_it_goes_on(self, asked, former, binds):
        def missing():
            self.look()
            if not self.unit.active:
                return [str(self.unit)]
            if asked and self._process() in (None, former):
                return ["no process has read the new configuration"]
            return ["nobody listens at %s" % told for bind in binds for host, port, told in places_of(" bind " + bind) if not _lb_program.answers(host, port)]

        left, waited_s = wait_until(missing, self.given["timeout_s"])
        if left:
            raise Told("%s after %.0f s. %s" % ("; ".join(left), waited_s, _systemd.told(self.module, self.unit)))

    def _install(self, path, text):
        if text is None:
            if os.path.exists(path):
                os.remove(path)
            return
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path), 0o755)
        descriptor, unfinished = tempfile.mkstemp(dir=self.module.tmpdir)
        os.close(descriptor)
        _write(unfinished, text)
        new = not os.path.exists(path)
        self.module.atomic_move(unfinished, path)
        if new:
            os.chmod(path, 0o644)

    def act(self, what):
        """Empty, or why the program does not go on, where the former configuration could be put back."""
        changed = self.files.changed
        active = self.unit.active
        try:
            self.apply({path: self.files.after[path] for path in changed}, what, [] if self.given["in_kernel"] else self.given["binds"])
            return ""
        except Told as exc:
            failed = "%s did not go on with the new configuration: %s. " % (self.title, exc)
        self.look()
        try:
            # It may have ended; one that did not run before is not started with what was there.
            again = "nothing" if not active else "reloaded" if self.unit.active and what == "reloaded" else "restarted"
            self.apply({path: self.files.before[path] for path in changed}, again)
        except Told as exc:
            raise Failure("%sThe former files were put back, but the program does not go on with them either: %s" % (failed, exc))
        return "%sThe former configuration was put back%s." % (failed, ", and the program goes on with it" if active else "")


def _joined(common, parts):
    return (common or "") + "".join("\n" + parts[path] for path in sorted(parts))


def _foreign(path, remedy):
    return "%s was written by somebody else: it has no mark of this collection, and differs from what a package has brought. Nothing was changed. %s" % (
        path,
        remedy,
    )


def _read(path):
    try:
        with io.open(path, "rb") as there:
            return to_text(there.read(), errors="surrogate_or_replace")
    except EnvironmentError as exc:
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise Failure("%s cannot be read: %s" % (path, exc.strerror))


def _write(path, text):
    with io.open(path, "wb") as there:
        there.write(to_bytes(text, errors="surrogate_or_strict"))


def _md5(path):
    try:
        digest = hashlib.md5()
    except ValueError:
        return None  # this machine allows no MD5, so nobody knows
    with io.open(path, "rb") as there:
        digest.update(there.read())
    return digest.hexdigest()


def work(module):
    made = Configuration(module)
    if not made.service:
        return made.run()
    made.look()
    path = made.dest + ".lock"
    if module.check_mode:
        made.cut_off = bool(_read(path))
        return made.run()
    lock = Lock(path, made.wanted.told, module.params["timeout_s"])
    try:
        made.cut_off = lock.cut_off
        return made.run(lock)
    finally:
        lock.close()


def main():
    module = AnsibleModule(
        argument_spec=dict(
            application=dict(type="str", default=""),
            name=dict(type="str", required=True),
            frontends=dict(type="list", elements="str", required=True),
            nodes=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(name=dict(type="str", required=True), address=dict(type="str", required=True)),
            ),
            title=dict(type="str", required=True),
            dest=dict(type="path", required=True),
            content=dict(type="str", required=True),
            common=dict(type="str", default=""),
            beside=dict(
                type="dict",
                options=dict(
                    dest=dict(type="path", required=True),
                    content=dict(type="str", required=True),
                    environment=dict(type="str", default=""),
                    restart=dict(type="bool", default=False),
                ),
            ),
            check=dict(type="str", default=""),
            service=dict(type="str", default=""),
            binds=dict(type="list", elements="str", default=[]),
            listens=dict(type="str", default=""),
            readable=dict(type="bool", default=False),
            in_kernel=dict(type="bool", default=False),
            socket=dict(type="path", default=""),
            states=dict(type="path", default=""),
            timeout_s=dict(type="float", default=20),
        ),
        supports_check_mode=True,
    )
    try:
        result = work(module)
    except (Failure, Told) as exc:
        module.fail_json(msg=to_native(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
