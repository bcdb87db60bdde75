# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process, so that its counters are the node's; a thread for each request in flight."""

chdir = "/usr/share/shop"
wsgi_app = "shop.application:from_configuration()"
bind = "0.0.0.0:8080"
workers = 1
worker_class = "gthread"
threads = 32
# Longer than any load balancer keeps an idle connection, so that it is never closed under a request on its way.
keepalive = 75
# The longest request takes 10 s; TimeoutStopSec in shop.service is longer.
graceful_timeout = 30
worker_tmp_dir = "/dev/shm"
