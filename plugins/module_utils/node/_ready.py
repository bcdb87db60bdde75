# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Are the components healthy, on the release expected? Asked on the node, or by the controller where only that gets there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.halfswap.bluegreen.plugins.module_utils._wait import wait_until
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeat_api import HeartbeatError

# Each question makes the application check its health; more often than this would be load, not news.
HEALTH_POLL_S = 0.2


def not_ready(component, status):
    """Why the component is not ready yet; nothing when it is."""
    if not status["healthy"]:
        return "component %s is not healthy: %s" % (component["name"], status["why"])
    wanted = component.get("release")
    if wanted and status.get("status_error"):
        return "component %s does not tell what it has to (status_url): %s" % (component["name"], status["status_error"])
    if wanted and status["release"] is not None and status["release"] != wanted:
        return "component %s reports release %s, not %s" % (component["name"], status["release"], wanted)
    return None


def readiness(components, heartbeats, timeout_s, look=lambda missing: None):
    """What they say in the end, and what was missing then. Without a time to wait, one that does not answer raises HeartbeatError.

    look: called with what is missing each time that something is; it may raise what ends the wait.
    """
    seen = {}

    def read():
        missing = []
        for component, heartbeat in zip(components, heartbeats):
            try:
                seen[heartbeat.name] = heartbeat.status(fresh=True)
            except HeartbeatError as exc:
                # An application that has just been started may not answer yet.
                if not timeout_s:
                    raise
                seen[heartbeat.name] = None
                missing.append(str(exc).rstrip("."))
            else:
                missing.append(not_ready(component, seen[heartbeat.name]))
        missing = [text for text in missing if text]
        if missing:
            look(missing)
        return missing

    missing, waited_s = wait_until(read, timeout_s, HEALTH_POLL_S)
    return dict(changed=False, components=[dict(name=h.name, heartbeat=seen.get(h.name)) for h in heartbeats], waited_s=waited_s), missing


def not_ready_text(result, missing):
    return "Not ready after %.1f s: %s." % (result["waited_s"], "; ".join(missing))


def time_is_up(timeout_s):
    """What a wait of that many seconds came to an end by."""
    return "That was the whole wait (bluegreen_health_timeout_s, health_timeout_s: %g s); raise it where the application needs longer to start" % timeout_s
