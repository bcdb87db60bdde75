# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long is waited, and for what, is tested with modules drain and out; here is what the steps ask before and after."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import socket

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _draining
from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain._drain import DrainError
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records


class Module(object):
    """Stands in for an AnsibleModule, on a node without ss."""

    def __init__(self):
        self.warnings = []
        self.warn = self.warnings.append

    def get_bin_path(self, name):
        return None


@pytest.fixture
def module():
    return Module()


@pytest.fixture
def application(heartbeat_server):
    heartbeat_server.status = {"active": 0, "total": 100}
    return heartbeat_server


SHOP = dict(name="shop", in_flight_url="http://127.0.0.1:1", in_flight_key="active", requests_key="total")


def params(*components, **changes):
    return _draining.options(dict(dict(components=[dict(SHOP, **each) for each in components or [{}]]), **changes), service=False)


# ---- options and check --------------------------------------------------------------------------------------------------------------


def test_what_is_not_said():
    (component,) = _draining.options(dict(components=[dict(name="shop", service="shop", in_flight_url="http://x")])).pop("components")
    assert component == dict(
        name="shop", service="shop", in_flight_url="http://x", in_flight_key="in_flight", requests_key=None, ports=None, long_lived_ports=None, replaces=None
    )
    found = params()
    del found["components"]
    assert found == dict(
        method="counter",
        samples=3,
        interval_s=0.1,
        seconds=None,
        timeout_s=60.0,
        longest_request_s=30.0,
        quiet_s=1.0,
        long_lived_wait_s=None,
        on_timeout="fail",
        max_wait_s=900.0,
        run_id="",
    )


def test_text_becomes_what_it_means():
    found = params(dict(ports=["8080"]), method="kernel", samples="4", timeout_s="90")
    assert (found["components"][0]["ports"], found["samples"], found["timeout_s"]) == ([8080], 4, 90.0)


@pytest.mark.parametrize(
    "given, texts",
    [
        ({}, ["missing required arguments: components"]),
        (dict(components=[dict(SHOP)]), ["missing required arguments: service"]),
        (dict(components=[dict(SHOP, service="shop", port=[1])]), ["port"]),
        (dict(components=[dict(SHOP, service="shop")], method="seconds"), ["method is seconds but all of the following are missing: seconds"]),
        # All at once.
        (dict(components=[dict(SHOP, service="shop")], method="some", samples="x", timeout=3), ["value of method must be one of", "samples", "timeout"]),
        (dict(components=[dict(SHOP, service="shop")], method="kernel"), ["component shop has no ports, which method kernel needs."]),
    ],
)
def test_what_is_wrong_with_the_options(given, texts):
    with pytest.raises(DrainError) as found:
        _draining.options(given)
    assert all(text in str(found.value) for text in texts)


def test_the_service_is_asked_for_by_the_steps_alone():
    """What one caller asks for is not what the next one, or module drain, has to give; the same view of the components serves all of them."""
    _draining.options(dict(components=[dict(SHOP, service="shop")]))
    assert params()["components"][0]["service"] is None
    assert _draining.OPTIONS["argument_spec"]["components"]["options"]["service"] == dict(type="str")


@pytest.mark.parametrize(
    "changes",
    [
        dict(samples=1, interval_s=0),
        dict(method="seconds", seconds=0),
        # It looks at nothing.
        dict(method="seconds", seconds=5, longest_request_s=90, on_timeout="wait", max_wait_s=1, long_lived_wait_s=90),
        dict(method="kernel", longest_request_s=0, quiet_s=0, long_lived_wait_s=0),
        # Only kernel asks for these, and only wait for that.
        dict(longest_request_s=90, quiet_s=90, max_wait_s=1),
        dict(on_timeout="wait", max_wait_s=60.1),
        # One of them is enough.
        dict(components=[dict(SHOP), dict(SHOP, name="cart", long_lived_ports=[8090])], long_lived_wait_s=59.9),
    ],
)
def test_what_is_let_through(changes):
    assert params(**dict(dict(components=[dict(SHOP, ports=[8080])]), **changes))


@pytest.mark.parametrize(
    "changes, text",
    [
        (dict(interval_s=-0.1), "interval_s at least 0"),
        # The sampling counts for whoever looks, and is looked at before the method.
        (dict(method="seconds", seconds=5, samples=0), "samples must be at least 1"),
        (dict(components=[dict(SHOP), dict(SHOP, name="cart", in_flight_url="")]), "component cart has no in_flight_url, which method counter needs."),
        (dict(method="kernel", longest_request_s=-1), r"longest_request_s \(-1\) must be at least 0 and below timeout_s \(60\)."),
        (dict(long_lived_wait_s=1), "method counter does not know which connections are long-lived"),
    ],
)
def test_what_is_refused(changes, text):
    with pytest.raises(DrainError, match=text):
        params(**dict(dict(components=[dict(SHOP, ports=[8080])]), **changes))


# ---- could_be_told ------------------------------------------------------------------------------------------------------------------


def test_one_look_tells_and_nobody_is_told(module, application, clock, records):
    application.status["active"] = 2
    _draining.could_be_told(module, params(dict(in_flight_url=application.url), on_timeout="proceed", run_id="r1"))
    assert (len(application.asked), clock.elapsed, module.warnings, records.exists()) == (1, 0, [], False)


@pytest.mark.parametrize("changes", [dict(requests_key="served"), dict(in_flight_key="busy")])
def test_a_key_that_is_not_there(module, application, changes):
    with pytest.raises(DrainError, match="is %s right" % list(changes)[0]):
        _draining.could_be_told(module, params(dict(in_flight_url=application.url), dict(changes, name="cart", in_flight_url=application.url)))


def test_a_counter_that_does_not_answer_now_may_later(module, clock):
    _draining.could_be_told(module, params())
    assert clock.elapsed == 0


def test_a_port_that_nobody_listens_on(module):
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    asked = params(dict(ports=[free.getsockname()[1]]), method="connections")
    with pytest.raises(DrainError, match="nothing listens on port"):
        _draining.could_be_told(module, asked)
    free.listen(1)
    _draining.could_be_told(module, asked)
    free.close()


def test_the_kernel_is_asked_through_ss(module):
    with pytest.raises(DrainError, match="this node has no ss"):
        _draining.could_be_told(module, params(dict(ports=[8080]), method="kernel"))


def test_nothing_to_look_at(module):
    _draining.could_be_told(module, params(method="seconds", seconds=5))
    _draining.could_be_told(module, dict(params(), components=[]))
    assert module.warnings == []


# ---- in_use -------------------------------------------------------------------------------------------------------------------------


def in_use(module, application, requests=100, **changes):
    return _draining.in_use(module, params(dict(dict(in_flight_url=application.url), **changes)), dict(shop=requests))


def test_nobody_uses_it(module, application, clock):
    assert in_use(module, application) == {}
    assert (len(application.asked), clock.elapsed) == (1, 0)


@pytest.mark.parametrize("left_at, expected, elapsed", [(1, {}, 1.0), (1.9, {}, 1.9), (3, {"shop": "2 in flight"}, 2.0)])
def test_what_is_in_flight_is_looked_at_for_two_seconds(module, application, clock, left_at, expected, elapsed):
    application.status["active"] = 2
    clock.at(left_at, lambda: application.status.update(active=0))
    assert in_use(module, application) == expected
    assert clock.elapsed == pytest.approx(elapsed, abs=0.11)


def test_the_last_look_counts(module, application, clock):
    application.status["active"] = 3
    clock.at(1, lambda: application.status.update(active=0, total=101))
    assert in_use(module, application) == {"shop": "requests have come since it was drained (100 then, 101 now)"}


@pytest.mark.parametrize("now", [101, 3])
def test_a_request_that_came_does_not_pass(module, application, clock, now):
    """Nor does a counter that began anew: nobody knows what that process has served."""
    application.status["total"] = now
    assert in_use(module, application) == {"shop": "requests have come since it was drained (100 then, %d now)" % now}
    assert clock.elapsed == 2


def test_where_one_of_both_counts_is_not_known(module, application):
    application.status["total"] = 101
    assert in_use(module, application, requests=None) == {}
    assert in_use(module, application, requests_key=None) == {}


def test_one_that_does_not_tell(module, application, clock):
    application.next_answers = [(500, "")]
    assert in_use(module, application) == {}
    application.next_answers = [(500, "")] * 99
    assert in_use(module, application) == {"shop": "%s answers 500" % application.url}
    application.next_answers = [(200, "no JSON")] * 99
    assert "does not answer with JSON" in in_use(module, application)["shop"]
    assert "http://127.0.0.1:1 does not answer" in _draining.in_use(module, params(), dict(shop=100))["shop"]


def test_each_for_itself(module, application, second_heartbeat_server, clock):
    second_heartbeat_server.status = {"active": 1, "total": 7}
    asked = params(dict(in_flight_url=application.url), dict(name="cart", in_flight_url=second_heartbeat_server.url))
    assert _draining.in_use(module, asked, dict(shop=100, cart=7)) == {"cart": "1 in flight"}


# ---- What stays on the node ---------------------------------------------------------------------------------------------------------


def test_what_was_not_drained_is_kept_for_the_proof(module, application, clock):
    application.status["active"] = 2
    exceptions, asked = {}, params(dict(in_flight_url=application.url), dict(name="cart", in_flight_url=application.url, in_flight_key="total"))
    result = _draining.drain(module, dict(asked, on_timeout="proceed", timeout_s=1.0, run_id="r1"), exceptions=exceptions)
    assert (result["drained"], result["proceeded"], "msg" in result) == (False, True, False)
    assert exceptions == {
        name: "on_timeout is proceed, and there was still this: %s: %d in flight" % (name, count) for name, count in (("shop", 2), ("cart", 100))
    }
    assert [(line["what"], line["by"]) for line in _records.journal(5)] == [("goes on without a whole drain", "")]
