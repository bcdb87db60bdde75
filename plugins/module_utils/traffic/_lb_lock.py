# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One set-up at a time on a load balancer."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fcntl
import json
import os
import time

from ansible.module_utils.common.text.converters import to_bytes, to_text

from ansible_collections.halfswap.bluegreen.plugins.module_utils._shown import Failure, shown
from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until


class Lock(object):
    """One set-up at a time on a load balancer. It says who is at work, and that stays there if he is killed."""

    def __init__(self, path, who, timeout_s):
        self.path, self.who = path, who
        try:
            if not os.path.isdir(os.path.dirname(path)):
                os.makedirs(os.path.dirname(path), 0o755)
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except EnvironmentError as exc:
            raise Failure("%s cannot be locked: %s. Nothing was changed." % (path, exc.strerror))
        left, _waited_s = wait_until(self._held_by_others, timeout_s)
        if left:
            raise Failure(
                "Another set-up is at work on this load balancer (%s, since %s): %s. Nothing was changed. Run setup again when it is over." % self._told()
            )
        # What the one before left there: he did not come to his end.
        self.cut_off = bool(self._text())

    def _held_by_others(self):
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (IOError, OSError):
            return ["held"]
        return []

    def _text(self):
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return os.read(self.descriptor, 1 << 12)

    def _told(self):
        try:
            said = json.loads(to_text(self._text()))
            return shown(said["who"]), shown(said["since"]), self.path
        except (ValueError, KeyError, TypeError):
            return "it only looks", "a moment", self.path

    def begin(self):
        os.ftruncate(self.descriptor, 0)
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        os.write(self.descriptor, to_bytes(json.dumps(dict(who=self.who, since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())))))
        os.fsync(self.descriptor)

    def end(self):
        os.ftruncate(self.descriptor, 0)

    def close(self):
        os.close(self.descriptor)
