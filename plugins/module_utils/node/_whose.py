# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose records a module keeps on the node: each application has its own, and none writes into those of another one.

An application without a name has the directory in which those with a name have one each. Where it gets a name, the first run that takes the lock takes
its records over; until then they are used where they are.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import os
import shutil

from ansible_collections.halfswap.bluegreen.plugins.module_utils._secrets import Module
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node import _records, _release_record
from ansible_collections.halfswap.bluegreen.plugins.module_utils.node._records import RecordsError, directory_of, explained

OPTIONS = dict(application=dict(type="str", default=""), application_components=dict(type="list", elements="str", default=[]))
# In a directory that was taken over: the former files are not all removed yet.
UNFINISHED = ".taken-over"
# Of the run at work, by choose().
_run = dict(application="", components=frozenset())


class Foreign(RecordsError):
    """The records are those of another application; the text says whose, and what mends it."""


class Keeping(Module):
    """A module that keeps or reads records, of the application that its action plugin names."""

    def __init__(self, guarded, argument_spec, **more):
        Module.__init__(self, guarded, dict(argument_spec, **OPTIONS), **more)
        try:
            choose(self.params["application"], self.params["application_components"])
        except RecordsError as exc:
            self.fail_json(msg=str(exc))


def choose(application, components):
    """The records of this application are meant from now on. components: the names of all its components, none where they are not known."""
    directory_of(application)
    _run.update(application=application, components=frozenset(components))
    _records.application = application
    if application and components and _is_new(application) and _components("") == _run["components"]:
        # They were not taken over yet.
        _records.application = ""


def refuse_foreign():
    """Raises Foreign where another application's records are in the way of this one's."""
    mine = _run["components"]
    own = _components(_records.application)
    if mine and own and not own & mine:
        raise Foreign(_mixed(own))
    for other in _applications():
        both = mine & (_components(other) or frozenset())
        if both and other not in (_records.application, _run["application"]):
            raise Foreign(_claimed(both, other))


def claim(lock, look, check_mode):
    """This run is about to take the lock: refuse what belongs to another application, and take over what this one has left where it had no name.

    lock: the file of the lock. look: raises where another run holds it.
    """
    name = _run["application"]
    refuse_foreign()
    if check_mode or not name:
        return
    if _is_new(name):
        with _meant(""):
            # What a newer version has written, or a disk has spoilt, is no proof that there is nothing to be taken over.
            theirs = _release_record.read()
            if theirs is None or frozenset(theirs["current"]) != _run["components"]:
                return
            with _records.exclusive(lock):
                look()
                # Another process may have been quicker.
                if _is_new(name):
                    _take_over(name)
    _records.application = name
    _tidy(name)


def _take_over(name):
    """All of it with one rename: before it nothing has happened, after it everything has."""
    target, former = directory_of(name), directory_of("")
    new = os.path.join(os.path.dirname(target), ".%s.new" % name)
    # What a run has left that was cut off.
    shutil.rmtree(new, ignore_errors=True)
    with explained("take over the records into", target):
        for folder, names in _folders(former):
            _records.make(os.path.join(new, folder))
            for file in names:
                _link(os.path.join(former, folder, file), os.path.join(new, folder, file))
        with open(os.path.join(new, UNFINISHED), "wb"):
            pass
        for folder, _names in _folders(new):
            _records.sync(os.path.join(new, folder))
        for left in os.listdir(target) if os.path.isdir(target) else ():
            # Files without content, which say that somebody has looked.
            os.unlink(os.path.join(target, left))
        os.rename(new, target)
        _records.sync(os.path.dirname(target))


def _link(old, new):
    try:
        os.link(old, new)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        name = _run["application"]
        raise RecordsError(
            "The records in %s cannot be taken over: %s is on another file system. Nothing was changed. When no run is at work on this node, move it away, "
            "run again, and move it to where the records of application %s are then (%s)" % (directory_of(""), old, name, directory_of(name))
        )


def _tidy(name):
    """What was taken over has two names until the former one is removed. What somebody has written there since is left alone."""
    target, former = directory_of(name), directory_of("")
    if not os.path.exists(os.path.join(target, UNFINISHED)):
        return
    with explained("remove", former):
        # What is in a folder comes before the folder.
        for folder, names in reversed(list(_folders(former))):
            for file in names:
                old, new = os.path.join(former, folder, file), os.path.join(target, folder, file)
                if os.path.exists(new) and os.path.samefile(old, new):
                    os.unlink(old)
            if folder != "." and not os.listdir(os.path.join(former, folder)):
                os.rmdir(os.path.join(former, folder))
        _records.sync(former)
        os.unlink(os.path.join(target, UNFINISHED))


def _folders(directory):
    """The folders of an application's records, from above, each with the names of its files."""
    for path, folders, names in os.walk(directory):
        folder = os.path.relpath(path, directory)
        # Neither the other applications, nor the locks of processes and what one of them was about to write.
        folders[:] = [each for each in folders if not each.startswith(".") and not (folder == "." and each == _records.APPLICATIONS)]
        yield folder, [each for each in names if not each.startswith(".")]


def _is_new(name):
    directory = directory_of(name)
    return not os.path.isdir(directory) or all(each.startswith(".") and each != UNFINISHED for each in os.listdir(directory))


def _applications():
    """The names of all that have a directory on this node; "" is the one without a name."""
    parent = os.path.join(directory_of(""), _records.APPLICATIONS)
    named = [each for each in sorted(os.listdir(parent)) if _records.NAME.match(each)] if os.path.isdir(parent) else []
    # What was taken over is there twice for a moment.
    return named + ([] if any(os.path.exists(os.path.join(parent, each, UNFINISHED)) for each in named) else [""])


@contextlib.contextmanager
def _meant(application):
    former, _records.application = _records.application, application
    try:
        yield
    finally:
        _records.application = former


def _components(application):
    """The components in the release record of an application; None where there is none that can be read, which whoever needs it says."""
    with _meant(application):
        try:
            record = _release_record.read()
        except RecordsError:
            return None
    return frozenset(record["current"]) if record else None


def _called(application):
    return "application %s" % application if application else "an application without a name"


def _listed(names):
    return "%s %s" % ("component" if len(names) == 1 else "components", ", ".join(sorted(names)))


def _mixed(theirs):
    there = directory_of(_records.application)
    return (
        "Refused, nothing was changed: the records in %s on this node are those of an application with the %s, and this site has the %s. Two applications "
        "on one node need records of their own: give this one a name of its own with bluegreen_application (several applications: see bluegreen_applications "
        "in the README). If it is the same application, and its components were renamed: when no run is at work on this node, move the record "
        "away (mv %s/%s %s/%s.former) and run again."
        % (there, _listed(theirs), _listed(_run["components"]), there, _release_record.FILE, there, _release_record.FILE)
    )


def _claimed(both, other):
    there = directory_of(other)
    if other:
        mend = "If it is the same one, run with -e bluegreen_application=%s" % other
    elif _components(other) == _run["components"]:
        own = directory_of(_run["application"])
        mend = "If it is the same one: its records were not taken over, because %s has files in it; move it away and run again" % own
    else:
        mend = "If it is the same one: its records are taken over once bluegreen_components has just the components of its record; change them after that"
    return (
        "Refused, nothing was changed: the %s belongs to %s on this node, whose records are in %s. %s. Otherwise take it out of bluegreen_components of one "
        "of the two. If that application is gone from this node, and no run is at work: rm %s/%s."
        % (_listed(both), _called(other), there, mend, there, _release_record.FILE)
    )
