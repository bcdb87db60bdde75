# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node is sent that may have the library: it carries out one step with what lies there, compiled.

The text of this file is the whole program, so it imports nothing but what Python has. Until the step is loaded nothing is done, and whatever is wrong
until then is said in an answer that no step gives. From then on it is as if Ansible had sent the step.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import runpy
import stat
import sys

# The key of the answer that says why the library was not used, and that nothing was done.
UNUSED = "halfswap_library_unused"
BASIC = "ansible.module_utils.basic"
MODULE = "ansible_collections.halfswap.bluegreen.plugins.modules.step"
STEPS = "ansible_collections.halfswap.bluegreen.plugins.module_utils.steps"


def of_this_python(library):
    """The directory of this library for the Python that runs: another one has to compile for itself."""
    kind = getattr(getattr(sys, "implementation", None), "name", "cpython")
    return "%s-%s-%d.%d.%d" % ((library, kind) + tuple(sys.version_info[:3]))


def unsound(directory):
    """Why this directory is not one that only this user can have written to; None where it is."""
    try:
        seen = os.lstat(directory)
    except OSError as exc:
        return "%s: %s" % (directory, exc.strerror)
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        return "%s is not a directory of this user alone" % directory
    return None


def _load(directory, step):
    sys.path = [directory] + [path for path in sys.path if path not in ("", ".")]
    sys.dont_write_bytecode = True
    for name in (BASIC, "%s.%s" % (STEPS, step)):
        __import__(name)


def _start(directory, given):
    """As core's own wrapper of modules does it, so that a crash is reported alike."""
    try:
        from ansible.module_utils._internal._ansiballz import _loader
    except ImportError:  # ansible-core 2.16 to 2.18
        basic = sys.modules[BASIC]
        basic._ANSIBLE_ARGS = given
        basic._ANSIBLE_PROFILE = "legacy"
        runpy.run_module(mod_name=MODULE, init_globals=dict(_module_fqn=MODULE, _modlib_path=directory), run_name="__main__", alter_sys=True)
    else:
        _loader.run_module(json_params=given, profile="legacy", module_fqn=MODULE, modlib_path=directory, extensions={})


def carry_out(library, step, given):
    """library: where it lies, without what of_this_python() adds. given: the arguments of the module, as JSON in ASCII."""
    directory = of_this_python(library)
    why = unsound(os.path.dirname(directory)) or unsound(directory)
    if why is None:
        try:
            _load(directory, step)
        except Exception as exc:
            # Half a file, a full disk, a policy that forbids to read it: Ansible's own way may do.
            why = "%s cannot be loaded: %r" % (directory, exc)
    if why is not None:
        # Nothing of Ansible can be had here.
        sys.stdout.write(json.dumps({"changed": False, UNUSED: why[:300]}) + "\n")
        return
    _start(directory, given.encode("ascii"))
