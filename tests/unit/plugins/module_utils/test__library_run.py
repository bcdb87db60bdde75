# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real program, in a process of the Python that tests, with what the module keeps. Of Ansible there is only as much as it touches."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import subprocess
import sys
import zipfile

import pytest

from ansible_collections.halfswap.bluegreen.plugins.module_utils import _library, _library_run

with open(os.path.splitext(_library_run.__file__)[0] + ".py") as _source:
    PROGRAM = _source.read()
# What the program finds in the library.
PARTS = {
    "ansible/module_utils/basic.py": "_ANSIBLE_ARGS = _ANSIBLE_PROFILE = None\n",
    "%s/begin.py" % _library_run.STEPS.replace(".", "/"): "",
    "%s/end.py" % _library_run.STEPS.replace(".", "/"): "from __future__ import absolute_import\nimport missing_on_this_node\n",
    "%s.py" % _library_run.MODULE.replace(".", "/"): """
import json, sys
from ansible.module_utils import basic
if __name__ == "__main__":
    given = json.loads(basic._ANSIBLE_ARGS.decode("utf-8"))
    if given.get("crash"):
        raise RuntimeError("it crashed")
    print(json.dumps({"given": given, "from": _modlib_path, "first": sys.path[0], "profile": basic._ANSIBLE_PROFILE}))
    sys.exit(0)
""",
}


# Whoever runs the tests may have Python write no .pyc.
WRITING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def sent(folder, parts=PARTS):
    path = str(folder / "sent.zip")
    # Each folder on the way to them is a package.
    parents = {os.sep.join(name.split(os.sep)[:depth]) for name in parts for depth in range(1, name.count(os.sep) + 1)}
    with zipfile.ZipFile(path, "w") as made:
        for parent in sorted(parents):
            made.writestr("%s/__init__.py" % parent, "")
        for name, text in parts.items():
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


def ask(library, step="begin", given=None, cwd=None, first=""):
    """What the program says, which gets nothing but its own text."""
    text = "%s\n\n%scarry_out(%r, %r, %r)\n" % (PROGRAM, first, str(library), step, json.dumps(given or {}))
    process = subprocess.Popen([sys.executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=WRITING)
    out, err = process.communicate(text.encode("ascii"))
    return process.returncode, out.decode("utf-8"), err.decode("utf-8")


def unused(library, step="begin"):
    status, out, _err = ask(library, step)
    said = json.loads(out)
    assert (status, said["changed"], sorted(said)) == (0, False, sorted(["changed", _library_run.UNUSED]))
    return said[_library_run.UNUSED]


def test_a_step_is_carried_out_with_what_was_kept(library, kept):
    status, out, err = ask(library, given={"a": "it's \"\"\" \\ \u00e4 \U0001f600 '''"})
    assert (status, err) == (0, "")
    assert json.loads(out) == {"given": {"a": "it's \"\"\" \\ \u00e4 \U0001f600 '''"}, "from": kept, "first": kept, "profile": "legacy"}


def test_a_crash_is_one_as_with_a_module_that_was_sent(library, kept):
    """It has begun, so nothing may take the answer for one that says that nothing was done."""
    status, out, err = ask(library, given={"crash": True})
    assert status == 1 and _library_run.UNUSED not in out and "RuntimeError: it crashed" in err


def test_none_is_there(library):
    assert "No such file or directory" in unused(library)


def test_another_python_has_its_own(library, kept):
    assert kept.endswith("-%d.%d.%d" % sys.version_info[:3])
    os.rename(kept, kept.rpartition("-")[0] + "-2.7.0")
    assert "No such file or directory" in unused(library)


@pytest.mark.parametrize("which", ["", ".."])
@pytest.mark.parametrize("mode", [0o777, 0o755, 0o702])
def test_others_may_write_or_read_there(library, kept, which, mode):
    os.chmod(os.path.join(kept, which), mode)
    assert "is not a directory of this user alone" in unused(library)


@pytest.mark.parametrize("which", ["", ".."])
def test_a_link_stands_in_its_place(library, kept, which):
    place = os.path.normpath(os.path.join(kept, which))
    os.rename(place, place + ".moved")
    os.symlink(place + ".moved", place)
    assert "is not a directory of this user alone" in unused(library)


def test_a_file_stands_in_its_place(library, kept):
    os.rename(kept, kept + ".moved")
    os.close(os.open(kept, os.O_CREAT | os.O_WRONLY, 0o600))
    assert "is not a directory of this user alone" in unused(library)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a directory away")
def test_it_belongs_to_somebody_else(library, kept):
    os.chown(kept, 65534, -1)
    assert "is not a directory of this user alone" in unused(library)


def compiled(kept, name):
    return [os.path.join(folder, file) for folder, _folders, files in os.walk(kept) for file in files if file.startswith(name) and file.endswith(".pyc")]


@pytest.mark.parametrize("name", ["basic", "begin"])
def test_half_a_file_is_not_used(library, kept, name):
    (file,) = compiled(kept, name)
    with open(file, "r+b") as damaged:
        damaged.truncate(20)
    assert "cannot be loaded" in unused(library)


def test_a_part_of_it_is_missing(library, kept):
    assert "cannot be loaded" in unused(library, step="heartbeat") and "heartbeat" in unused(library, step="heartbeat")
    assert "missing_on_this_node" in unused(library, step="end")


def test_a_working_directory_that_is_gone(library, kept, tmp_path):
    (tmp_path / "gone").mkdir()
    status, out, err = ask(library, cwd=str(tmp_path / "gone"), first="os.rmdir(%r)\n" % str(tmp_path / "gone"))
    assert status == 0 and json.loads(out)["from"] == kept, err


def test_nothing_is_written_into_it_by_who_uses_it(library, kept):
    for file in compiled(kept, "begin"):
        os.remove(file)
    ask(library)
    assert not compiled(kept, "begin")
