# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of the library. What becomes of it is in test_library_plays.py."""

from __future__ import annotations

import pytest

from ansible_collections.halfswap.bluegreen.plugins.plugin_utils.reach import _library


def test_its_name_is_a_digest_of_all_that_may_be_in_it(tmp_path, monkeypatch):
    core, ours = tmp_path / "core", tmp_path / "plugins"
    for file in (core / "basic.py", core / "common/file.py", ours / "module_utils/node/_lock.py", ours / "modules/step.py"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1")
    monkeypatch.setattr(_library, "PLUGINS", ours)
    monkeypatch.setattr(_library.module_utils_loader, "print_paths", lambda: str(core))
    found = []

    def another(change=lambda: None) -> bool:
        """Whether the next run has another name for it."""
        change()
        folder = tmp_path / f"run{len(found)}"
        folder.mkdir()
        monkeypatch.setattr(_library.constants, "DEFAULT_LOCAL_TMP", str(folder))
        found.append(_library.name())
        assert _library.name() == found[-1] and len(found[-1]) == 64
        return found[-1] not in found[:-1]

    assert another() and not another()
    for file in (core / "common/file.py", ours / "module_utils/node/_lock.py", ours / "modules/step.py"):
        assert another(lambda file=file: file.write_text("2"))
    assert another(lambda: (core / "basic.py").rename(core / "basic2.py"))
    assert another(lambda: monkeypatch.setattr(_library, "__version__", "9.9.9"))


def test_it_is_computed_once_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(_library.constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    said = _library.name()
    monkeypatch.setattr(_library, "_sources", lambda: pytest.fail("they were read again"))
    assert _library.name() == said
    assert [file.name for file in tmp_path.iterdir()] == ["halfswap-library-name"]
