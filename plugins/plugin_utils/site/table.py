# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table: all that an operator can say of a site. README's tables are made from it, in this order.

Where a number comes from is said at the module that uses it.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._heartbeats import PROFILES, WAYS
from ansible_collections.halfswap.bluegreen.plugins.module_utils.heartbeat._settle import DEFAULT_FALL, DEFAULT_RISE
from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm import _rpm_build
from ansible_collections.halfswap.bluegreen.plugins.module_utils.sanity import _compare, _sanity
from ansible_collections.halfswap.bluegreen.plugins.module_utils.traffic import _traffic

from . import rules
from .key import Key, keys_of

# Playbooks that are the playbook deploy with another target read what it reads.
DEPLOY = ("deploy",)
PLAYBOOKS = ("setup", "package", "deploy", "adopt", "status", "doctor", "history", "migrate", "unlock", "verify_lb")
ALL_NODES = ("deploy", "verify_lb")
# Those that look, before a deployment needs it, at what it would be refused for.
EXAMINED = ("deploy", "doctor", "setup")
# Of the port of the heartbeat: where it is written, unless the description says otherwise.
CONTROL_PORT = 1
PORT: dict[str, Any] = dict(minimum=1, maximum=65535)

REPOSITORY = (
    Key("name", "str", "name of the repository on the nodes", default="halfswap"),
    Key("url", "str", "where the nodes reach it", required=True, reads=("setup", "doctor")),
    Key("gpgcheck", "bool", "whether packages must be signed", default=False, reads=("setup", "doctor")),
    Key("proxy", "str", "URL of the proxy through which the nodes reach it; empty: none", default="", reads=("setup", "doctor")),
)

HEARTBEAT = (
    Key("port", "int", "port that load balancers check", required=True, **PORT),
    Key(
        "control_port",
        "int",
        "port on 127.0.0.1 where the heartbeat is written",
        default_text="`heartbeat.port` + 1",
        **PORT,
    ),
    Key("address", "str", "address that the agent listens on for the load balancers", default_text="`0.0.0.0`"),
    Key(
        "url",
        "str",
        "instead of `control_port`, where the application answers the [heartbeat API](docs/heartbeat-api.md) by itself",
        rule=rules.http_url,
    ),
    Key(
        "profile",
        "str",
        "for an application with a [heartbeat of another kind](docs/heartbeats.md), which has the other keys; no agent is installed. `port` stays",
        default="api",
        choices=("api", *sorted(set(PROFILES) - {"api"})),
    ),
    Key(
        "via",
        "str",
        "[who reaches it](docs/heartbeats.md#ways-to-reach-it-heartbeatvia): the node itself, or the controller over the network or through SSH",
        default="node",
        choices=WAYS,
    ),
    # The keys of the profiles, which docs/heartbeats.md has; rules.py knows which belongs to which.
    *(Key(name, "any", "", documented=False, secret=True) for name in dict.fromkeys(name for keys in PROFILES.values() for name in keys)),
)

COMMAND = (
    Key("name", "str", "", required=True, documented=False),
    Key("argv", "list", "", required=True, documented=False),
    Key("env", "dict", "", secret=True, documented=False),
    Key("chdir", "str", "", documented=False),
    Key("timeout_s", "int", "", unit="s", minimum=1, documented=False),
)

# What the module leaves to the play: through which load balancer, and where the log lies.
COMPARE = (
    *keys_of(_compare.OPTIONS),
    Key("live_url", "str", "", rule=rules.http_url, documented=False),
    Key("log_host", "str", "", documented=False),
    Key("log_become", "bool", "", documented=False),
)

COMPONENT = (
    Key("name", "str", "name of the component", required=True, rule=rules.component_name),
    Key("package", "str", "name of its RPM, without a version; no other component has it", default_text="`name`", rule=rules.package_name),
    Key(
        "service",
        "str",
        "its systemd unit, a service. [Sockets, old scripts, instances](docs/services.md)",
        default_text="`name`",
        rule=rules.service_name,
    ),
    Key(
        "replaces",
        "str",
        "the systemd unit in which it serves until its first deployment, where that came without this package: unpacked, from another RPM, in a container. "
        "[`adopt`](docs/adopt.md) records it as unknown; the first deployment stops and disables it once nobody uses it, and its way back starts it again",
        default_text="none",
        rule=rules.service_name,
    ),
    Key(
        "may_differ",
        "list",
        "paths of files of the package that the application itself changes, `*` for any characters; all others have to be those of the package. "
        "Configuration, documentation and ghosts of the package are never compared",
        elements="str",
        default_text="`[]`",
    ),
    Key("port", "int", "port of the application on the nodes", required=True, **PORT),
    Key("heartbeat", "dict", "", required=True, keys=HEARTBEAT),
    Key(
        "long_lived_ports",
        "list",
        "further ports of the application on which every connection is long-lived (websockets), see [docs/drain.md](docs/drain.md)",
        elements="int",
    ),
    Key(
        "health_url",
        "str",
        "plain HTTP, as the node reaches it; 200 to 299 is healthy. Required but with `heartbeat.url`",
        rule=rules.http_url,
    ),
    Key("health_interval_s", "float", "how often the agent checks it", unit="s", default_text="`0.5`", minimum=0, above=True),
    Key("health_timeout_s", "float", "for how long it waits for an answer", unit="s", default_text="`1`", minimum=0, above=True),
    Key("health_fall", "int", "bad checks in a row that make a healthy component down", unit="checks", default_text="`2`", minimum=1),
    Key(
        "status_url",
        "str",
        "JSON about the running process, as the node reaches it. Without it the release is judged by the RPM alone, and drain needs another method, "
        "for instance `kernel`",
        rule=rules.http_url,
    ),
    Key(
        "release_key",
        "str",
        "key of the release that runs; dots lead into inner objects, or belong to a key. One that is given must exist",
        default_text="`release`",
    ),
    Key("in_flight_key", "str", "key of the number of requests in flight, without this one; needed for drain method `counter`"),
    Key(
        "requests_key",
        "str",
        "key of the number of requests since the start, without this one and health checks. With it, `deploy` sees that a node really gets live traffic. "
        'One that is given must be there, with a whole number (`7`, `7.0` or `"7"`); a node that tells none is not trusted',
        default_text="`requests`, which may be missing (agent), none (drain)",
    ),
    Key(
        "release_header",
        "str",
        "header of the application's answers that gives its release; with it, the sanity test compares it in every answer",
    ),
    Key(
        "capacity_per_s",
        "float",
        "what one node can serve, as you measured it. With it (and `requests_key`) a batch does not leave while the others could not carry the load, "
        "nor while the load is not known",
        unit="requests/s",
        minimum=0,
        above=True,
    ),
    Key("load_balancer_port", "int", "port of the component on the load balancers", default_text="`port`", **PORT),
    Key("standby_url", "str", "where the sanity test reaches this component", default_text="`url` of the standby load balancer", rule=rules.http_url),
    Key(
        "sanity",
        "list",
        "checks through the standby load balancer, or of each node by itself, as `sanity_checks` of [role sanity](roles/sanity/README.md)",
        default_text="one `GET /`",
        elements="dict",
        keys=keys_of(_sanity.CHECK, headers=True, body=True),
    ),
    Key(
        "node_url",
        "str",
        "where a node reaches its own application, for checks with `through: node`",
        default_text="`http://127.0.0.1:` and `port`",
        rule=rules.http_url,
    ),
    Key(
        "sanity_commands",
        "list",
        "commands of your own that test, such as pytest or newman, as `sanity_commands` of that role",
        elements="dict",
        keys=COMMAND,
    ),
    Key(
        "compare",
        "dict",
        "read requests of users whose answers have to be the same as through the live load balancer, as `sanity_compare` of that role; `live_url` is the "
        "`url` of the live load balancer unless it says otherwise. Not compared on the way back, nor while no node serves",
        keys=COMPARE,
    ),
    Key(
        "build",
        "dict",
        "how `package` builds the RPM: options of `halfswap.bluegreen.rpm_build` but `name`, `version` and `dest`",
        reads=("package",),
        keys=tuple(key for key in keys_of(_rpm_build.OPTIONS) if key.name not in ("name", "version", "dest")),
    ),
)

LOAD_BALANCER = (
    Key("name", "str", "its name, for messages and files", required=True, rule=rules.file_name),
    Key("follows", "str", "where it sends traffic", required=True, choices=("live", "standby")),
    Key(
        "kind",
        "str",
        "[what it is](docs/load-balancers.md), for `setup`",
        default="haproxy",
        choices=("haproxy", "apache", "varnish", "caddy", "nginx", "keepalived", "f5", "citrix"),
    ),
    Key("address", "str", "the address that it listens at, for `setup`; needed for `keepalived`, `f5` and `citrix`", default_text="`*`"),
    Key(
        "mirror_to",
        "str",
        "the standby load balancer (host, or host:port), which gets a [copy of every read](docs/load-balancers.md#warm-caches); for a live `nginx`, "
        "for `setup`",
    ),
    Key(
        "path",
        "str",
        "the URL path that it checks, with the query string; each has one of its own, `/heartbeat/live?lb=2` for a second live one",
        default_text="`/heartbeat/` and `follows`",
        rule=rules.url_path,
    ),
    Key(
        "addresses",
        "list",
        "the addresses and networks from which it checks: `[10.0.0.5, 10.0.1.0/28]`. Whoever else asks is a stranger, and proves nothing. `setup` and "
        "`verify_lb` print them, to be confirmed. Needed by all that moves traffic; not where a [heartbeat of another kind](docs/heartbeats.md) does not "
        "tell who asks",
        default_text="none",
        rule=rules.addresses,
    ),
    Key(
        "fall",
        "int",
        "failed checks in a row after which it takes a node out. Where the requests are seen to end after another number there is a warning",
        unit="checks",
        default=DEFAULT_FALL,
        minimum=1,
    ),
    Key("rise", "int", "good checks in a row after which it takes a node in. There is a warning, too", unit="checks", default=DEFAULT_RISE, minimum=1),
    Key(
        "interval_s",
        "float",
        "from one check to the next one. Where it is seen to differ by more than a quarter there is a warning. Needed where a "
        "[heartbeat of another kind](docs/heartbeats.md) does not tell who asks",
        unit="s",
        default_text="none; `setup` configures 0.5",
        minimum=0,
        above=True,
    ),
    Key("probers", "int", "how many addresses check each node; `2` for a pair of which both check", unit="addresses", default=1, minimum=1),
    Key(
        "hold_s",
        "float",
        "for how long it holds requests while no node is live; `0`: it answers with an error at once. Needed, with a `rise` of at least `fall` + 2, for "
        "`bluegreen_exclusive`",
        unit="s",
        default_text="`0`; `setup` configures 8 for a live HAProxy",
        minimum=0,
    ),
    Key(
        "url",
        "str",
        "its address for users; needed for the standby one, where the sanity test goes, and for each one by `verify_lb`",
        rule=rules.http_url,
    ),
    Key(
        "hosts",
        "list",
        "the hosts of the inventory group `load_balancers` that `setup` may configure; without it the configuration is only rendered",
    ),
    Key("service", "str", "its systemd unit on `hosts`, for `bluegreen_verify_restart`", default_text="by `kind`"),
)

MIGRATION = (
    Key("name", "str", "", required=True, documented=False),
    Key("kind", "str", "", required=True, choices=("alembic", "command"), documented=False),
    Key("chdir", "str", "", documented=False),
    Key("config", "str", "", documented=False),
    Key("revision", "str", "", documented=False),
    Key("argv", "list", "", documented=False),
    Key("current", "list", "", documented=False),
    Key("backward_compatible", "bool", "", documented=False),
    Key("environment", "dict", "", secret=True, documented=False),
)

WINDOW = (
    Key("days", "list", "", documented=False, choices=()),
    Key("from", "any", "", required=True, documented=False),
    Key("until", "any", "", required=True, documented=False),
)

OVERRIDE = (
    Key("reason", "str", "why, in words for whoever reads the history", required=True, documented=False),
    Key("refusals", "list", "names of docs/refusals.md that may be passed", required=True, rule=rules.passable, documented=False),
)

WINDOWS = (
    Key("timezone", "str", "", required=True, documented=False),
    Key("allowed", "list", "", elements="dict", keys=WINDOW, documented=False),
    Key("blocked", "list", "", elements="dict", keys=WINDOW, documented=False),
)

# What is no variable any more, and what to do instead.
GONE = {"ignore_probers": "whoever is no load balancer is not waited for any more: delete it, and give each of bluegreen_load_balancers its addresses."}

VARIABLES = (
    Key("components", "list", "the components of the application, see below", required=True, elements="dict", keys=COMPONENT, rule=rules.components),
    Key(
        "load_balancers",
        "list",
        "the load balancers as they were configured by hand, see below",
        required=True,
        elements="dict",
        keys=LOAD_BALANCER,
        fill=True,
        rule=rules.load_balancers,
        reads=("setup", "status", "doctor", *ALL_NODES),
    ),
    Key(
        "token",
        "str",
        "bearer token for writing heartbeats; the same on all nodes",
        required=True,
        secret=True,
        reads=("setup", "adopt", "doctor", *ALL_NODES),
        rule=rules.token,
    ),
    Key(
        "former_token",
        "str",
        "the token of before, while it is changed: until `setup` runs without it, agents take both",
        secret=True,
        reads=("setup",),
        rule=rules.token,
    ),
    Key(
        "release",
        "any",
        "version for all components, or one for each: `{shop: 2.0.0, basket: 1.4.0}`, in quotes where it looks like a number; `deploy`, `package`, `migrate`",
        required=True,
        reads=("deploy", "package", "migrate"),
    ),
    Key(
        "repository",
        "dict",
        "`name` (`halfswap`); `url` as the nodes reach it, `http://<host>:8008/` where `setup` serves it; `gpgcheck` (boolean, `false`): whether packages must "
        "be signed; `proxy` (string, none): the proxy through which the nodes reach it, in place of that of dnf.conf; for `setup`, `package`, `doctor`",
        required=True,
        keys=REPOSITORY,
        fill=True,
        reads=("setup", "package", "doctor"),
    ),
    Key(
        "address",
        "str",
        "of a node: its address as the load balancers reach it; `setup`, `doctor`",
        default_text="`ansible_host`",
        reads=("setup", "doctor"),
        per_node=True,
    ),
    Key(
        "dist",
        "str",
        "path where packages and load balancer configurations are put, what was measured of load balancers, and the ways through the firewall; `setup`, "
        "`package`, `verify_lb`, `doctor`",
        default_text="`dist` in the working directory",
        reads=("setup", "package", "verify_lb", "doctor"),
    ),
    Key("strategy", "str", "see [above](#other-ways-forward)", default="halves", choices=("halves", "cutover", "rolling"), reads=DEPLOY),
    Key(
        "batch_size",
        "count",
        "for `rolling`: how many nodes at a time, or `25%` of them, never more than `bluegreen_max_unavailable`",
        unit="nodes",
        default="1",
        minimum=1,
        reads=DEPLOY,
    ),
    Key("exclusive", "bool", "for `cutover`: both halves switch at the same moment", default=False, reads=DEPLOY),
    Key(
        "confirm_after",
        "float",
        "for `cutover`: how long the new half is observed before the other one follows; without it `confirm` is waited for",
        unit="s",
        minimum=0,
        reads=DEPLOY,
    ),
    Key("observe_s", "float", "how long a batch is watched once it serves", unit="s", default_text="`10` for `rolling`, else `0`", minimum=0, reads=DEPLOY),
    Key(
        "observe",
        "dict",
        "how its traffic is watched meanwhile, and how good it has to be; see [docs/observe.md](docs/observe.md)",
        keys=keys_of(_traffic.POLICY),
        reads=DEPLOY,
    ),
    Key(
        "on_failure",
        "str",
        "what becomes of a release that fails: back to what served before, after an anomaly with every batch that this run brought in (`rollback_batch`: "
        "with the last one alone), or left in standby to be looked at",
        default="rollback",
        choices=("rollback", "rollback_batch", "hold"),
        reads=DEPLOY,
    ),
    Key("plan_hash", "str", "the plan that was approved; any other one is refused", reads=DEPLOY),
    Key("windows", "dict", "when `deploy` and `confirm` may run, see below", keys=WINDOWS, rule=rules.windows, reads=DEPLOY),
    Key("way_back", "bool", "whether a node is refused for which the packages to go back to cannot be had", default=True, reads=EXAMINED),
    Key(
        "schema_restored",
        "bool",
        "that what migrations left was brought back by hand, so that earlier releases can be used again",
        default=False,
        reads=DEPLOY,
    ),
    Key("migrate", "bool", "whether `deploy` runs the migrations at its end", default=False, reads=DEPLOY),
    Key(
        "migrations",
        "list",
        "the migrations, as `migrate_migrations` of [role migrate](roles/migrate/README.md); needed only to migrate",
        required=True,
        elements="dict",
        keys=MIGRATION,
        reads=("migrate",),
    ),
    Key(
        "min_live",
        "int",
        "how many nodes of each component must serve while a batch is out; `0`: all nodes outside the batch that have it, and at least one",
        unit="nodes",
        default=0,
        minimum=0,
        reads=("setup", *ALL_NODES),
    ),
    Key(
        "max_unavailable",
        "count",
        "how many nodes, or `50%` of them, may be out at once, dead ones included; `0` sets no limit",
        unit="nodes",
        default="0",
        minimum=0,
        reads=("setup", *ALL_NODES),
    ),
    Key(
        "without",
        "list",
        "nodes known to be dead, which are left out; with `-e`",
        default=(),
        reads=("setup", "deploy", "adopt", "migrate", "verify_lb", "doctor"),
    ),
    Key(
        "node_count",
        "int",
        "how many nodes the application has; `0`: as many as there are. Required under AWX",
        unit="nodes",
        default=0,
        minimum=0,
        reads=DEPLOY,
    ),
    Key(
        "clock_skew_s",
        "float",
        "how far the clock of a node may be from that of the controller",
        unit="s",
        default=5.0,
        minimum=0,
        above=True,
        reads=EXAMINED,
    ),
    Key(
        "override",
        "dict",
        "which refusals this run passes, and why: `reason` and `refusals`, see [above](#break-glass); with `-e` alone",
        default={},
        default_text="none",
        keys=OVERRIDE,
        of_run=True,
        reads=DEPLOY,
    ),
    Key("take_over", "str", "run id of the holder whose lock may be taken over", reads=("setup", "deploy", "adopt", "migrate", "verify_lb")),
    Key("run_id", "str", "for `unlock`: the run whose lock is released", reads=("unlock",)),
    Key("history_count", "int", "for `history`: how many runs are shown", unit="runs", default=10, minimum=1, reads=("history",)),
    Key(
        "settle_timeout_s",
        "int",
        "longest wait until the live load balancers have noticed, each way",
        unit="s",
        default=60,
        minimum=1,
        reads=ALL_NODES,
    ),
    Key(
        "drain_method",
        "str",
        "`counter`: the application's count of requests in flight; `kernel`: what the kernel tells of each connection; `connections`: established "
        "connections; `seconds`: a fixed pause, which is a guess. Which one for which site: [docs/drain.md](docs/drain.md)",
        default="counter",
        choices=("counter", "kernel", "connections", "seconds"),
        reads=EXAMINED,
    ),
    Key("drain_seconds", "int", "the pause of method `seconds`", unit="s", default=30, minimum=1, reads=EXAMINED),
    Key(
        "drain_timeout_s",
        "int",
        "longest wait for requests in flight; it must be above the longest request",
        unit="s",
        default=60,
        minimum=1,
        reads=EXAMINED,
    ),
    Key(
        "drain_longest_request_s",
        "float",
        "for `kernel`: the longest request that is expected. So long a doubtful connection counts as in use; one in use for longer is long-lived",
        unit="s",
        default=30.0,
        minimum=0,
        above=True,
        reads=EXAMINED,
    ),
    Key("drain_quiet_s", "float", "for `kernel`: above the longest pause within an answer", unit="s", default=1.0, minimum=0, above=True, reads=EXAMINED),
    Key(
        "drain_long_lived_wait_s",
        "float",
        "how long websockets and the like are waited for before they are cut; `0`: not at all; without it they count like requests",
        unit="s",
        minimum=0,
        reads=EXAMINED,
    ),
    Key(
        "drain_on_timeout",
        "str",
        "what becomes of what is still in flight then: nothing is stopped, it is waited for longer, or it is cut",
        default="fail",
        choices=("fail", "wait", "proceed"),
        reads=EXAMINED,
    ),
    Key("drain_max_wait_s", "float", "for `wait`: when that gives up, from the beginning of the drain", unit="s", default=900.0, minimum=1, reads=EXAMINED),
    Key("health_timeout_s", "int", "longest wait until a component is healthy after its start", unit="s", default=60, minimum=1, reads=DEPLOY),
    Key("sanity_timeout_s", "int", "longest time for the sanity test", unit="s", default=60, minimum=1, reads=DEPLOY),
    Key(
        "sanity_from",
        "str",
        "the host that sends the sanity test and watches the traffic, and sends the requests of `verify_lb` and `doctor`",
        default="localhost",
        reads=("doctor", *ALL_NODES),
    ),
    Key(
        "verify_nodes",
        "any",
        "for `verify_lb`: the list of nodes that go out and in, one at a time, or `all`",
        default_text="the first one of each stack",
        rule=rules.verify_nodes,
        reads=("verify_lb",),
    ),
    Key("verify_flips", "int", "for `verify_lb`: how often each does", default=2, minimum=1, reads=("verify_lb",)),
    Key(
        "verify_rate_per_s",
        "float",
        "for `verify_lb`: how many requests are sent through each load balancer meanwhile",
        unit="requests/s",
        default=50.0,
        minimum=0,
        above=True,
        reads=("verify_lb",),
    ),
    Key(
        "verify_restart",
        "bool",
        "whether the load balancers with `hosts` are restarted, to see what they do before their first check; their users notice",
        default=False,
        reads=("verify_lb",),
    ),
    Key(
        "verify_restart_watch_s",
        "int",
        "for how long, at most, each other one is watched while somebody restarts it by hand",
        unit="s",
        default=0,
        minimum=0,
        reads=("verify_lb",),
    ),
    Key(
        "application",
        "str",
        "the name of the application that this run is about: its nodes are in the groups of that name, its records on a node in a directory of that name. "
        "Needed where the inventory or a node has more than one, see below",
        rule=rules.component_name,
    ),
    Key(
        "applications",
        "dict",
        "the variables of each application under its name, without `bluegreen_`, see below",
        rule=rules.applications,
        secret=True,
    ),
)
