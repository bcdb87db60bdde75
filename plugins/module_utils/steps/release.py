# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop, install, start, until it is healthy; read the node again."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import platform

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import shown_all
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import POLL_S, monotonic, wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _proof
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain._draining import UNDRAINABLE, in_use, options
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import heartbeat_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _lock, _owed, _records
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._adopted import REPLACES, unit_of, units_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._reading import read
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._ready import not_ready, not_ready_text, readiness, time_is_up
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._startable import holder_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._systemd import CLOCKS_DIFFER_S, SystemdError, act, look, told, up_s
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import Keeping
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_files
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import RpmError, installed_packages
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_files import MAY_DIFFER
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm_install import ENVIRONMENT, OPTIONS, Installation

# A socket may be there for a moment after its process.
PORT_FREE_S = 5.0


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


def is_adopted(component):
    """Whether it is to be as it was before its first package."""
    return component["as_adopted"]


def each_once(units):
    return [unit for at, unit in enumerate(units) if unit not in units[:at]]


class Release(object):
    """From what runs to what is wanted, one step after the other."""

    def __init__(self, module, drain):
        self.module, self.params, self.drain = module, module.params, drain
        self.components = module.params["components"]
        coming = [c for c in self.components if not is_adopted(c)]
        self.installation = Installation(module, [self.wanted(component) for component in coming])
        self.units = self.installation.units
        others = [unit for c in self.components for unit in units_of(c) if unit not in self.units]
        if others:
            self.units = dict(self.units, **look(module, others))
        pairs = list(zip(coming, self.installation.found, self.installation.packages))
        # Those whose process has to be another one in the end.
        owed = _owed.services()
        self.anew = [c for c, found, entry in pairs if found.changes or entry["stale"] or c["service"] in owed or self.params["restart"]]
        # With its service, every component that it runs.
        anew = self.services(self.anew)
        # The packages that go, where there is to be again what was adopted; and the units that go for good, whichever way.
        back = [c for c in self.components if is_adopted(c)]
        self.erased = installed_packages(module, [c["package"] for c in back]) if back else {}
        removed = [c for c in back if c["package"] in self.erased]
        self.refuse_what_cannot_come_back(removed)
        self.retired = each_once([c["replaces"] for c in coming if c["replaces"]] + [c["service"] for c in removed])
        # For each component the units of it that have to stop.
        self.leaving = {
            c["name"]: [unit for unit in units_of(c) if (unit in anew or unit in self.retired) and not self.units[unit].is_down] for c in self.components
        }
        self.stopping = [c for c in self.components if self.leaving[c["name"]]]
        # What would start them again by itself while the packages are installed.
        self.triggers = self.triggers_of(anew, self.units)
        self.retired += self.triggers_of(self.retired, self.units)
        self.proof, self.stopped, self.enabled, self.disabled_for_good, self.started, self.waited_s = None, [], [], [], [], 0.0

    @staticmethod
    def wanted(component):
        return dict({key: component[key] for key in ("version", "release", "epoch", "arch", "service", "may_differ")}, name=component["package"])

    def result(self):
        result = dict(self.installation.result(), stopped=self.stopped, started=self.started, waited_s=self.waited_s, proof=self.proof)
        return dict(result, changed=result["changed"] or bool(self.erased or self.stopped or self.enabled or self.disabled_for_good or self.started))

    def foretell(self):
        """For check mode."""
        self.enabled = self.disabled(self.units)
        self.stopped = self.running_triggers() + self.units_to_stop()
        self.started = [name for name in self.services(self.components) if name in self.services(self.anew) or not self.units[name].active]

    @staticmethod
    def services(components):
        """The units in which they are to run."""
        return each_once([unit_of(c) if is_adopted(c) else c["service"] for c in components])

    def units_to_stop(self):
        return each_once([unit for c in self.stopping for unit in self.leaving[c["name"]]])

    def refuse_what_cannot_come_back(self, components):
        for component in components:
            if not component["replaces"] or self.units[component["replaces"]].said.get("LoadState") != "loaded":
                raise Failed(
                    "Nothing was changed: %s is installed, and before it component %s ran without a package, of which nothing is left that could be started "
                    "(%s). Deploy a release that works."
                    % (
                        self.erased[component["package"]]["nevra"],
                        component["name"],
                        "systemd has no unit %s" % component["replaces"] if component["replaces"] else "the component has no key replaces",
                    )
                )

    @staticmethod
    def triggers_of(services, units):
        return each_once([trigger for name in services for trigger in units[name].triggers])

    def running_triggers(self):
        names = self.triggers + [name for name in self.retired if name not in self.units]
        return [name for name, unit in sorted(self.look(names).items()) if not unit.is_down] if names else []

    # ---- Before anything is done ------------------------------------------------------------------------------------------------------

    def ask_for_proof(self):
        """Refuse to stop what may be in use."""
        if not self.stopping:
            return
        if self.params["alone"]:
            self.module.warn(
                "Nobody proved that %s is not in use before it was stopped (alone is true): requests in flight were cut." % ", ".join(self.units_to_stop())
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
            name = component["name"]
            used = [unit for unit in self.leaving[name] if self.units[unit].runs]
            proven = proof["components"].get(name)
            why = self.why_not(component, proven)
            if why:
                reasons[name] = why
            elif all(_proof.is_younger(proof, self.units[unit]) for unit in used):
                continue
            elif not proven["ran"]:
                reasons[name] = "its service %s runs, and did not when the node was taken out" % " and ".join(used)
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
        units = self.running_triggers() + self.units_to_stop()
        if units:
            try:
                act(self.module, "stop", units)
            except SystemdError as exc:
                self.stopped = [name for name, unit in self.look(units).items() if unit.is_down]
                raise Failed("%s. Nothing was installed." % str(exc).rstrip("."))
            self.stopped = units
        self.retire()

    def retire(self):
        """No boot starts them again, and nobody is left who holds the ports."""
        enabled = [name for name, unit in sorted(self.look(self.retired).items()) if unit.is_enabled] if self.retired else []
        if enabled:
            act(self.module, "disable", enabled)
            self.disabled_for_good = enabled
        stopped = [c["name"] for c in self.stopping if set(self.leaving[c["name"]]).intersection(self.retired)]
        ports = [(c["name"], port) for c in (self.drain or {}).get("components", ()) if c["name"] in stopped for port in c["ports"] or ()]

        def taken():
            held = [(name, port, holder_of(port)) for name, port in ports]
            return ["port %d of component %s is held by %s" % (port, name, who) for name, port, who in held if who]

        left, _waited_s = wait_until(taken, PORT_FREE_S, POLL_S) if ports else ([], 0.0)
        if left:
            raise Failed(
                "%s was stopped, and %s: its unit does not end all that it runs. Mend the unit. Nothing was installed."
                % (", ".join(self.units_to_stop()), " and ".join(left))
            )

    def install(self):
        try:
            if self.installation.moves:
                _owed.keep(self.services(self.anew))
            self.installation.install()
            self.erase()
        except RpmError as exc:
            stopped = " Stopped for it, and not started again: %s." % ", ".join(self.stopped) if self.stopped else ""
            raise RpmError("%s%s" % (str(exc).rstrip("."), "." + stopped if stopped else ""))

    def erase(self):
        """Remove what was installed beside what was adopted."""
        if not self.erased:
            return
        names, before = sorted(self.erased), sorted(package["nevra"] for package in self.erased.values())
        status, out, err = self.installation.manager.rpm(["-e", "--"] + names)
        why = (err or out).strip()[-2000:]
        if self.params["run_id"]:
            _records.prepare()
            _records.append(self.params["run_id"], self.params["by"], "packages", before, [], "failed" if status else "ok", why=why if status else None)
        if status:
            raise RpmError("rpm could not remove %s: %s" % (", ".join(before), why))
        _rpm_files.end(names)

    def start(self):
        units = self.look()
        if self.installation.moves or self.erased or any(unit.is_stale for unit in units.values()):
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
        _owed.settle(anew + [c["service"] for c in self.components if is_adopted(c)])

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
        return look(self.module, names or self.services(self.components))

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
                    replaces=REPLACES,
                    version=dict(type="str"),
                    as_adopted=dict(type="bool", default=False),
                    release=dict(type="str"),
                    epoch=dict(type="int"),
                    arch=dict(type="str"),
                    may_differ=MAY_DIFFER,
                    url=dict(type="str"),
                    heartbeat=dict(type="dict"),
                    wait_release=dict(type="str"),
                ),
                required_if=[("as_adopted", False, ["version"])],
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
