# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of the library: what it is called, who is asked for it, and what is sent in place of a module."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.module_utils.common import json as core_json
from ansible.plugins.loader import module_utils_loader
from ansible.release import __version__

# Of the node. It is in memory and gone after a restart, so that no power loss leaves half a file in it.
DIRECTORY = "/run/halfswap-bluegreen"
PLUGINS = Path(__file__).parents[2]
PROGRAM = PLUGINS / "module_utils/_library_run.py"
# The first answer makes the node keep it. After a second one it cannot, and to ask on would cost a round trip a step.
MISSES = 2


def _sources() -> Iterator[tuple[str, bytes]]:
    """Whatever Ansible may choose from when it builds the module: more than it sends, so that nothing else has the same name."""
    yield "step.py", (PLUGINS / "modules/step.py").read_bytes()
    for folder in [PLUGINS / "module_utils", *map(Path, module_utils_loader.print_paths().split(os.pathsep))]:
        for source in sorted(folder.rglob("*.py")):
            yield str(source.relative_to(folder)), source.read_bytes()


def _of_this_run(name: str) -> Path:
    """In the directory that all workers of one ansible-playbook share, and that goes with it."""
    return Path(constants.DEFAULT_LOCAL_TMP) / f"halfswap-library-{name}"


def name() -> str:
    """What the library is called on every node: a digest of what it is made of. It is computed once a run."""
    kept = _of_this_run("name")
    if kept.exists():
        return kept.read_text(encoding="ascii")
    digest = hashlib.sha256(__version__.encode())
    for source, content in _sources():
        digest.update(f"\0{source}\0{len(content)}\0".encode())
        digest.update(content)
    with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=kept.parent, delete=False) as new:
        new.write(digest.hexdigest())
    os.rename(new.name, kept)
    return digest.hexdigest()


class Library:
    """The library as one task of one host uses it."""

    def __init__(self, host: str) -> None:
        self.place = f"{DIRECTORY}/{name()}"
        self._misses = _of_this_run(f"misses-{hashlib.sha256(host.encode()).hexdigest()}")

    @property
    def hoped_for(self) -> bool:
        return not self._misses.exists() or self._misses.stat().st_size < MISSES

    def missed(self) -> None:
        with self._misses.open("ab") as misses:
            misses.write(b".")

    def program(self, args: Mapping[str, Any]) -> bytes:
        """What the node's Python is given to run. It has the arguments in it, as what Ansible sends does: no command line shows them."""
        given = json.dumps({"ANSIBLE_MODULE_ARGS": dict(args)}, **_encoding())
        call = f"carry_out({self.place!r}, {args['step']!r}, {given!r})"
        return PROGRAM.read_bytes() + f"\n\n{call}\n".encode("ascii")


def _encoding() -> dict[str, Any]:
    """How core encodes the arguments of a module."""
    if hasattr(core_json, "get_module_encoder"):
        return {"cls": core_json.get_module_encoder("legacy", core_json.Direction.CONTROLLER_TO_MODULE)}
    return {"cls": core_json.AnsibleJSONEncoder, "vault_to_text": True}  # ansible-core 2.16 to 2.18
