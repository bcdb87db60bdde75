# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application: HTTP in, JSON out."""

from __future__ import annotations

import json
import os
import platform
import time

import psycopg2
from flask import Flask, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException, NotFound

from shop import release
from shop.database import Busy, Database, Unavailable
from shop.orders import Invalid, parse
from shop.traffic import Traffic

LONGEST_S = 10.0
# For trials: the release that this file names answers users with errors from then on, however good it was until then.
BAD = "/run/shop-bad"


def create(config: dict) -> Flask:
    node = config.get("node") or platform.node()
    orders = release.Orders(Database(config["database"]))
    # With a connection of its own, so that a shop that is only busy does not look ill.
    examined = release.Orders(Database(config["database"], connections=1))
    app = Flask("shop")
    traffic = app.wsgi_app = Traffic(app.wsgi_app, node, release.VERSION)

    @app.before_request
    def turned_bad():
        if request.path not in ("/health", "/status") and os.path.exists(BAD):
            with open(BAD, encoding="utf-8") as file:
                if file.read().strip() == release.VERSION:
                    return jsonify(error="this release has turned bad"), 500
        return None

    @app.get("/health")
    def health():
        try:
            examined.check()
        except (Unavailable, psycopg2.Error) as error:
            return jsonify(healthy=False, why=str(error).strip()), 503
        return jsonify(healthy=True)

    @app.get("/status")
    def status():
        return jsonify(release=release.VERSION, node=node, in_flight=traffic.in_flight, requests=traffic.requests)

    @app.get("/")
    def home():
        return jsonify(shop="orders taken at any hour", release=release.VERSION, node=node)

    @app.post("/orders")
    def add_order():
        return jsonify(orders.add(parse(request.get_json(silent=True)))), 201

    @app.get("/orders/<ref>")
    def read_order(ref: str):
        found = orders.by_ref(ref)
        if not found:
            raise NotFound(f"no order {ref}")
        return jsonify(found[0])

    @app.get("/orders")
    def list_orders():
        """One page; the next one starts after the last id of this one."""
        return jsonify(orders=orders.by_prefix(request.args.get("prefix", ""), request.args.get("after", 0, int)))

    @app.get("/slow")
    def slow():
        seconds = request.args.get("seconds", 2.0, float)
        if not 0 <= seconds <= LONGEST_S:
            raise BadRequest(f"seconds is a number from 0 to {LONGEST_S:g}")
        started = time.monotonic()
        time.sleep(seconds)
        return jsonify(orders=orders.count(), took_s=round(time.monotonic() - started, 3))

    release.add_routes(app, orders)

    @app.errorhandler(Invalid)
    def invalid(error: Invalid):
        return jsonify(error=str(error)), 400

    @app.errorhandler(Busy)
    def busy(error: Busy):
        # A load balancer answers 503, too, but not with this.
        return jsonify(error=str(error)), 503, {"X-Refused": "busy"}

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable):
        return jsonify(error=str(error)), 503

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException):
        return jsonify(error=error.description), error.code

    return app


def from_configuration() -> Flask:
    with open(os.environ.get("SHOP_CONFIG", "/etc/shop/shop.json"), encoding="utf-8") as file:
        return create(json.load(file))
