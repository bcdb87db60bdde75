# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat
import time
import zipfile

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _library, _library_run


def sent(folder):
    """What Ansible sends, with a file that this Python cannot compile."""
    path = str(folder / "sent.zip")
    with zipfile.ZipFile(path, "w") as made:
        for name, text in (("ansible/__init__.py", ""), ("ansible/basic.py", "A = 1\n"), ("ansible/newer.py", "((("), ("sitecustomize.py", "")):
            made.writestr(name, text)
    return path


@pytest.fixture
def library(tmp_path):
    """Where it is to lie; what it is called on the controller."""
    return str(tmp_path / "run" / "d1ge5t")


@pytest.fixture
def kept(library, tmp_path):
    _library.keep(library, sent(tmp_path))
    return _library_run.of_this_python(library)


def test_it_is_compiled_and_nobody_else_may_touch_it(kept):
    for directory in (kept, os.path.dirname(kept)):
        assert stat.S_IMODE(os.lstat(directory).st_mode) == 0o700
    files = [os.path.join(folder, name) for folder, _folders, names in os.walk(kept) for name in names]
    assert any(name.startswith("basic") and name.endswith(".pyc") for name in map(os.path.basename, files))
    assert not any("sitecustomize" in name for name in files), "it is about a file that is gone by now"
    assert os.listdir(os.path.dirname(kept)) == [os.path.basename(kept)], "nothing else is left"


def test_what_is_damaged_is_kept_anew(library, kept, tmp_path):
    damaged = os.path.join(kept, "ansible", "basic.py")
    os.remove(damaged)
    _library.keep(library, sent(tmp_path))
    assert os.path.exists(damaged)
    assert os.listdir(os.path.dirname(kept)) == [os.path.basename(kept)]


def test_two_others_stay(library, tmp_path):
    parent = tmp_path / "run"
    parent.mkdir(mode=0o700)
    for age, name in enumerate(["a", "b", "c", "d"]):
        (parent / name).mkdir()
        os.utime(str(parent / name), (time.time() - age * 60 - 60,) * 2)
    for name, age_s in ((".new-dead", 2 * _library.ABANDONED_S), (".new-alive", 1), (".old-x", 1)):
        (parent / name).mkdir()
        os.utime(str(parent / name), (time.time() - age_s,) * 2)
    _library.keep(library, sent(tmp_path))
    assert sorted(os.listdir(str(parent))) == sorted([".new-alive", "a", "b", os.path.basename(_library_run.of_this_python(library))])


@pytest.mark.parametrize("damage", ["no zip", "no file", "unsound", "no parent", "a file in its place", "no space"])
def test_where_it_cannot_be_kept_nothing_is_said_and_nothing_is_left(library, tmp_path, monkeypatch, capsys, damage):
    path = sent(tmp_path)
    parent = os.path.dirname(library)
    if damage == "no zip":
        with open(path, "w") as broken:
            broken.write("PK")
    elif damage == "no file":
        os.remove(path)
    elif damage == "unsound":
        os.mkdir(parent)
        os.chmod(parent, 0o777)
    elif damage == "no parent":
        library = str(tmp_path / "missing" / "run" / "d1ge5t")
    elif damage == "a file in its place":
        open(parent, "w").close()
    elif damage == "no space":

        def full(*_args, **_more):
            raise IOError(28, "No space left on device")

        monkeypatch.setattr(_library.py_compile, "compile", full)
    _library.keep(library, path)
    assert not os.path.isdir(parent) or os.listdir(parent) == []
    assert capsys.readouterr() == ("", "")
