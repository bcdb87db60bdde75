# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that describe requests may hold secrets: they are neither logged on the node nor shown in results.

Ansible's own no_log is for an option that is a secret as a whole: it would mask each word of such a description, `live` for one, in the whole result.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils._http import unquote, urlsplit, without_login

try:
    from urllib.parse import parse_qsl
except ImportError:  # Python 2.7
    from urlparse import parse_qsl

# What is under these keys is not shown.
HIDDEN = ("headers", "body", "env", "password", "token")
# Of that, what has such a name is masked wherever else it comes up, for instance in an answer that is quoted.
_NAMES = re.compile("(?i)auth|cookie|credential|key|pass|secret|session|token")
# Shorter ones are words and numbers, which would be masked all over the result.
SHORTEST = 4


class Module(AnsibleModule):
    """An AnsibleModule of which some options may have secrets somewhere in them."""

    # What module step hands over: the options of the step that it carries out.
    handed = None
    # Of options that are not known to be right, none is shown.
    _shown = {}

    def __init__(self, guarded, argument_spec, **more):
        self._guarded = guarded
        # This keeps them out of the node's log, which is written before anything else.
        spec = {name: dict(option, no_log=True) if name in guarded else option for name, option in argument_spec.items()}
        AnsibleModule.__init__(self, argument_spec=spec, **more)
        self._mask_secrets_alone()
        self._shown = {name: without(value) if name in guarded else value for name, value in self.params.items() if name not in HIDDEN}

    def _load_params(self):
        AnsibleModule._load_params(self)
        if self.handed is not None:
            # Beside them stays what Ansible says of the task: check mode, diff, the temporary directory.
            self.params = dict({name: value for name, value in self.params.items() if name.startswith("_ansible_")}, **self.handed)

    def _mask_secrets_alone(self):
        given = self.params or {}
        whole = [name for name, option in self.argument_spec.items() if option.get("no_log") and name not in self._guarded and given.get(name)]
        self.no_log_values = {to_native(given[name], nonstring="simplerepr") for name in whole}
        self.no_log_values |= secrets_of({name: given.get(name) for name in self._guarded})

    def exit_json(self, **result):
        AnsibleModule.exit_json(self, invocation=dict(module_args=self._shown), **result)

    def fail_json(self, msg, **result):
        self._mask_secrets_alone()
        AnsibleModule.fail_json(self, msg, invocation=dict(module_args=self._shown), **result)


def without(value):
    """The value less what may be secret in it."""
    if isinstance(value, dict):
        return {key: without(each) for key, each in value.items() if key not in HIDDEN}
    if isinstance(value, (list, tuple)):
        return [without(each) for each in value]
    return without_login(value) if _has_login(value) else value


def secrets_of(value, sent=False, secret=False):
    """The texts in it that are secrets: what is sent under such a name, and the passwords in URLs."""
    found = set()
    if isinstance(value, dict):
        for key, each in value.items():
            inside = sent or key in HIDDEN
            each = _fields(each) if key == "body" else each
            found |= secrets_of(each, inside, secret or (inside and _NAMES.search(to_native(key)) is not None))
    elif isinstance(value, (list, tuple)):
        for each in value:
            found |= secrets_of(each, sent, secret)
    elif _has_login(value):
        password = urlsplit(to_native(value)).password or ""
        found |= {password, unquote(password)}
    elif secret and not isinstance(value, (bool, type(None))):
        text = to_native(value, nonstring="simplerepr")
        # Whoever echoes it may leave out how it is sent: Bearer, Basic.
        found |= {text, text.rpartition(" ")[2]}
    return {text for text in found if len(text) >= SHORTEST}


def _fields(body):
    """What is in a body that is text: JSON, or the fields of a form."""
    try:
        return json.loads(body)
    except (TypeError, ValueError):
        return dict(parse_qsl(to_native(body))) if hasattr(body, "encode") else body


def _has_login(value):
    return hasattr(value, "encode") and re.match(r"[a-z]+://[^/?#]*@", to_native(value)) is not None
