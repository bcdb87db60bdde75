# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


import pytest


def _prober(path, **runs):
    consecutive = dict(live=0, not_live=0, standby=0, not_standby=0)
    consecutive.update(runs)
    return dict(address="10.0.0.5", path=path, consecutive=consecutive, seen=50, last_seen_s=0.1, interval_s=0.5)


def _said(version="1.0.0", state="live", healthy=True, release="", at=1000.0, batch_id="", started_at=2000.0, served=5, rate=0.0, since_s=100.0, **changes):
    """What module node_info registers for a node with the one component shop."""
    heartbeat = dict(
        state=state,
        answer=state if healthy else "down",
        revision=7,
        run_id="r1",
        since_s=since_s,
        healthy=healthy,
        why="HTTP 200" if healthy else "HTTP 503",
        release=version if release == "" else release,
        requests=dict(total=10, since_flip=served, rate_per_s=rate),
        probers=[_prober("/heartbeat/live", live=99 if state == "live" else 0), _prober("/heartbeat/standby")],
    )
    component = dict(
        name="shop",
        package="shop",
        nevra="shop-{0}-1.noarch".format(version) if version else None,
        version=version,
        installed_at=1999,
        active=True,
        started_at=started_at,
        heartbeat=heartbeat,
        error=None,
    )
    component.update(changes)
    return dict(changed=False, components=[component], at=at, batch_id=batch_id)


@pytest.fixture
def said():
    return _said


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    """The directory of the node's records; that of the machine which runs the tests is never touched."""
    from ansible_collections.halfswap.bluegreen.plugins.module_utils import _records

    directory = tmp_path / "records"
    monkeypatch.setattr(_records, "DIRECTORY", str(directory))
    return directory
