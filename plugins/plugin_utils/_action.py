# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all actions of ours are: thin, around at most one module on the node, or a judgement for which no node is asked."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.halfswap.bluegreen.plugins.module_utils._library_run import UNUSED
from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import secrets_of
from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Failure, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._whose import OPTIONS

from ._refusals import Refusal
from .reach._library import PROGRAM, Library
from .reach._ways import WayError
from .site.description import PREFIX
from .site.reading import whose

STEP = "halfswap.bluegreen.step"
# It has only documentation in it, so Ansible builds nothing of it and just says which Python the node has.
DOCUMENTED = "halfswap.bluegreen.plan"


class Refused(Exception):
    """Nothing is done; the text says why, and what mends it. `found` is what the result tells besides."""

    def __init__(self, text: str, **found: Any) -> None:
        super().__init__(text)
        self.found = found


class Step(ActionBase):
    """An action whose result is what act() returns. What it refuses is a failed result, never an exception."""

    _supports_check_mode = True
    # By which a step is being sent, in place of the module.
    _sent_by: Library | None = None
    task_vars: Mapping[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        try:
            result.update(self.act(dict(self._task.args)))
        except Refused as refused:
            result.update(refused.found, failed=True, changed=False, msg=str(refused))
        except (HeartbeatError, WayError) as exc:
            result.update(failed=True, msg=str(exc))
        return result

    @property
    def name(self) -> str:
        return str(self.task_vars["inventory_hostname"])

    @abstractmethod
    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        """The result. args: what the task says."""

    def module(self, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """What a step says that was carried out on the node."""
        asked = {"step": name, "options": {**args, **self.whose()}}
        library = self._library_of_node()
        if library is not None:
            self._sent_by = library
            try:
                result = self._carried_out(asked)
            finally:
                self._sent_by = None
            if UNUSED not in result:
                return result
            # Nothing was done there. The node is sent everything now, and keeps it for the steps to come.
            self._display.vvv(f"{self.name}: {shown(result[UNUSED])}. Step {name} is sent as a whole.")
            library.missed()
            asked["keep"] = library.place
        return self._carried_out(asked)

    def whose(self) -> dict[str, Any]:
        """Whose records the node keeps: what the task says of it, or else what the site says; nothing where there is no site."""
        described: dict[str, Any] = {}
        if any(PREFIX + name in self.task_vars for name in ("application", "applications", "components")):
            described, faults = whose(self.task_vars, self._loader, load_extra_vars(self._loader))
            if faults and "application" not in self._task.args:
                raise Refused(Refusal("HS-SITE", f"Nothing was changed. {' '.join(faults)}").told)
        return {**described, **{name: self._task.args[name] for name in OPTIONS if name in self._task.args}}

    def _carried_out(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(STEP, module_args=dict(asked), task_vars=self.task_vars)
        return result

    def _library_of_node(self) -> Library | None:
        """Where the node may have it. The controller itself needs none, and what only Ansible's own wrapper does is left to that."""
        limited = constants.config.get_config_value("PYTHON_MODULE_RLIMIT_NOFILE", variables=dict(self.task_vars))
        if self._connection.transport == "local" or self._task.async_val or limited:
            return None
        library = Library(str(self._task.delegate_to or self.name))
        return library if library.hoped_for else None

    def _configure_module(self, module_name: str, module_args: Any, task_vars: Any) -> Any:
        """What is sent: a short program in place of the module, where the library is asked for. Ansible does all the rest."""
        if self._sent_by is None or module_name != STEP:
            return super()._configure_module(module_name, module_args, task_vars)
        found = super()._configure_module(DOCUMENTED, {}, task_vars)
        program = self._sent_by.program(module_args)
        if len(found) == 2:
            return dataclasses.replace(found[0], b_module_data=program, module_style="new"), str(PROGRAM)
        return "new", found[1], program, str(PROGRAM)  # ansible-core 2.16 to 2.18


class Keeping(Step):
    """A module that keeps or reads records and is no step: Ansible builds and sends it as any other one."""

    _supports_async = True
    MODULE: str

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        # As core's own action for modules without one has it.
        more = {"wrap_async": not self._connection.has_native_async} if self._task.async_val else {}
        result: dict[str, Any] = self._execute_module(
            f"halfswap.bluegreen.{self.MODULE}", module_args={**args, **self.whose()}, task_vars=self.task_vars, **more
        )
        return result


class Sending(Step):
    """A module that only sends requests. Where its task is for the controller itself, this process sends them: no module is built and started."""

    MODULE: str
    SPEC: Mapping[str, Any]
    # Which options may have secrets in them.
    GUARDED: Sequence[str]

    @abstractmethod
    def carry_out(self, params: dict[str, Any]) -> dict[str, Any]:
        """The result. params: as SPEC has them."""

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        # As another user, or in another environment, it would see other files and names.
        if self._connection.transport != "local" or self._play_context.become or any(self._task.environment or ()):
            result: dict[str, Any] = self._execute_module(f"halfswap.bluegreen.{self.MODULE}", module_args=args, task_vars=self.task_vars)
            return result
        given = ArgumentSpecValidator(self.SPEC).validate(args)
        if given.error_messages:
            raise Refused(f"{self._task.action}: {'; '.join(given.error_messages)}.")
        try:
            found = self.carry_out(given.validated_parameters)
        except Failure as failure:
            found = {"failed": True, "changed": False, "msg": str(failure), **failure.result}
        masked: dict[str, Any] = remove_values(found, secrets_of({name: args.get(name) for name in self.GUARDED}))
        return masked


class Judgement(Step):
    """An action for which no node is asked. Run once, it needs no connection to the first host either, which may be the one that is lost.

    What a task does not say is taken from the settings of the site, where it hands them over (option site).
    """

    _requires_connection = False
    SPEC: Mapping[str, Any] = {}

    @property
    def lost(self) -> list[str]:
        """The hosts that have left the play."""
        left = self.task_vars.get("ansible_play_hosts") or []
        return [name for name in self.task_vars.get("ansible_play_hosts_all") or [] if name not in left]

    def act(self, args: dict[str, Any]) -> dict[str, Any]:
        site = args.pop("site", None) or {}
        settings = {key: site[key] for key in self.SPEC if site.get(key) is not None}
        given = ArgumentSpecValidator(self.SPEC).validate({**settings, **args})
        if given.error_messages:
            raise AnsibleActionFail(f"{self._task.action}: {'; '.join(given.error_messages)}.")
        return {"changed": False, **self.judge(given.validated_parameters)}

    @abstractmethod
    def judge(self, args: dict[str, Any]) -> dict[str, Any]:
        """What was found. args: as SPEC has them."""
