# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep on the node what Ansible has sent with a step, compiled: the next steps need not be sent, unpacked and compiled.

It is for speed alone. Where it cannot be kept (a full or missing file system, another user), nothing is said and the step goes on.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import os
import py_compile
import shutil
import tempfile
import time
import zipfile

from ansible_collections.halfswap.bluegreen.plugins.module_utils._library_run import of_this_python, unsound

# Of other versions: whoever goes back and forth between two finds both.
OTHERS = 2
# What a killed process has begun is removed after that; a living one needs a second.
ABANDONED_S = 3600


def keep(library, sent):
    """Keep it at this place, which says what it is. sent: the zip that Ansible has sent."""
    directory = of_this_python(library)
    parent = os.path.dirname(directory)
    try:
        if not os.path.isdir(parent):
            # Where /run itself is missing, nothing is made in its place: what lies there has to be gone after a power loss.
            os.mkdir(parent, 0o700)
        if unsound(parent):
            return
        new = tempfile.mkdtemp(prefix=".new-", dir=parent)
        try:
            _unpack(sent, new)
            _compile(new)
            _replace(directory, new)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        _remove_others(parent, os.path.basename(directory))
    except Exception:  # pylint: disable=broad-except
        # Whatever it is, the step is to be done.
        return


def _unpack(sent, directory):
    with contextlib.closing(zipfile.ZipFile(sent)) as parts:
        # Of these, sitecustomize is about the zip, which is about to be removed.
        parts.extractall(directory, [name for name in parts.namelist() if name != "sitecustomize.py"])


def _compile(directory):
    for folder, _folders, files in os.walk(directory):
        for name in files:
            if name.endswith(".py"):
                try:
                    py_compile.compile(os.path.join(folder, name), doraise=True)
                except py_compile.PyCompileError:
                    # Core has parts for its newest Pythons alone, which no step imports elsewhere.
                    pass


def _replace(directory, new):
    """Either all of it is there, or nothing. What lies there already was not fit to be used, or another run has kept it just now."""
    if os.path.lexists(directory):
        os.rename(directory, tempfile.mkdtemp(prefix=".old-", dir=os.path.dirname(directory)))
    os.rename(new, directory)


def _remove_others(parent, name):
    others, begun = [], []
    for other in os.listdir(parent):
        if other != name:
            (begun if other.startswith(".") else others).append(other)
    others.sort(key=lambda other: os.lstat(os.path.join(parent, other)).st_mtime, reverse=True)
    abandoned = [other for other in begun if other.startswith(".old-") or os.lstat(os.path.join(parent, other)).st_mtime < time.time() - ABANDONED_S]
    for other in others[OTHERS:] + abandoned:
        shutil.rmtree(os.path.join(parent, other), ignore_errors=True)
