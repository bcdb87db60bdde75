# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a package manager reaches without the proxy of the environment: this node itself, and repositories whose file says that no proxy leads there.

dnf and yum leave it to their library for HTTP, which follows the environment even where a repository has `proxy=_none_`.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import re

from ansible.module_utils.common.text.converters import to_native

try:
    from urllib.parse import urlsplit
except ImportError:  # Python 2.7
    from urlparse import urlsplit

# By itself: Python 2.7 may have a newer one beside its own.
try:
    from configparser import Error as ConfigurationError
    from configparser import RawConfigParser
except ImportError:  # Python 2.7
    from ConfigParser import Error as ConfigurationError
    from ConfigParser import RawConfigParser

REPOSITORIES = "/etc/yum.repos.d/*.repo"
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
ITSELF = ("localhost", "127.0.0.1", "::1")
# An empty value is a newer word for it.
NONE = ("", "_none_")


def environment(given):
    """The variables in which a manager's environment has to differ from this one; none where no proxy is named."""
    if not any(given.get(name) for each in PROXIES for name in (each, each.upper())):
        return {}
    # The library reads the first one that is there.
    spared = [part.strip() for part in (given.get("no_proxy") or given.get("NO_PROXY") or "").split(",") if part.strip()]
    if "*" in spared:
        return {}
    spared += [host for host in list(ITSELF) + without_proxy() if host not in spared]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), to_native(",".join(spared)))


def without_proxy():
    """The hosts of the repositories of which their files say so."""
    found = []
    for path in sorted(glob.glob(REPOSITORIES)):
        try:
            options = options_of(path)
        except (ConfigurationError, EnvironmentError):
            # The manager itself says what is wrong there.
            continue
        for section in options.sections():
            if options.has_option(section, "proxy") and (options.get(section, "proxy") or "").strip().lower() in NONE:
                urls = options.get(section, "baseurl") if options.has_option(section, "baseurl") else ""
                found += [host for host in map(_host, re.split(r"[\s,]+", urls or "")) if host and host not in found]
    return found


def options_of(path):
    """The file as a package manager reads it: a later line wins, and an option may be without a value."""
    try:
        options = RawConfigParser(allow_no_value=True, strict=False)
    except TypeError:  # Python 2.7 is never strict
        options = RawConfigParser(allow_no_value=True)
    read = getattr(options, "read_file", None) or options.readfp
    with io.open(path, encoding="utf-8", errors="replace") as file:
        read(io.StringIO(file.read()))
    return options


def _host(url):
    """Nothing where the manager would have to fill in a variable first."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return "" if "$" in host else host
