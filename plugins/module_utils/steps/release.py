# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop, install, start, until it is healthy; read the node again."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import platform

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _lock, _owed, _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils._draining import UNDRAINABLE, in_use, options
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._heartbeats import heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils._reading import read
from ansible_collections.halfswap.bluegreen.plugins.module_utils._ready import not_ready, not_ready_text, readiness, time_is_up
from ansible_collections.halfswap.bluegreen.plugins.module_utils._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm import RpmError
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_files import MAY_DIFFER
from ansible_collections.halfswap.bluegreen.plugins.module_utils._rpm_install import ENVIRONMENT, OPTIONS, Installation
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils._systemd import CLOCKS_DIFFER_S, SystemdError, act, look, told, up_s
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import monotonic
from ansible_collections.halfswap.bluegreen.plugins.module_utils._whose import Keeping


class Failed(Exception):
    """A step was not done; the text says what happened."""


class Ended(Exception):
    """A service that is waited for has ended; has what was missing then."""

    def __init__(self, missing):
        super(Ended, self).__init__()
        self.missing = missing


def has_heartbeat(component):
    return bool(component["url"] or component["heartbeat"])


def is_far(component):
    """Whether only the controller reaches its heartbeat."""
    return "relayed" in (component["heartbeat"] or {})


def each_once(units):
    return [unit for at, unit in enumerate(units) if unit not in units[:at]]


class Release(object):
    """From what runs to what is wanted, one step after the other."""

    def __init__(self, module, drain):
        self.module, self.params, self.drain = module, module.params, drain
        self.components = module.params["components"]
        self.installation = Installation(module, [self.wanted(component) for component in self.components])
        self.units = self.installation.units
        pairs = list(zip(self.components, self.installation.found, self.installation.packages))
        # Those whose process has to be another one in the end.
        owed = _owed.services()
        self.anew = [c for c, found, entry in pairs if found.changes or entry["stale"] or c["service"] in owed or self.params["restart"]]
        # With its service, every component that it runs.
        anew = self.services(self.anew)
        self.stopping = [c for c in self.components if c["service"] in anew and not self.units[c["service"]].is_down]
        # What would start them again by itself while the packages are installed.
        self.triggers = self.triggers_of(anew, self.units)
        self.proof, self.stopped, self.enabled, self.started, self.waited_s = None, [], [], [], 0.0

    @staticmethod
    def wanted(component):
        return dict({key: component[key] for key in ("version", "release", "epoch", "arch", "service", "may_differ")}, name=component["package"])

    def result(self):
        result = dict(self.installation.result(), stopped=self.stopped, started=self.started, waited_s=self.waited_s, proof=self.proof)
        return dict(result, changed=result["changed"] or bool(self.stopped or self.enabled or self.started))

    def foretell(self):
        """For check mode."""
        self.enabled = self.disabled(self.units)
        self.stopped = self.running_triggers() + self.services(self.stopping)
        self.started = self.services([c for c in self.components if c in self.anew or not self.units[c["service"]].active])

    @staticmethod
    def services(components):
        return each_once([c["service"] for c in components])

    @staticmethod
    def triggers_of(services, units):
        return each_once([trigger for name in services for trigger in units[name].triggers])

    def running_triggers(self):
        return [name for name, unit in sorted(self.look(self.triggers).items()) if not unit.is_down] if self.triggers else []

    # ---- Before anything is done ------------------------------------------------------------------------------------------------------

    def ask_for_proof(self):
        """Refuse to stop what may be in use."""
        if not self.stopping:
            return
        if self.params["alone"]:
            self.module.warn(
                "Nobody proved that %s is not in use before it was stopped (alone is true): requests in flight were cut."
                % ", ".join(self.services(self.stopping))
            )
            return
        proof = _proof.read()
        why = _proof.why_not(proof, self.params["run_id"], self.params["batch_id"])
        reasons = {c["name"]: why for c in self.stopping} if why else self.unproven(proof)
        if reasons:
            listed = "; ".join("component %s: %s" % (c["name"], reasons[c["name"]]) for c in self.stopping if c["name"] in reasons)
            raise _proof.Unproven("Not stopped: %s; %s." % (listed.rstrip("."), _proof.MEND))
        self.proof = shown_all(proof)

    def unproven(self, proof):
        """For each component that may be in use, why nothing proves that it is not."""
        reasons, to_look_at = {}, []
        asked = {c["name"]: c for c in self.drain["components"]}
        for component in self.stopping:
            name, unit = component["name"], self.units[component["service"]]
            proven = proof["components"].get(name)
            why = self.why_not(component, proven)
            if why:
                reasons[name] = why
            elif not unit.runs or _proof.is_younger(proof, unit):
                continue
            elif not proven["ran"]:
                reasons[name] = "its service %s runs, and did not when the node was taken out" % component["service"]
            elif name not in asked:
                reasons[name] = "drain.components does not name it"
            elif not proven["exception"] and self.drain["method"] != "seconds":
                to_look_at.append(name)
        if to_look_at:
            requests = {name: proof["components"][name]["requests"] for name in to_look_at}
            reasons.update(in_use(self.module, dict(self.drain, components=[asked[name] for name in to_look_at]), requests))
        return reasons

    def why_not(self, component, proven):
        if not has_heartbeat(component):
            return "it has neither a url nor a heartbeat that says standby"
        try:
            return _proof.why_not_of(proven, heartbeat_of(component, self.params["token"], self.module).status())
        except HeartbeatError as exc:
            return str(exc).rstrip(".")

    # ---- What is done -----------------------------------------------------------------------------------------------------------------

    def stop(self):
        # Triggers in the same call, so that none of them starts what has just been stopped.
        units = self.running_triggers() + self.services(self.stopping)
        if not units:
            return
        try:
            act(self.module, "stop", units)
        except SystemdError as exc:
            self.stopped = [name for name, unit in self.look(units).items() if unit.is_down]
            raise Failed("%s. Nothing was installed." % str(exc).rstrip("."))
        self.stopped = units

    def install(self):
        try:
            if self.installation.moves:
                _owed.keep(self.services(self.anew))
            self.installation.install()
        except RpmError as exc:
            stopped = " Stopped for it, and not started again: %s." % ", ".join(self.stopped) if self.stopped else ""
            raise RpmError("%s%s" % (str(exc).rstrip("."), "." + stopped if stopped else ""))

    def start(self):
        units = self.look()
        if self.installation.moves or any(unit.is_stale for unit in units.values()):
            act(self.module, "daemon-reload")
            units = self.look()
        anew = self.services(self.anew)
        idle = [name for name in self.services(self.components) if name not in anew and not units[name].active]
        triggers = self.triggers_to_start(anew + idle, units)
        disabled = self.disabled(units)
        if disabled:
            act(self.module, "enable", disabled)
            self.enabled = disabled
        # systemd opens no socket beside a service that runs already.
        early = [name for name in anew + idle if not units[name].is_down] if triggers else []
        since_up_s = up_s()
        # It starts what does not run; and what was started by itself meanwhile may have begun with files of the former package.
        for verb, names in (("stop", early), ("start", triggers), ("restart", anew), ("start", idle)):
            if not names:
                continue
            try:
                act(self.module, verb, names)
            except SystemdError as exc:
                units = self.look(names)
                self.started += [name for name in names if units[name].active]
                raise Failed(self.with_units(str(exc).rstrip("."), [units[name] for name in names if not units[name].active]))
            self.started += names if verb != "stop" else []
        self.prove(anew, since_up_s)
        _owed.settle(anew)

    def triggers_to_start(self, names, units):
        """Those that were stopped for it, or that an earlier run has left so: they are enabled, and do not run."""
        # One that no boot starts is forgotten by systemd once it is stopped.
        named = each_once(self.triggers_of(names, units) + [trigger for trigger in self.triggers if trigger in self.stopped])
        found = self.look(named) if named else {}
        return [name for name in named if found[name].is_down and not found[name].is_masked and (name in self.stopped or found[name].is_enabled)]

    def prove(self, names, since_up_s):
        """A restart that left the former process is none: it would serve the former release from memory, under the name of the new one."""
        old = [unit for unit in self.look(names).values() if unit.has_process and unit.started_up_s < since_up_s - CLOCKS_DIFFER_S] if names else []
        if old:
            which = ", ".join(unit.name for unit in old)
            raise Failed(
                self.with_units(
                    "%s was restarted, but a process of it is older than that, so it still runs what was installed before: its unit does not end all of its "
                    "processes (KillMode, or a script of its own that stops nothing). End them (systemctl kill %s), and run deploy again" % (which, which),
                    old,
                )
            )

    def disabled(self, units):
        """Services that no boot starts, nor the first connection after it."""
        names = [name for name in self.services(self.components) if units[name].is_to_be_enabled]
        sockets = [trigger for trigger in self.triggers_of(names, units) if trigger.endswith(".socket")]
        found = self.look(sockets) if sockets else {}
        return [name for name in names if not any(trigger in found and found[trigger].is_enabled for trigger in units[name].triggers)]

    def look(self, names=None):
        return look(self.module, names or [c["service"] for c in self.components])

    def await_health(self):
        waiting = [c for c in self.components if has_heartbeat(c) and not is_far(c)]
        if not waiting:
            return
        heartbeats = [heartbeat_of(c, self.params["token"], self.module) for c in waiting]
        expected = [dict(name=c["name"], release=c["wait_release"] or c["version"]) for c in waiting]
        names = self.services(waiting)
        first = self.look(names)
        begun = monotonic()

        def ended():
            # A systemd that does not count restarts is seen by the start of the process.
            return [unit for name, unit in self.look(names).items() if unit.has_ended or unit.restarts > first[name].restarts or unit.is_another(first[name])]

        def still_running(missing):
            if ended():
                raise Ended(missing)

        try:
            result, missing = readiness(expected, heartbeats, self.params["health_timeout_s"], still_running)
        except (Ended, HeartbeatError) as exc:
            self.waited_s = round(monotonic() - begun, 3)
            missing = exc.missing if isinstance(exc, Ended) else [str(exc).rstrip(".")]
            text = not_ready_text(dict(waited_s=self.waited_s), missing).rstrip(".")
            gone = ended()
            if gone:
                which = ", ".join(unit.name for unit in gone)
                text += ". It was not waited for any longer, because the process that was started has ended (%s)" % which
            raise Failed(self.with_units(text, gone or self.look(names).values()))
        self.waited_s = result["waited_s"]
        if missing:
            seen = {c["name"]: c["heartbeat"] for c in result["components"]}
            late = [c for c, e in zip(waiting, expected) if not seen[c["name"]] or not_ready(e, seen[c["name"]])]
            text = "%s %s" % (not_ready_text(result, missing), time_is_up(self.params["health_timeout_s"]))
            raise Failed(self.with_units(text, self.look(self.services(late)).values()))

    def with_units(self, text, units):
        return " ".join("%s." % part for part in [text] + [told(self.module, unit) for unit in units])

    def read(self):
        """The node as it is now; nothing where what the controller saw before is all that there is."""
        if not self.params["read"] or any(is_far(c) for c in self.components):
            return {}
        return read(self.module, self.components)


def run(module):
    params = module.params
    held = _lock.foreign(params["run_id"] or "")
    if held:
        raise Failed("Refused, nothing was changed: %s." % held)
    try:
        drain = options(params["drain"]) if params["drain"] is not None else None
    except UNDRAINABLE as exc:
        raise Failed("Not stopped: %s" % exc)
    release = Release(module, drain)
    if params["rehearse"]:
        release.installation.rehearse()
    if module.check_mode:
        release.foretell()
        return release.result()
    release.installation.choose()
    release.ask_for_proof()
    try:
        release.stop()
        release.install()
        release.start()
        release.await_health()
        said = release.read()
    except FAILURES as exc:
        module.fail_json(msg=text_of(exc), **release.result())
    return dict(said, **release.result())


FAILURES = (Failed, _proof.Unproven, RpmError, RecordsError, SystemdError)


def text_of(exc):
    return "%s: %s" % (platform.node(), exc) if isinstance(exc, (RpmError, SystemdError)) else str(exc)


def main():
    module = Keeping(
        guarded=["components", "drain"],
        argument_spec=dict(
            OPTIONS,
            components=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(
                    name=dict(type="str", required=True),
                    package=dict(type="str", required=True),
                    service=dict(type="str", required=True),
                    version=dict(type="str", required=True),
                    release=dict(type="str"),
                    epoch=dict(type="int"),
                    arch=dict(type="str"),
                    may_differ=MAY_DIFFER,
                    url=dict(type="str"),
                    heartbeat=dict(type="dict"),
                    wait_release=dict(type="str"),
                ),
            ),
            token=dict(type="str", no_log=True),
            restart=dict(type="bool", default=False),
            health_timeout_s=dict(type="float", default=60.0),
            batch_id=dict(type="str", default=""),
            drain=dict(type="dict"),
            alone=dict(type="bool", default=False),
            read=dict(type="bool", default=True),
        ),
        required_if=[("alone", False, ["run_id", "batch_id", "drain"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = ENVIRONMENT
    try:
        module.exit_json(**run(module))
    except FAILURES as exc:
        module.fail_json(msg=text_of(exc))
