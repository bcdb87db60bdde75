# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of others, made fit to be shown: what a node, an application, a prober, a repository or a journal says.

It may be of any length, drive a terminal, turn a line around, or be a template. Call this where such a text enters. What is shown here stays
as it is when it is shown again.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import unicodedata

from ansible.module_utils.common.text.converters import to_native, to_text

# A line that people read to the end.
LENGTH = 200
# Some screens, of what is looked through rather than read.
LONG = 4000
# Python 2.7 has two types of it.
TEXT = type(b"".decode())
CUT = b"\xe2\x80\xa6".decode("utf-8")
# What is not printed but acts: control characters, what turns or joins text (bidi, zero width), half characters, other ends of a line; and what
# this Python does not know, which may be one of those.
ACTS = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
# Nearly every text is nothing but this.
PLAIN = re.compile(r"[ -z|}~]*\Z")
# No core runs a template whose first character is missing, whatever it believes of the text.
TEMPLATE = re.compile("[{](?=[{%#])")


def shown(value, length=LENGTH, lines=False, end=False):
    """The value as text of at most that many characters: the first ones, or the last ones where `end` says that the reason is there."""
    if isinstance(value, bytes):
        # Four bytes are at most one character, and a megabyte need not be decoded to be cut.
        value = value[-4 * length - 4 :] if end else value[: 4 * length + 4]
    text = to_text(value, errors="replace", nonstring="simplerepr")
    part = text[-length - 1 :] if end else text[: length + 1]
    if len(part) <= length and PLAIN.match(part):
        return to_native(part)
    escaped = TEMPLATE.sub("\\\\x7b", "".join(char if _is_harmless(char, lines) else _escaped(char) for char in part))
    if len(escaped) > length:
        escaped = CUT + escaped[len(escaped) - length + 1 :] if end else escaped[: length - 1] + CUT
    return to_native(escaped, errors="surrogate_or_replace")


def shown_all(value, length=LENGTH):
    """The same structure with every text in it shown, the keys too."""
    if isinstance(value, dict):
        return {shown_all(key, length): shown_all(item, length) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown_all(item, length) for item in value]
    return shown(value, length) if isinstance(value, (bytes, TEXT)) else value


class Failure(Exception):
    """What was asked for is not so; the text says why. `result` is what was found until then."""

    def __init__(self, text, **result):
        super(Failure, self).__init__(text)
        self.result = result


class Told(Exception):
    """What went wrong, in words that may quote others."""

    def __init__(self, text):
        super(Told, self).__init__(shown(text, LONG, lines=True))


def _is_harmless(char, lines):
    return (lines and char in "\n\t") or unicodedata.category(char) not in ACTS


def _escaped(char):
    return "\\n" if char == "\n" else ("\\x%02x" if ord(char) < 0x100 else "\\u%04x") % ord(char)
