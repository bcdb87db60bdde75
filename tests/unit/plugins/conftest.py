# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A heartbeat API on a real socket, scripted by the tests of its clients; and what else they share."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import json
import subprocess
import sys
import threading
import unicodedata

import pytest

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer


def _prober(path, **runs):
    consecutive = dict(live=0, not_live=0, standby=0, not_standby=0)
    consecutive.update(runs)
    return dict(address="10.0.0.5", path=path, consecutive=consecutive, seen=50, last_seen_s=0.1, interval_s=0.5)


_MACHINES = itertools.count()


def _said(version="1.0.0", state="live", healthy=True, release="", at=1000.0, batch_id="", started_at=2000.0, served=5, rate=0.0, since_s=100.0, **changes):
    """What module node_info registers for a node with the one component shop."""
    heartbeat = dict(
        state=state,
        answer=state if healthy else "down",
        revision=7,
        by="ops@laptop",
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
        differing=[],
        active=True,
        started_at=started_at,
        heartbeat=heartbeat,
        error=None,
    )
    component.update(changes)
    return dict(changed=False, components=[component], at=at, batch_id=batch_id, machine="boot/1/%d" % next(_MACHINES))


@pytest.fixture
def said():
    return _said


# What somebody may say instead of what we asked for, as the bytes that come.
CANARIES = {
    "template": b"{{ lookup('ansible.builtin.pipe', 'touch %s') }}",
    "statement": b"{%% set _ = lookup('ansible.builtin.pipe', 'touch %s') %%}",
    "terminal": b"\x1b[2J\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xaeevil\rPLAN nothing to do",
    "html": b"<script>alert(1)</script>",
    "megabyte": b"A" * 1024 * 1024,
    "nul": b"a\x00b",
    "not utf-8": b"\xff\xfe\xc3( live",
}
CANARIES["everything"] = b" ".join(CANARIES[name] for name in ("template", "terminal", "nul", "not utf-8", "html", "statement", "megabyte"))


class Canary(object):
    """A text that is to be seen through everything which receives texts: nowhere run, nowhere raw, everywhere cut to a length."""

    def __init__(self, name, folder):
        self.ran = folder / "canary-ran"
        self.said = CANARIES[name].replace(b"%s", str(self.ran).encode("utf-8")).replace(b"%%", b"%")
        # As somebody who takes bytes for text has it, as in JSON.
        self.text = self.said.decode("utf-8", "replace")

    @classmethod
    def texts(cls, value):
        """Every text of a result, keys, too."""
        if isinstance(value, dict):
            return [text for item in list(value) + list(value.values()) for text in cls.texts(item)]
        if isinstance(value, list):
            return [text for item in value for text in cls.texts(item)]
        return [value] if isinstance(value, (type(b"".decode()), str)) else []

    def shown_in(self, output, length=20000):
        """Raises where the output, bytes or text, harms whoever reads it."""
        text = output.decode("utf-8") if isinstance(output, bytes) else output
        assert not self.ran.exists(), "a template was run"
        acting = sorted({char for char in text if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs")})
        assert not acting, "control characters: %r" % acting
        assert len(text) <= length, "%d characters, and at most %d may be" % (len(text), length)


# Each by itself with the newest Python; the old ones of nodes get all in one text, and in half the time.
@pytest.fixture(params=sorted(CANARIES) if sys.version_info >= (3, 7) else ["everything"])
def canary(request, tmp_path):
    return Canary(request.param, tmp_path)


@pytest.fixture(autouse=True)
def records(monkeypatch, tmp_path):
    """The directory of the node's records; that of the machine which runs the tests is never touched."""
    from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records

    directory = tmp_path / "records"
    monkeypatch.setattr(_records, "DIRECTORY", str(directory))
    # What a module chose before.
    monkeypatch.setattr(_records, "application", "")
    return directory


class OtherManager(object):
    """Another process, which is within an RPM transaction until end()."""

    PROGRAM = "import fcntl, sys; lock = open(sys.argv[1], 'r+'); fcntl.lockf(lock, fcntl.LOCK_EX); print('held'); sys.stdout.flush(); sys.stdin.read()"

    def __init__(self, path):
        with open(str(path), "w"):
            pass
        self._process = subprocess.Popen([sys.executable, "-c", self.PROGRAM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._process.pid
        assert self._process.stdout.readline().strip() == b"held"

    def end(self):
        self._process.communicate()


@pytest.fixture
def other_manager():
    """other_manager(path of .rpm.lock) holds it."""
    begun = []

    def begin(path):
        begun.append(OtherManager(path))
        return begun[-1]

    yield begin
    for each in begun:
        if each._process.poll() is None:
            each.end()


def make_status(**changes):
    status = dict(
        state="live",
        revision=7,
        since_s=100.0,
        by="ops@laptop",
        reason="",
        run_id="r1",
        phase="SERVING",
        healthy=True,
        why="HTTP 200",
        release="1.0.0",
        requests=dict(total=10, since_flip=5, rate_per_s=1.0),
        probers=[],
    )
    status.update(changes)
    return status


class HeartbeatServer(object):
    """Holds one status; `next_answers` are given out first, as (code, body). Each answer has these `headers`, too."""

    def __init__(self):
        self.status = make_status()
        self.asked = []
        self.next_answers = []
        self.headers = {}
        self.after_each = lambda server: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.answer(self, None)

            def do_PUT(self):
                outer.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")))

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        # Who asks may hang up before all was said, and what Python 2.7 prints about that would be among what a module prints.
        self._http.handle_error = lambda request, address: None
        self.url = "http://127.0.0.1:%d" % self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.daemon = True
        self._thread.start()

    def answer(self, handler, body):
        self.asked.append((handler.command, handler.path, body, handler.headers.get("If-Match"), handler.headers.get("Authorization")))
        if self.next_answers:
            code, said = self.next_answers.pop(0)
        else:
            code = 200
            if body is not None:
                if body["state"] != self.status["state"]:
                    self.status["probers"] = []
                self.status.update(body, revision=self.status["revision"] + 1)
            said = json.dumps(self.status)
        self.after_each(self)
        said = said.encode("utf-8")
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(said)))
        for header in self.headers.items():
            handler.send_header(*header)
        handler.end_headers()
        handler.wfile.write(said)

    @property
    def puts(self):
        return [body for method, _path, body, _match, _token in self.asked if method == "PUT"]

    def stop(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def heartbeat_server():
    server = HeartbeatServer()
    yield server
    server.stop()


@pytest.fixture
def second_heartbeat_server():
    server = HeartbeatServer()
    yield server
    server.stop()
