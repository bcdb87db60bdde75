# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program of a load balancer, and the machine on which it runs, show of it: who listens where, and what HAProxy says at its socket."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import socket

from ansible.module_utils.common.text.converters import to_bytes, to_text

ANSWER_S = 2.0
MEBIBYTE = 1 << 20


def _addresses(host, port):
    wild = {"*": "0.0.0.0", "": "0.0.0.0"}.get(host, host)
    try:
        return socket.getaddrinfo(wild, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return []  # the program itself says so


def in_the_way(host, port):
    for family, kind, protocol, _name, address in _addresses(host, port):
        trial = socket.socket(family, kind, protocol)
        try:
            # Connections that have just ended are in nobody's way.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.bind(address)
        except (IOError, OSError) as exc:
            if exc.errno == errno.EADDRINUSE:
                return "Another program listens at"
            if exc.errno == errno.EADDRNOTAVAIL:
                return "This machine does not have the address of"
        finally:
            trial.close()
    return ""


def answers(host, port):
    here = {"*": "127.0.0.1", "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    for family, kind, protocol, _name, address in _addresses(here, port):
        trial = socket.socket(family, kind, protocol)
        trial.settimeout(ANSWER_S)
        try:
            trial.connect(address)
            return True
        except (IOError, OSError):
            pass
        finally:
            trial.close()
    return False


def ask(path, command):
    """What HAProxy answers at its socket; None where nobody answers."""
    if not path:
        return None
    asked = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asked.settimeout(ANSWER_S)
    said = b""
    try:
        asked.connect(path)
        asked.sendall(to_bytes(command + "\n"))
        while len(said) < 16 * MEBIBYTE:
            piece = asked.recv(1 << 16)
            if not piece:
                return to_text(said, errors="replace")
            said += piece
    except (IOError, OSError):
        pass
    finally:
        asked.close()
    return None
