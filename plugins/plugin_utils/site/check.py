# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A value against its row of the table. Every fault is one sentence that begins with the place, quotes the value and says what belongs there."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .key import Key

Value = TypeVar("Value")
# A value that is quoted in a message.
QUOTED_CHARACTERS = 60
WORDS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
COUNT = re.compile(r"\d+%?")
NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a dictionary",
    "count": "a number of nodes, such as 2, or a share of them, such as 25%",
}


class Wrong(Exception):
    """This value does not belong there; the text says what would."""


def quoted(key: Key, value: Any) -> str:
    """What is shown of a value: not a secret, nor what only looks like a row of text."""
    if key.secret:
        return "given, but"
    # A nested secret must not come out with what is around it.
    if isinstance(value, Mapping):
        return "a dictionary, but"
    if isinstance(value, (list, tuple)):
        return "a list, but"
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"{text if len(text) <= QUOTED_CHARACTERS else text[:QUOTED_CHARACTERS] + '...'}, but"


def nearest(name: str, known: Iterable[str]) -> str:
    """Which of them was probably meant."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    # Somebody may have typed the name of something longer: bluegreen_window for bluegreen_windows, or the other way round.
    return f"did you mean {found[0]}?" if found else f"there {'are' if len(names) > 1 else 'is'} {', '.join(names)}."


def value_of(key: Key, value: Any, where: str, faults: list[str]) -> Any:
    """The value in its type, with the defaults of its keys. What is wrong is added to the faults."""
    try:
        return _CONVERT[key.type](key, value, where, faults)
    except Wrong as wrong:
        faults.append(f"{where} is {quoted(key, value)} {wrong}.")
        return None


def keys_of(keys: tuple[Key, ...], value: Mapping[Any, Any], where: str, faults: list[str], fill: bool) -> dict[str, Any]:
    """A dictionary whose values are checked; with fill, what is missing has its default."""
    known = {key.name: key for key in keys}
    for name in value:
        if name not in known:
            faults.append(f"{where} has the unknown key {str(name)[:QUOTED_CHARACTERS]}: {nearest(str(name), known)}")
    found: dict[str, Any] = {}
    for key in keys:
        given = value.get(key.name)
        # A key without a value, in YAML, is a key that was left out; so is what a template left empty.
        if given is not None and given != "":
            found[key.name] = value_of(key, given, f"{where}.{key.name}", faults)
        elif key.required:
            faults.append(f"{where} has no {key.name}: {key.text or NAMES.get(key.type, 'it')}{_choices(key)}.")
        elif fill and key.default is not None:
            found[key.name] = key.default
    return found


def _choices(key: Key) -> str:
    return f" ({', '.join(key.choices)})" if key.choices else ""


def _str(key: Key, value: Any, where: str, faults: list[str]) -> str:
    if not isinstance(value, str):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        raise Wrong("text belongs there" + (": write it in quotes, because YAML changes what looks like a number" if number else ""))
    if key.choices and value not in key.choices:
        raise Wrong(f"there {'are' if len(key.choices) > 1 else 'is'} {', '.join(key.choices)}")
    if key.required and not value.strip():
        raise Wrong("text belongs there")
    return _ruled(key, str(value))


def _number(key: Key, value: float) -> Any:
    if not math.isfinite(value):
        raise Wrong("a number belongs there")
    unit = f" {key.unit}" if key.unit else ""
    if key.minimum is not None and (value <= key.minimum if key.above else value < key.minimum):
        raise Wrong(f"it must be {'above' if key.above else 'at least'} {key.minimum:g}{unit}")
    if key.maximum is not None and value > key.maximum:
        raise Wrong(f"it must be at most {key.maximum:g}{unit}")
    return _ruled(key, value)


def _int(key: Key, value: Any, where: str, faults: list[str]) -> int:
    # What comes from -e or from a survey of AWX is text.
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,15}", str(value).strip()):
        raise Wrong("a whole number belongs there")
    return int(_number(key, int(str(value).strip())))


def _float(key: Key, value: Any, where: str, faults: list[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong("a number belongs there")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise Wrong("a number belongs there") from None
    return float(_number(key, number))


def _bool(key: Key, value: Any, where: str, faults: list[str]) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).strip().lower() not in WORDS:
        raise Wrong("true or false belongs there")
    return WORDS[str(value).strip().lower()]


def _count(key: Key, value: Any, where: str, faults: list[str]) -> str:
    text = "" if isinstance(value, bool) else str(value).strip()
    if not COUNT.fullmatch(text):
        raise Wrong("a number of nodes, such as 2, or a share of them, such as 25%, belongs there")
    if text.endswith("%") and int(text[:-1]) > 100:
        raise Wrong("there are no more than 100% of the nodes")
    _number(key, int(text.rstrip("%")))
    return text


def _list(key: Key, value: Any, where: str, faults: list[str]) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise Wrong("a list belongs there")
    if key.required and not value:
        raise Wrong("it is empty: at least one belongs there")
    entry = Key(key.name, key.elements, "", keys=key.keys, secret=key.secret, choices=key.choices, fill=key.fill)
    before = len(faults)
    found = [value_of(entry, each, entry_of(where, each, number), faults) for number, each in enumerate(value, start=1)]
    # What holds between entries is asked of entries that are right by themselves.
    if key.rule and len(faults) == before:
        wrong = key.rule(found)
        faults += [f"{where}: {wrong}."] if wrong else []
    return found


def entry_of(where: str, value: Any, number: int) -> str:
    """An entry by its name, where it has one: people do not count."""
    name = value.get("name") if isinstance(value, Mapping) else None
    return f"{where}[{name if isinstance(name, str) and name else number}]"


def _dict(key: Key, value: Any, where: str, faults: list[str]) -> Any:
    if not isinstance(value, Mapping):
        raise Wrong("a dictionary belongs there")
    before = len(faults)
    found = dict(value) if key.keys is None else keys_of(key.keys, value, where, faults, key.fill)
    if key.rule and len(faults) == before:
        wrong = key.rule(found)
        faults += [f"{where}: {wrong}."] if wrong else []
    return found


def _any(key: Key, value: Any, where: str, faults: list[str]) -> Any:
    return _ruled(key, value)


def _ruled(key: Key, value: Value) -> Value:
    wrong = key.rule(value) if key.rule else ""
    if wrong:
        raise Wrong(wrong)
    return value


_CONVERT: dict[str, Callable[[Key, Any, str, list[str]], Any]] = {
    "str": _str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "count": _count,
    "list": _list,
    "dict": _dict,
    "any": _any,
}
