# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users: so many requests a second, at times of chance, until SIGTERM. What became of them is then in a file: users.py URL RATE FILE"""

from __future__ import annotations

import asyncio
import collections
import json
import random
import signal
import sys
from pathlib import Path

import aiohttp


async def main(url: str, rate: float, out: Path) -> None:
    ends = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ends.set)
    outcomes: collections.Counter[str] = collections.Counter()

    async def ask(session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(url) as answer:
                await answer.read()
                outcomes["ok" if answer.status == 200 else f"status {answer.status}"] += 1
        except (aiohttp.ClientError, asyncio.TimeoutError) as failure:
            outcomes[repr(failure)[:100]] += 1

    # Each opens a connection of its own, as most users do.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True), timeout=aiohttp.ClientTimeout(total=10)) as session:
        asked = set()
        while not ends.is_set():
            request = asyncio.create_task(ask(session))
            asked.add(request)
            request.add_done_callback(asked.discard)
            await asyncio.sleep(random.expovariate(rate))
        await asyncio.gather(*asked)
    out.write_text(json.dumps({"requests": outcomes.total(), "failed": outcomes.total() - outcomes["ok"], "outcomes": outcomes}), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])))
