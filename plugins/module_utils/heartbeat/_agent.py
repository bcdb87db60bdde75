# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agents of a node: try a configuration beside the agent that runs, let a successor take over, and prove that it has."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import grp
import hashlib
import json
import os
import shutil
import sys
import tempfile

from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import LONG, Told, shown, shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until

COMMAND = "/usr/bin/halfswap-heartbeat"
CONFIG = "/etc/halfswap-heartbeat"
STATE = "/var/lib/halfswap-heartbeat"
GROUP = "halfswap-heartbeat"
RECORDS = "/var/lib/halfswap-bluegreen"
UNIT = "halfswap-heartbeat@%s.service"
# Short-lived, in memory, and in a directory that everybody may pass through: the agent's user has to reach what is tried.
TRIAL = "/run"
READY_S = 20.0
POLL_S = 0.2


class AgentError(Told):
    """What an agent could not do; the text says which one goes on."""


def digest(content):
    return hashlib.sha1(content).hexdigest()


def read(path):
    """What is in the file, or None where there is none."""
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    """For the agent's user to read, root's to write; the old content or the new one is there, whole. Without content there is no file."""
    if content is None:
        if os.path.exists(path):
            os.remove(path)
        return
    beside = path + ".new"
    with open(beside, "wb") as file:
        os.fchmod(file.fileno(), 0o640)
        try:
            os.fchown(file.fileno(), 0, grp.getgrnam(GROUP).gr_gid)
        except KeyError:
            pass  # the package is not installed yet; this is a trial in check mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(beside, path)


class Agent(object):
    """One component's agent on this node: what is wanted, what is there, and what it takes."""

    def __init__(self, module, component, tried_with):
        self._module = module
        self._tried_with = tried_with
        params = module.params
        self.component = component["name"]
        self.name = "%s.%s" % (params["application"], self.component) if params["application"] else self.component
        self.config_file = self._file(self.name, "json")
        self.token_file = self._file(self.name, "token")
        tokens = [token.strip() for token in (params["token"], params["former_token"])]
        self._token = to_bytes("".join("%s\n" % token for token in sorted(set(tokens) - {""}, key=tokens.index)))
        self._config = self._encode(component)
        # Whose place it takes: its own, or that of the agent from before the application had a name.
        former = self._file(self.component, "json")
        self.replaces = self.component if params["application"] and read(self.config_file) is None and read(former) is not None else None
        self._running_file = former if self.replaces else self.config_file
        self.trial = {}

    @staticmethod
    def _file(name, kind):
        return os.path.join(CONFIG, "%s.%s" % (name, kind))

    def _encode(self, component):
        """As bytes that are the same for the same wishes, since an agent tells with which it runs by their digest."""
        application = self._module.params["application"]
        records = os.path.join(RECORDS, "applications", application) if application else RECORDS
        values = {
            "component": self.component,
            "probe": component["probe"],
            "control": component["control"],
            "token_file": self.token_file,
            "state_file": os.path.join(STATE, "%s.json" % self.name),
            "record_file": os.path.join(records, "release.json"),
            "probers": self._module.params["probers"],
            "health": {key: value for key, value in component["health"].items() if value is not None},
            "status": {key: value for key, value in (component["status"] or {}).items() if value is not None} or None,
        }
        return to_bytes(json.dumps(values, indent=4, sort_keys=True, separators=(",", ": ")) + "\n")

    def look(self):
        """Try what is wanted beside the agent that runs."""
        work = tempfile.mkdtemp(prefix="halfswap-heartbeat-", dir=TRIAL)
        try:
            os.chmod(work, 0o755)
            config, token = os.path.join(work, "config"), os.path.join(work, "token")
            write(config, self._config)
            write(token, self._token)
            self.trial = self._try(self._tried_with(work), config, "--token-file", token)
        finally:
            shutil.rmtree(work)
        if self.replaces and self.trial["takes"] != "start":
            self.trial["takes"] = "restart"
            self.trial["restart_because"] = "%s has to end before %s can listen" % (UNIT % self.replaces, UNIT % self.name)

    def _try(self, command, config, *more):
        status, out, err = self._module.run_command(command + ["--try", config, "--running", self._running_file] + list(more))
        try:
            return dict(shown_all(json.loads(out), LONG))
        except ValueError:
            raise AgentError("%s could not be tried (exit status %d): %s" % (self.name, status, (err or out).strip()))

    @property
    def faults(self):
        # The package makes the directory of the states, and is not installed in check mode.
        fresh = self._module.check_mode and not os.path.isdir(STATE)
        return ["%s: %s" % (each["what"], each["told"]) for each in self.trial["faults"] if not (fresh and each["what"] == "state_file")]

    @property
    def differs(self):
        running, texts = self.trial["running"], []
        before = read(self.config_file)
        if self.replaces:
            texts.append("it takes the place of %s" % (UNIT % self.replaces))
        if not running:
            texts.append("no agent answers")
        elif running["version"] != self._module.params["version"]:
            texts.append("version %s, and %s is wanted" % (running["version"], self._module.params["version"]))
        elif self.trial["takes"] != "nothing" and running["code"] != self.trial["code"]:
            texts.append("it runs another code than that of the package")
        if before != self._config:
            texts.append("configuration (%s)" % ", ".join(self._changed_keys(before)))
        elif running and running["config"] != digest(self._config):
            texts.append("it does not run with the configuration that is on the disk")
        if read(self.token_file) != self._token:
            texts.append("tokens")
        if not self._is_enabled():
            texts.append("it is not enabled at boot")
        return texts

    def _changed_keys(self, before):
        try:
            old = json.loads((before or b"{}").decode("utf-8"))
        except ValueError:
            old = {}
        new = json.loads(self._config.decode("utf-8"))
        keys = [key for key in sorted(set(old) | set(new)) if old.get(key) != new.get(key)] if isinstance(old, dict) else []
        return [shown(key) for key in keys] or ["its form"]

    def _is_enabled(self):
        return self._module.run_command(["systemctl", "is-enabled", "--quiet", UNIT % self.name])[0] == 0

    def summary(self):
        running = self.trial["running"]
        kept = ("version", "config", "healthy", "state", "revision")
        return {
            "name": self.component,
            "instance": self.name,
            "running": running and {key: running[key] for key in kept},
            "differs": self.differs,
            "takes": self.trial["takes"],
            "restart_because": self.trial["restart_because"],
            "faults": self.faults,
            "notes": ["%s: %s" % (each["what"], each["told"]) for each in self.trial["notes"]],
        }

    def apply(self):
        before = [(path, read(path)) for path in (self.config_file, self.token_file)]
        write(self.config_file, self._config)
        write(self.token_file, self._token)
        try:
            if self.replaces:
                self._replace()
            elif self.trial["takes"] == "reload":
                self._reload()
            elif self.trial["takes"] in ("start", "restart"):
                self._systemctl("restart", self.name)
            if not self._is_enabled():
                self._systemctl("enable", self.name)
            self._prove()
        except AgentError:
            # What is on the disk is what the agent would be started with after a crash.
            for path, content in before:
                write(path, content)
            if self.replaces:
                self._bring_back()
            raise

    def _reload(self):
        status, out, err = self._module.run_command([COMMAND, "--reload", self.config_file])
        if status:
            raise AgentError("%s was not reloaded, and runs as before: %s" % (UNIT % self.name, (err or out).strip()))

    def _replace(self):
        """The agents of two units cannot hand sockets over, so this one costs the time of a restart; the state is kept."""
        self._systemctl("stop", self.replaces)
        old, new = [os.path.join(STATE, "%s.json" % name) for name in (self.replaces, self.name)]
        if os.path.exists(old):
            shutil.copy2(old, new)
            found = os.stat(old)
            os.chown(new, found.st_uid, found.st_gid)
        self._systemctl("start", self.name)
        self._running_file = self.config_file

    def _bring_back(self):
        self._module.run_command(["systemctl", "stop", UNIT % self.name])
        self._systemctl("start", self.replaces)

    def end_former(self):
        """Once its successor is proven."""
        if self.replaces:
            self._systemctl("disable", self.replaces)
            for kind in ("json", "token"):
                write(self._file(self.replaces, kind), None)

    def _systemctl(self, verb, name):
        status, out, err = self._module.run_command(["systemctl", verb, UNIT % name])
        if status:
            raise AgentError("systemctl could not %s %s: %s" % (verb, UNIT % name, (err or out).strip()))

    def _prove(self):
        """It answers, and says that it is the one wanted, and what its predecessor said last."""
        expected = {"config": digest(self._config), "version": self._module.params["version"]}
        if self.trial["running"]:
            expected.update((key, self.trial["running"][key]) for key in ("state", "revision"))

        def missing():
            running = self._try([COMMAND], self.config_file)["running"]
            if not running:
                return "it does not answer"
            return ", ".join("%s is %s, not %s" % (key, running[key], value) for key, value in sorted(expected.items()) if running[key] != value)

        left, waited_s = wait_until(missing, READY_S, POLL_S)
        if left:
            raise AgentError("%s is not what it has to be after %d s: %s. `journalctl -u %s` tells more" % (UNIT % self.name, waited_s, left, UNIT % self.name))


def run(module):
    source = to_bytes(module.params["source"])

    def tried_with(work):
        # In check mode the package is perhaps not there yet, or an older one is.
        if not module.check_mode:
            return [COMMAND]
        program = os.path.join(work, "heartbeat.py")
        with open(program, "wb") as file:
            file.write(source)
        return [sys.executable, "-B", program]

    agents = [Agent(module, component, tried_with) for component in module.params["components"]]
    for agent in agents:
        agent.look()
    told = [agent.summary() for agent in agents]
    result = {"components": told, "changed": any(each["differs"] or each["takes"] != "nothing" for each in told)}
    faults = ["%s: %s" % (each["instance"], fault) for each in told for fault in each["faults"]]
    if module.check_mode:
        return result
    if faults:
        raise AgentError("%s. Nothing was changed here, and what runs goes on" % ". ".join(faults))
    for agent, each in zip(agents, told):
        if each["differs"] or each["takes"] != "nothing":
            agent.apply()
            agent.end_former()
    return result
