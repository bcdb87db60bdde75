# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils.drain import _connections

# The same seven connections to the ports 18080 (IPv6 and IPv4) and 18081 (IPv4), as three versions of ss printed them.
SS_6_1 = """\
State      Recv-Q Send-Q       Local Address:Port        Peer Address:Port Process
LISTEN     0      50               127.0.0.1:18081            0.0.0.0:*
\t bbr cwnd:10
ESTAB      4      0                127.0.0.1:18081          127.0.0.1:55134
\t bbr wscale:10,10 rto:200 rtt:0.013/0.006 ato:40 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:10 bytes_received:8 segs_out:2 segs_in:4 \
data_segs_in:2 bbr:(bw:0bps,mrtt:0.013) send 201649230769bps lastsnd:3128 lastrcv:3028 lastack:3028 pacing_rate 576283534880bps delivered:1 \
app_limited rcv_space:65483 rcv_ssthresh:65483 minrtt:0.013 snd_wnd:65536
ESTAB      0      0                127.0.0.1:18081          127.0.0.1:55132
\t bbr wscale:10,10 rto:204 rtt:0.009/0.005 ato:40 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:11 bytes_sent:6 bytes_acked:6 \
bytes_received:1 segs_out:2 segs_in:4 data_segs_out:1 data_segs_in:1 bbr:(bw:16384000000bps,mrtt:0.009,pacing_gain:2.88672,cwnd_gain:2.88672) \
send 320398222222bps lastsnd:3128 lastrcv:3132 lastack:3128 pacing_rate 832409595032bps delivery_rate 16384000000bps delivered:2 app_limited \
rcv_space:65483 rcv_ssthresh:65483 minrtt:0.009 snd_wnd:65536
ESTAB      0      3791872          127.0.0.1:18081          127.0.0.1:55150
\t bbr wscale:10,10 rto:208 backoff:3 rtt:5.899/11.763 ato:40 mss:47616 pmtu:65535 rcvmss:536 advmss:65483 cwnd:15 bytes_sent:142848 \
bytes_retrans:14848 bytes_acked:128000 bytes_received:3 segs_out:9 segs_in:7 data_segs_out:5 data_segs_in:1 send 968625191bps lastsnd:2992 \
lastrcv:3028 lastack:1432 pacing_rate 416204775192bps delivered:6 busy:3000ms rwnd_limited:3000ms(100.0%) retrans:0/1 notsent:3791872
LISTEN     0      50                       *:18080                  *:*
\t bbr cwnd:10
ESTAB      0      0       [::ffff:127.0.0.1]:18080 [::ffff:127.0.0.1]:59914
\t bbr wscale:10,10 rto:204 rtt:0.022/0.009 ato:40 mss:32768 cwnd:11 bytes_sent:6 bytes_acked:6 bytes_received:1 segs_out:2 segs_in:4 \
data_segs_out:1 data_segs_in:1 send 131072000000bps lastsnd:3136 lastrcv:3136 lastack:3136 pacing_rate 340531187816bps delivered:2 app_limited
ESTAB      0      0       [::ffff:127.0.0.1]:18080 [::ffff:127.0.0.1]:59922
\t bbr wscale:10,10 rto:200 rtt:0.013/0.006 mss:32768 cwnd:10 segs_in:2 send 201649230769bps lastsnd:3136 lastrcv:3136 lastack:3136 delivered:1
CLOSE-WAIT 0      0       [::ffff:127.0.0.1]:18080 [::ffff:127.0.0.1]:59938
\t bbr wscale:10,10 rto:200 rtt:0.022/0.011 ato:40 mss:32768 cwnd:10 bytes_received:5 segs_out:2 segs_in:4 data_segs_in:1 lastsnd:1024 \
lastrcv:1024 lastack:1024 pacing_rate 340531187816bps delivered:1 app_limited rcv_space:65483 rcv_ssthresh:65483 minrtt:0.022 snd_wnd:65536
ESTAB      0      0                    [::1]:18080              [::1]:58756
\t bbr wscale:10,10 rto:204 rtt:0.023/0.011 ato:40 mss:32768 cwnd:10 bytes_received:4 segs_out:1 segs_in:3 data_segs_in:1 lastsnd:1024 \
lastrcv:1020 lastack:1024 pacing_rate 325725462640bps delivered:1 app_limited rcv_space:65464 rcv_ssthresh:65464 minrtt:0.023 snd_wnd:65536
"""
# iproute 4.11, of RHEL 7.
SS_4_11 = """\
State      Recv-Q Send-Q Local Address:Port               Peer Address:Port
LISTEN     0      50     127.0.0.1:18081                    *:*
\t bbr cwnd:10
ESTAB      4      0      127.0.0.1:18081              127.0.0.1:55134
\t bbr wscale:10,10 rto:200 rtt:0.013/0.006 ato:40 mss:32768 rcvmss:536 advmss:65483 cwnd:10 bytes_received:8 segs_out:2 segs_in:4 \
data_segs_in:2 bbr:(bw:0bps,mrtt:0.013) send 201649.2Mbps lastsnd:3128 lastrcv:3028 lastack:3028 pacing_rate 576283.5Mbps app_limited
ESTAB      0      0      127.0.0.1:18081              127.0.0.1:55132
\t bbr wscale:10,10 rto:204 rtt:0.009/0.005 ato:40 mss:32768 rcvmss:536 advmss:65483 cwnd:11 bytes_acked:6 bytes_received:1 segs_out:2 \
segs_in:4 data_segs_out:1 data_segs_in:1 send 320398.2Mbps lastsnd:3128 lastrcv:3132 lastack:3128 pacing_rate 832409.6Mbps app_limited
ESTAB      0      3791872 127.0.0.1:18081              127.0.0.1:55150
\t bbr wscale:10,10 rto:208 backoff:3 rtt:5.899/11.763 ato:40 mss:47616 rcvmss:536 advmss:65483 cwnd:15 bytes_acked:128000 bytes_received:3 \
segs_out:9 segs_in:7 data_segs_out:5 data_segs_in:1 send 968.6Mbps lastsnd:2992 lastrcv:3028 lastack:1432 retrans:0/1 notsent:3791872
LISTEN     0      50          :::18080                   :::*
\t bbr cwnd:10
ESTAB      0      0         ::ffff:127.0.0.1:18080                 ::ffff:127.0.0.1:59914
\t bbr wscale:10,10 rto:204 rtt:0.022/0.009 ato:40 mss:32768 cwnd:11 bytes_acked:6 bytes_received:1 segs_out:2 segs_in:4 data_segs_out:1 \
data_segs_in:1 send 131072.0Mbps lastsnd:3136 lastrcv:3136 lastack:3136 pacing_rate 340531.2Mbps app_limited rcv_space:65483 minrtt:0.022
ESTAB      0      0         ::ffff:127.0.0.1:18080                 ::ffff:127.0.0.1:59922
\t bbr wscale:10,10 rto:200 rtt:0.013/0.006 mss:32768 cwnd:10 segs_in:2 send 201649.2Mbps lastsnd:3136 lastrcv:3136 lastack:3136
CLOSE-WAIT 0      0         ::ffff:127.0.0.1:18080                 ::ffff:127.0.0.1:59938
\t bbr wscale:10,10 rto:200 rtt:0.022/0.011 ato:40 mss:32768 cwnd:10 bytes_received:5 segs_out:2 segs_in:4 data_segs_in:1 lastsnd:1024 \
lastrcv:1024 lastack:1024 pacing_rate 340531.2Mbps app_limited rcv_space:65483 minrtt:0.022
ESTAB      0      0          ::1:18080                  ::1:58756
\t bbr wscale:10,10 rto:204 rtt:0.023/0.011 ato:40 mss:32768 cwnd:10 bytes_received:4 segs_out:1 segs_in:3 data_segs_in:1 lastsnd:1024 \
lastrcv:1020 lastack:1024 pacing_rate 325725.5Mbps app_limited rcv_space:65464 minrtt:0.023
"""
# iproute 3.10, of the first RHEL 7, which does not tell when data passed, nor how much.
SS_3_10 = """\
State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port
LISTEN     0      50                127.0.0.1:18081                    *:*
\t bbr cwnd:10 ssthresh:0
ESTAB      4      0                 127.0.0.1:18081            127.0.0.1:55134
\t bbr wscale:10,10 rto:200 rtt:0.013/0.006 ato:40 mss:32768 cwnd:10 send 201649.2Mbps rcv_space:65483
ESTAB      0      0                 127.0.0.1:18081            127.0.0.1:55132
\t bbr wscale:10,10 rto:204 rtt:0.009/0.005 ato:40 mss:32768 cwnd:11 send 320398.2Mbps rcv_space:65483
"""

UNREAD = "the application has not read everything"
UNSENT = "the other side has not taken everything"
UNANSWERED = "a request without an answer"
IN_LAST = "data came in last"
TIE = "data came in and went out at the same moment"


def by_peer(text, longest_request_s=30.0, quiet_s=1.0):
    listening, connections = _connections.parse(text)
    for each in connections:
        each.judge(longest_request_s, quiet_s)
    return listening, {each.peer: each for each in connections}


@pytest.mark.parametrize("text", [SS_6_1, SS_4_11], ids=["6.1", "4.11"])
def test_recorded_output(text):
    listening, found = by_peer(text)
    assert listening == {18080, 18081}
    assert {peer: (each.port, each.received, each.sent, each.idle_s) for peer, each in found.items()} == {
        "127.0.0.1:55134": (18081, 8, 0, 3.028),
        "127.0.0.1:55132": (18081, 1, 6, 3.128),
        "127.0.0.1:55150": (18081, 3, 142848 if text == SS_6_1 else 128000, 2.992),
        "127.0.0.1:59914": (18080, 1, 6, 3.136),
        "127.0.0.1:59922": (18080, 0, 0, 3.136),
        "127.0.0.1:59938": (18080, 5, 0, 1.024),
        "[::1]:58756": (18080, 4, 0, 1.02),
    }
    assert {peer: each.why for peer, each in found.items()} == {
        "127.0.0.1:55134": UNREAD,
        "127.0.0.1:55132": None,
        "127.0.0.1:55150": UNSENT,
        "127.0.0.1:59914": TIE,
        "127.0.0.1:59922": TIE,
        # Its sender has closed his direction, and waits.
        "127.0.0.1:59938": UNANSWERED,
        "[::1]:58756": UNANSWERED,
    }


def test_an_ss_that_does_not_tell():
    listening, found = by_peer(SS_3_10)
    assert listening == {18081}
    assert found["127.0.0.1:55134"].why == UNREAD
    silent = found["127.0.0.1:55132"]
    assert "iproute is too old" in silent.why
    assert (silent.idle_s, silent.received, silent.sent) == (None, None, None)
    assert silent.result() == dict(
        peer="127.0.0.1:55132", port=18081, open_s=0.0, idle_s=None, received_bytes=None, sent_bytes=None, in_use=True, why=silent.why
    )


@pytest.mark.parametrize(
    "text",
    [
        "0      0      [::ffff:127.0.0.1]:18080 [::ffff:127.0.0.1]:34592\n\t cubic lastsnd:512 lastrcv:2000 lastack:512 segs_in:4\n",
        "0 0 127.0.0.1:18080 127.0.0.1:34592 cubic lastsnd:512 lastrcv:2000 lastack:512 segs_in:4\n",
        "tcp   ESTAB 0      0      127.0.0.1%lo:18080   127.0.0.1:34592\n\t cubic lastsnd:512 lastrcv:2000 lastack:512 segs_in:4\n",
        'Netid State Recv-Q Send-Q Local Address:Port\n\nESTAB 0 0 127.0.0.1:18080 127.0.0.1:34592 users:(("x"))\n\t lastsnd:512 lastrcv:2000 segs_in:4',
    ],
    ids=["no state", "one line", "protocol", "process"],
)
def test_other_ways_to_print_it(text):
    listening, found = by_peer(text, quiet_s=0)
    assert listening == set()
    assert list(found) == ["127.0.0.1:34592"]
    assert (found["127.0.0.1:34592"].port, found["127.0.0.1:34592"].idle_s, found["127.0.0.1:34592"].why) == (18080, 0.512, None)


def test_nothing():
    assert _connections.parse("") == (set(), [])
    assert _connections.parse("Recv-Q Send-Q Local Address:Port Peer Address:Port\n") == (set(), [])


@pytest.mark.parametrize("line", ["Cannot open netlink socket", "ESTAB 0 0 127.0.0.1:http 127.0.0.1:34592", "ESTAB 0 0 127.0.0.1:80", "ESTAB 0 many a:1 b:2"])
def test_never_leaves_out_what_it_does_not_understand(line):
    with pytest.raises(_connections.NotUnderstood) as error:
        _connections.parse(SS_6_1 + line + "\n")
    assert str(error.value) == line


def connection(numbers, unread=0, unsent=0):
    found = _connections.Connection(unread, unsent, "192.0.2.1:8080", "192.0.2.5:4711")
    found.told(numbers)
    return found


@pytest.mark.parametrize(
    "numbers, why",
    [
        # The application answered last, a while ago.
        ("bytes_sent:6 bytes_received:1 segs_in:4 lastsnd:1000 lastrcv:1004 lastack:1000", None),
        ("bytes_acked:6 bytes_received:1 segs_in:4 lastsnd:1000 lastrcv:1004 lastack:1000", None),
        # The same on a kernel that does not count.
        ("lastsnd:1000 lastrcv:1004 lastack:1000", None),
        ("lastsnd:1000 lastrcv:996 lastack:996", IN_LAST),
        # Just answered.
        ("bytes_sent:6 bytes_received:1 segs_in:4 lastsnd:999 lastrcv:1004 lastack:996", "data passed less than 1 s ago"),
        ("bytes_sent:6 bytes_received:1 segs_in:4 lastrcv:1004", "data passed less than 1 s ago"),
        # The next request, on a connection that was used before.
        ("bytes_sent:6 bytes_received:2 segs_in:6 lastsnd:5000 lastrcv:4996 lastack:4996", IN_LAST),
        ("bytes_sent:6 bytes_received:2 segs_in:6 lastsnd:5000", IN_LAST),
        # A request whose answer was never begun, however long ago, and whatever the clock says.
        ("bytes_received:5 segs_in:3 lastsnd:90000 lastrcv:90000 lastack:90000", UNANSWERED),
        ("bytes_received:5 segs_in:3 lastsnd:80000 lastrcv:90000 lastack:90000", UNANSWERED),
        # Ambiguous until the longest request is over.
        ("bytes_sent:6 bytes_received:1 segs_in:4 lastsnd:29999 lastrcv:29999 lastack:29999", TIE),
        ("bytes_sent:6 bytes_received:1 segs_in:4 lastsnd:30000 lastrcv:30000 lastack:30000", None),
        # Opened in advance, and never used.
        ("segs_in:2 lastsnd:29999 lastrcv:29999 lastack:29999", TIE),
        ("segs_in:2 lastsnd:30000 lastrcv:30000 lastack:30000", None),
    ],
)
def test_who_is_in_use(numbers, why):
    found = connection(numbers)
    found.judge(30.0, 1.0)
    assert found.why == why


def test_this_very_moment_is_in_use():
    found = connection("bytes_sent:6 bytes_received:1 segs_in:4")
    found.judge(30.0, 0.0)
    assert found.why


def test_what_is_under_way_is_in_use():
    idle = "bytes_sent:6 bytes_received:1 segs_in:4 lastsnd:90000 lastrcv:90004 lastack:90000"
    for queues, why in (((1, 0), UNREAD), ((0, 1), UNSENT), ((0, 0), None)):
        found = connection(idle, *queues)
        found.judge(30.0, 1.0)
        assert found.why == why


def follow(*steps):
    """The same connection, looked at each second."""
    former = None
    for numbers in steps:
        found = connection(numbers)
        found.judge(30.0, 1.0)
        found.follows(former, 1.0)
        former = found
    return found


def test_for_how_long_it_is_open_and_in_use():
    busy, idle = "segs_in:4 lastsnd:500 lastrcv:504 lastack:500", "segs_in:4 lastsnd:2000 lastrcv:2004 lastack:2000"
    assert [(found.seen_s, found.open_s, found.in_use_s) for found in (follow(idle), follow(idle, idle), follow(idle, idle, idle, idle))] == [
        (0.0, 2.0, 0.0),
        (1.0, 2.0, 0.0),
        (3.0, 3.0, 0.0),
    ]
    assert follow(busy, busy, busy).in_use_s == 2.0
    # A pause makes what follows another use.
    assert follow(busy, busy, idle, busy, busy).in_use_s == 1.0
    # A request tells by itself since when it waits.
    assert follow("segs_in:4 lastsnd:90000 lastrcv:60000 lastack:60000").in_use_s == 60.0


def test_asks_for_listening_and_half_closed_sockets_too_and_needs_no_new_ss():
    arguments = _connections.arguments([8080, 8081])
    assert arguments[-1] == "( sport = :8080 or sport = :8081 )"
    assert "-H" not in arguments
    assert [each for each in arguments if each in ("listening", "established", "close-wait")] == ["listening", "established", "close-wait"]
