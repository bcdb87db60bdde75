# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses and networks: from where a load balancer checks. The oldest Python of a node has no module ipaddress."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import binascii
import re
import socket

from ansible_collections.halfswap.bluegreen.plugins.module_utils._dialect import TEXTS

# So begins an IPv4 address where a socket serves both families: ::ffff:10.0.0.5.
_MAPPED = b"\0" * 10 + b"\xff\xff"
_MAPPED_BITS = 96


def plain(text):
    """The one way to write this address, or None where it is none: ::ffff:10.0.0.5 is 10.0.0.5, and both fe80::1%eth0 and [fe80::1] are fe80::1."""
    packed = _packed(_bare(text))
    return None if packed is None else _text(packed)


def problems(texts):
    """One text for each of them that is neither an address nor a network."""
    found = []
    for text in texts:
        try:
            _network(text)
        except ValueError as exc:
            found.append(str(exc))
    return found


def is_within(text, networks):
    """Whether this is an address, and one of these addresses or in one of these networks."""
    packed = _packed(_bare(text))
    if packed is None:
        return False
    return any(len(first) == len(packed) and _leading(first, bits) == _leading(packed, bits) for first, bits in map(_network, networks))


def _bare(text):
    """Without the brackets that an IPv6 address has in a URL: applications that keep the API by themselves tell it so."""
    return text[1:-1] if isinstance(text, TEXTS) and ":" in text and text.startswith("[") and text.endswith("]") else text


def _packed(text):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            packed = socket.inet_pton(family, text.split("%")[0] if family == socket.AF_INET6 else text)
        # What asks is data: it may be no text at all, or have characters that no address has.
        except (AttributeError, TypeError, ValueError, socket.error):
            continue
        return packed[len(_MAPPED) :] if packed.startswith(_MAPPED) else packed
    return None


def _text(packed):
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _leading(packed, bits):
    return int(binascii.hexlify(packed), 16) >> (8 * len(packed) - bits)


def _network(text):
    """The first address and how many of its bits count."""
    name, slash, length = text.partition("/")
    packed = _packed(name)
    if packed is None or "%" in name or (slash and not re.match(r"[0-9]{1,3}\Z", length)):
        raise ValueError("'%s' is no address, such as 10.0.0.5 or fd00::5, and no network, such as 10.0.0.0/28" % text)
    most = 8 * len(packed)
    bits = int(length) - (_MAPPED_BITS if ":" in name and len(packed) == 4 else 0) if slash else most
    if not 0 < bits <= most:
        raise ValueError("'%s' is no network: its length is from 1 to %d" % (text, most))
    rest = most - bits
    first = _text(binascii.unhexlify(("%0" + str(most // 4) + "x") % (_leading(packed, bits) << rest)))
    if first != _text(packed):
        raise ValueError("'%s' is no network: the network is %s/%d, and the address alone is %s" % (text, first, bits, _text(packed)))
    return packed, bits
