# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a deployment may run: windows in which it may, and times that are blocked, in the local time of one place.

A window is written either for days of the week or for dates. Where a clock change lets a time of the clock come twice or not at all,
the side of caution counts: what is allowed is the shorter, and what is blocked the longer one of the two readings.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from .._refusals import Refusal

VARIABLE = "bluegreen_windows"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
# Whatever is written for days of the week has come round within a week, and once more in case that a clock change was in the first one.
LOOKED_AHEAD = 15 * DAY
# Nobody waits for a later one; and a block without an end is written as one until the year 2999.
LATEST = 2 * 365 * DAY
# A window that has begun before: at most the day before, and its time zone may be a day away from UTC.
LOOKED_BACK = 2 * DAY

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
DATE = r"2\d{3}-\d\d-\d\d "

# Without an offset: what the clock on the wall shows.
Local = tuple[datetime, datetime]
Instants = tuple[datetime, datetime]


class WindowError(Exception):
    """The windows are described wrongly; the text says where and what belongs there."""


@dataclass(frozen=True)
class Window:
    """One entry as it is written."""

    where: str
    first: str
    until: str
    days: tuple[int, ...] | None

    @property
    def text(self) -> str:
        if self.days is None:
            return f"{self.first} to {self.until}"
        return f"{', '.join(DAYS[day] for day in self.days)} {self.first} to {self.until}"

    def local(self, since: date, last: date) -> Iterator[Local]:
        """Each time that it comes, from one date to the other."""
        if self.days is None:
            yield _moment(self.first), _moment(self.until)
            return
        for offset in range((last - since).days + 1):
            day = datetime.combine(since + offset * DAY, datetime.min.time())
            if day.weekday() in self.days:
                begin, end = day + _clock(self.first), day + _clock(self.until)
                yield begin, end if end > begin else end + DAY


def refusals(windows: Mapping[str, Any], start: datetime, seconds: float) -> list[Refusal]:
    """Why a run of this length must not begin at this time; empty when it may. Raises WindowError when the description is wrong."""
    if start.utcoffset() is None:
        raise ValueError("start has no time zone")
    if not windows:
        return []
    zone, allowed, blocked = _read(windows)
    begin = start.astimezone(timezone.utc)
    end = begin + timedelta(seconds=seconds)
    since = (begin - LOOKED_BACK).date()
    dated = [min(_moment(window.until).replace(tzinfo=timezone.utc), begin + LATEST) for window in allowed + blocked if window.days is None]
    last = (max([begin] + dated) + (end - begin) + LOOKED_AHEAD).date()

    # Joined by the clock on the wall, where windows that touch stay together over a clock change as well.
    open_times = [_shorter(window, zone) for window in _joined(each for window in allowed for each in window.local(since, last))]
    shut_times = [(window, [_longer(each, zone) for each in _joined(window.local(since, last))]) for window in blocked]

    def is_open(moment: datetime) -> bool:
        return not allowed or any(since <= moment and moment + (end - begin) <= until for since, until in open_times)

    def touches(moment: datetime, times: Sequence[Instants]) -> bool:
        return any(moment < until and (since < moment + (end - begin) or since == moment) for since, until in times)

    reasons = []
    if not is_open(begin):
        reasons.append(f"is not wholly within what {VARIABLE}.allowed allows ({'; '.join(window.text for window in allowed)})")
    for window, times in shut_times:
        if touches(begin, times):
            reasons.append(f"runs into what {window.where} blocks ({window.text})")
    if not reasons:
        return []

    # Only there does something begin to be allowed. What was looked at ends somewhere, which opens nothing.
    openings = [since for since, _until in open_times] + [until for _window, times in shut_times for _since, until in times]
    horizon = datetime.combine(last - DAY, datetime.min.time(), timezone.utc)
    later = (
        moment
        for moment in sorted(openings)
        if begin < moment and moment + (end - begin) < horizon and is_open(moment) and not any(touches(moment, times) for _window, times in shut_times)
    )
    found = next(later, None)
    when = f"the next time that is long enough begins {_shown(found, zone)}" if found else f"no later time until {_shown(horizon, zone)} is long enough"
    taken = f"The time from {_shown(begin, zone)} to {_shown(end, zone)} ({zone.key})"
    return [Refusal("HS-WINDOW", f"{taken} {reason}; {when}.") for reason in reasons]


def _shown(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    local = moment.astimezone(zone)
    # A clock may show an hour twice.
    return f"{DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M %Z}"


def _joined(times: Iterable[Local]) -> list[Local]:
    joined: list[Local] = []
    for begin, end in sorted(times):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _readings(moment: datetime, zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """When the clock on the wall shows this, earliest first: the same twice but for a clock change."""
    return sorted(moment.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1))


def _shorter(times: Local, zone: zoneinfo.ZoneInfo) -> Instants:
    return _readings(times[0], zone)[1], _readings(times[1], zone)[0]


def _longer(times: Local, zone: zoneinfo.ZoneInfo) -> Instants:
    return _readings(times[0], zone)[0], _readings(times[1], zone)[1]


def _clock(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _moment(text: str) -> datetime:
    day, clock = text.split(" ")
    return datetime.combine(date.fromisoformat(day), datetime.min.time()) + _clock(clock)


def _read(windows: Any) -> tuple[zoneinfo.ZoneInfo, list[Window], list[Window]]:
    _keys(VARIABLE, windows, required={"timezone"}, optional={"allowed", "blocked"})
    lists = []
    for key in ("allowed", "blocked"):
        entries = windows.get(key, [])
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            raise WindowError(f"{VARIABLE}.{key} is {entries!r}, which is no list of windows.")
        lists.append([_window(f"{VARIABLE}.{key}[{number}]", entry) for number, entry in enumerate(entries)])
    return _zone(windows["timezone"]), lists[0], lists[1]


def _keys(where: str, value: Any, required: set[str], optional: set[str]) -> None:
    if not isinstance(value, Mapping):
        raise WindowError(f"{where} is {value!r} and should have the keys {', '.join(sorted(required | optional))}.")
    for key in value:
        if key not in required | optional:
            raise WindowError(f"{where} has the unknown key {key!r}; it can have {', '.join(sorted(required | optional))}.")
    for key in sorted(required - set(value)):
        raise WindowError(f"{where}.{key} is missing.")


def _zone(name: Any) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        pass
    if not zoneinfo.available_timezones():
        raise WindowError(f"{VARIABLE}.timezone {name!r} cannot be looked up: this controller has no time zone data; install its package tzdata.")
    raise WindowError(f"{VARIABLE}.timezone {name!r} is no time zone that this controller knows; write it for instance as Europe/Berlin.")


def _window(where: str, entry: Any) -> Window:
    _keys(where, entry, required={"from", "until"}, optional={"days"})
    weekly = "days" in entry
    first = _time(f"{where}.from", entry["from"], weekly, CLOCK)
    until = _time(f"{where}.until", entry["until"], weekly, CLOCK + "|24:00")
    if first == until or (not weekly and _moment(until) < _moment(first)):
        raise WindowError(f"{where} ends ({until}) when it begins ({first}) or before; a whole day is from 00:00 until 24:00.")
    return Window(where, first, until, _days(f"{where}.days", entry["days"]) if weekly else None)


def _days(where: str, days: Any) -> tuple[int, ...]:
    if not isinstance(days, Sequence) or isinstance(days, str) or not days:
        raise WindowError(f"{where} is {days!r} and should be a list of {', '.join(DAYS)}.")
    for day in days:
        if day not in DAYS:
            raise WindowError(f"{where} has {day!r} in it, which is none of {', '.join(DAYS)}.")
    return tuple(sorted({DAYS.index(day) for day in days}))


def _time(where: str, value: Any, weekly: bool, clock: str) -> str:
    form = "22:00" if weekly else "2026-12-18 00:00"
    if not isinstance(value, str):
        # YAML takes 22:00 for 22 times 60, and 2026-12-18 00:00:00 for a time in UTC.
        raise WindowError(f'{where} is not in quotes, so that YAML took it for {value!r}; write it as "{form}".')
    wrong = WindowError(f'{where} is {value!r}; {"beside days it is" if weekly else "without days it is"} written as "{form}".')
    if not re.fullmatch(f"({'' if weekly else DATE})({clock})", value):
        raise wrong
    try:
        if not weekly:
            date.fromisoformat(value.split(" ")[0])
    except ValueError:
        raise wrong from None
    return value
