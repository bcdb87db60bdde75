# -*- coding: utf-8 -*-
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds one RPM from a description of its content, with fpm or with rpmbuild.

A ``Recipe`` is everything that decides what is in the package, and nothing else. Its ``manifest`` is the same as text: a digest of
that text, kept in the changelog of the package, says later whether a package was built from these very inputs. ``manifest_of``
reads the same text from a package, so that two packages, or a package and a recipe, can be compared line by line.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import io
import os
import re
import shutil
import stat
import time
from collections import Counter, namedtuple

from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.halfswap.bluegreen.plugins.module_utils.rpm._rpm import Package, RpmError, check_name, check_version

# Grows when the same inputs would make another package than before.
FORMAT = 1

# The options of the module rpm_build.
OPTIONS = dict(
    name=dict(type="str", required=True),
    version=dict(type="str", required=True),
    release=dict(type="str", default="1"),
    arch=dict(type="str", choices=["noarch", "x86_64", "aarch64", "ppc64le", "s390x", "i686"], default="noarch"),
    summary=dict(type="str"),
    description=dict(type="str"),
    license=dict(type="str", default="Proprietary"),
    url=dict(type="str", default="about:blank"),
    vendor=dict(type="str", default="Unknown"),
    contents=dict(
        type="list",
        elements="dict",
        default=[],
        options=dict(
            src=dict(type="path", required=True),
            dest=dict(type="str", required=True),
            mode=dict(type="raw"),
            owner=dict(type="str", default="root"),
            group=dict(type="str", default="root"),
            config=dict(type="bool", default=False),
        ),
    ),
    directories=dict(
        type="list",
        elements="dict",
        default=[],
        options=dict(
            path=dict(type="str", required=True),
            mode=dict(type="raw", default="0755"),
            owner=dict(type="str", default="root"),
            group=dict(type="str", default="root"),
        ),
    ),
    requires=dict(type="list", elements="str", default=[]),
    provides=dict(type="list", elements="str", default=[]),
    conflicts=dict(type="list", elements="str", default=[]),
    scripts=dict(
        type="dict",
        options=dict(
            before_install=dict(type="str"),
            after_install=dict(type="str"),
            before_remove=dict(type="str"),
            after_remove=dict(type="str"),
        ),
    ),
    source_date_epoch=dict(type="int"),
    dest=dict(type="path", required=True),
    builder=dict(type="str", choices=["auto", "fpm", "rpmbuild"], default="auto"),
)

SCRIPTS = {
    # option: (section of a spec file, tag of the package)
    "before_install": ("pre", "PREIN"),
    "after_install": ("post", "POSTIN"),
    "before_remove": ("preun", "PREUN"),
    "after_remove": ("postun", "POSTUN"),
}

# Directories of the operating system: packages put files there, and never own them.
SYSTEM_DIRECTORIES = frozenset(
    """
    / /bin /boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var
    /etc/cron.d /etc/cron.daily /etc/default /etc/init.d /etc/logrotate.d /etc/opt /etc/pki /etc/profile.d /etc/rc.d /etc/rc.d/init.d /etc/security
    /etc/security/limits.d /etc/sudoers.d /etc/sysconfig /etc/sysctl.d /etc/systemd /etc/systemd/system /etc/tmpfiles.d
    /etc/yum.repos.d
    /usr/bin /usr/include /usr/lib /usr/lib64 /usr/libexec /usr/local /usr/sbin /usr/share /usr/src
    /usr/lib/firewalld /usr/lib/firewalld/services /usr/lib/sysctl.d /usr/lib/systemd /usr/lib/systemd/system
    /usr/lib/systemd/system-preset /usr/lib/systemd/user /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/lib/udev /usr/lib/udev/rules.d
    /usr/local/bin /usr/local/etc /usr/local/lib /usr/local/lib64 /usr/local/sbin /usr/local/share
    /usr/share/applications /usr/share/doc /usr/share/licenses /usr/share/man /usr/share/man/man1 /usr/share/man/man5
    /usr/share/man/man8 /usr/share/selinux /usr/share/selinux/packages
    /var/cache /var/lib /var/log /var/opt /var/run /var/spool /var/tmp
    """.split()
)

# As much as the kernel reads of the first line.
LONGEST_INTERPRETER = 256

# An RPM's changelog knows no day before 1990.
OLDEST_EPOCH = 631152000

# Both builders get these. They switch off what would let the build host show in the package, or add files to it.
MACROS = [
    "_build_id_links none",
    "_buildhost localhost",
    "use_source_date_epoch_as_buildtime 1",
    "source_date_epoch_from_changelog 0",
    "clamp_mtime_to_source_date_epoch 1",
    "_changelog_trimage 0",
    "_changelog_trimtime 0",
]
PACKAGER = "halfswap.bluegreen"
GROUP = "Applications/System"

_OWNER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?\Z")
_MODE = re.compile(r"[0-7]{3,4}\Z")
_DEPENDENCY = re.compile(r"[^\s,%<>=]+( (<|<=|=|>=|>) [A-Za-z0-9:._+~^-]+)?\Z")
# RPM takes these for patterns, macros or separators in a list of files, each version of it in its own way.
_ODD_IN_PATH = re.compile(r"""[\s*?%$"'\\\[\]{}\x00-\x1f\x7f]""")
_INPUTS = re.compile(r"inputs sha256:([0-9a-f]{64})")

# What acts on a spec file wherever it stands at the beginning of a line, whatever is before it and however its % is written. Older versions of RPM
# look at these letters alone.
_DIRECTIVE = re.compile(r"\s*%(if|el|endif|include)")

Entry = namedtuple("Entry", ["path", "kind", "mode", "owner", "group", "source", "detail", "config"])


class Recipe:
    """What is asked for, checked, with the sources read."""

    def __init__(self, params):
        check_name("name", params["name"])
        check_version("version", params["version"])
        check_version("release", params["release"])
        self.package = Package(params["name"], 0, params["version"], params["release"], params["arch"])
        self.fields = [
            ("summary", _line("summary", params["summary"] or params["name"])),
            ("license", _line("license", params["license"])),
            ("url", _line("url", params["url"])),
            ("vendor", _line("vendor", params["vendor"])),
        ]
        # What fpm makes of a description: a written \n is a new line, and no line is empty.
        description = (params["description"] or params["summary"] or params["name"]).replace("\\n", "\n").strip()
        self.description = "\n".join(line.rstrip() or " ." for line in _text("description", description).splitlines())
        self.dependencies = [(kind, _dependency(kind, text)) for kind in ("requires", "provides", "conflicts") for text in sorted(set(params[kind] or []))]
        scripts = params["scripts"] or {}
        self.scripts = [
            (name, _script("scripts." + name, scripts[name]).strip("\n")) for name in sorted(SCRIPTS) if scripts.get(name) and scripts[name].strip()
        ]
        self.entries = []
        self._newest = OLDEST_EPOCH
        self._read(params["contents"] or [], params["directories"] or [])
        self.explicit_epoch = params["source_date_epoch"]
        if self.explicit_epoch is not None and self.explicit_epoch < OLDEST_EPOCH:
            raise RpmError("source_date_epoch %d is before 1990, which an RPM cannot hold" % self.explicit_epoch)
        self.epoch = self._newest if self.explicit_epoch is None else self.explicit_epoch

    def _read(self, contents, directories):
        """Fill ``entries``: every file, link and owned directory, sorted by path."""
        found = {}

        def add(what, entry):
            if entry.path in found:
                raise RpmError("%s puts a second thing at %s" % (what, entry.path))
            found[entry.path] = entry

        owned = {}
        for number, wanted in enumerate(directories):
            what = "directories[%d]" % number
            path = _path(what + ".path", wanted["path"])
            if path in SYSTEM_DIRECTORIES:
                raise RpmError("%s: %s belongs to the operating system; list the directories of the application only" % (what, path))
            if path in owned:
                raise RpmError("%s: %s is listed twice" % (what, path))
            owned[path] = (_mode(what, wanted["mode"]), _owner(what, wanted["owner"]), _owner(what, wanted["group"]))
        trees = set(owned)
        parents = set(owned)

        for number, wanted in enumerate(contents):
            what = "contents[%d]" % number
            source, base = wanted["src"], wanted["dest"]
            if not os.path.isabs(source):
                raise RpmError("%s.src %r: give an absolute path of the host that builds" % (what, source))
            mode = None if wanted["mode"] is None else _mode(what, wanted["mode"])
            owner, group = _owner(what, wanted["owner"]), _owner(what, wanted["group"])
            if os.path.isdir(source):
                base = _path(what + ".dest", base)
                trees.add(base)
                parents.add(base)
                names = _walk(what, source)
            elif os.path.isfile(source):
                base = _path(what + ".dest", base + os.path.basename(source) if base.endswith("/") else base)
                names = [""]
            else:
                raise RpmError("%s.src %s: there is no such file or directory on the host that builds" % (what, source))
            for name in names:
                path = _path(what, (base.rstrip("/") + "/" + name) if name else base)
                origin = os.path.join(source, name) if name else source
                if name and os.path.islink(origin):
                    add(what, Entry(path, "link", None, owner, group, origin, os.readlink(origin), False))
                elif os.path.isdir(origin):
                    parents.add(path)
                    continue
                else:
                    status = os.stat(origin)
                    own_mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
                    entry = Entry(path, "file", own_mode if mode is None else mode, owner, group, origin, _sha256(origin), wanted["config"])
                    _check_interpreter(what, entry)
                    add(what, entry)
                    self._newest = max(self._newest, int(status.st_mtime))
                parents.add(os.path.dirname(path))

        for path in sorted(parents):
            for parent in _upwards(path):
                if parent in found:
                    raise RpmError("%s is both a file and a directory of the package" % parent)
                inside = any(tree == "/" or parent == tree or parent.startswith(tree + "/") for tree in trees)
                if inside and parent not in SYSTEM_DIRECTORIES and parent not in owned:
                    owned[parent] = (0o755, "root", "root")
        for path, (mode, owner, group) in owned.items():
            found[path] = Entry(path, "directory", mode, owner, group, None, "", False)
        self.entries = [found[path] for path in sorted(found)]

    @property
    def manifest(self):
        lines = ["name %s" % self.package.name, "version %s" % self.package.version]
        lines += ["release %s" % self.package.release, "arch %s" % self.package.arch]
        lines += ["%s %s" % field for field in self.fields]
        lines += _block("description", self.description)
        lines += ["%s %s" % dependency for dependency in self.dependencies]
        lines += [_entry_line(entry.path, entry.kind, entry.mode, entry.owner, entry.group, entry.detail, entry.config) for entry in self.entries]
        for name, text in self.scripts:
            lines += _block("script " + name, text)
        return "\n".join(lines) + "\n"

    @property
    def digest(self):
        return hashlib.sha256(to_bytes("%d %s\n%s" % (FORMAT, self.explicit_epoch, self.manifest))).hexdigest()

    @property
    def changelog(self):
        when = time.gmtime(self.epoch)
        # Not strftime: RPM wants English names, whatever the locale.
        day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[when.tm_wday]
        month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[when.tm_mon - 1]
        head = "* %s %s %02d %d %s - %s-%s" % (day, month, when.tm_mday, when.tm_year, PACKAGER, self.package.version, self.package.release)
        return "%s\n- built from inputs sha256:%s\n" % (head, self.digest)


def inputs_digest(module, path):
    """The digest kept in the package at ``path``; None where there is no sound package made by us."""
    if not os.path.exists(path):
        return None
    rpm = module.get_bin_path("rpm")
    if not rpm:
        raise RpmError("the command rpm, which reads the package that is there (%s), is not on PATH of this host" % path)
    status, _out, _err = module.run_command([rpm, "--checksig", "--nosignature", path], environ_update={"LC_ALL": "C"})
    if status:
        return None
    status, out, _err = module.run_command([rpm, "-qp", "--nosignature", "--changelog", path], environ_update={"LC_ALL": "C"})
    match = _INPUTS.search(out)
    return match.group(1) if match and not status else None


def manifest_of(module, path):
    """What ``Recipe.manifest`` says, read from a package. Leaves out what RPM adds to every package by itself."""

    def query(form):
        status, out, err = module.run_command([module.get_bin_path("rpm", required=True), "-qp", "--nosignature", "--qf", form, path])
        if status:
            raise RpmError("rpm cannot read %s: %s" % (path, err.strip()))
        return out

    form = "\x1f".join("%%{%s}" % tag for tag in ("NAME", "VERSION", "RELEASE", "ARCH", "SUMMARY", "LICENSE", "URL", "VENDOR", "DESCRIPTION"))
    values = query(form).split("\x1f")
    lines = ["%s %s" % pair for pair in zip(("name", "version", "release", "arch", "summary", "license", "url", "vendor"), values)]
    lines += _block("description", values[8])
    own = ("config(", "%s(" % values[0])
    evr = "%s-%s" % (values[1], values[2])
    for kind, tag in (("requires", "REQUIRE"), ("provides", "PROVIDE"), ("conflicts", "CONFLICT")):
        texts = set()
        for row in query("[%%{%sNAME}\x1f%%{%sFLAGS:depflags}\x1f%%{%sVERSION}\x1f%%{%sFLAGS:deptype}\n]" % ((tag,) * 4)).splitlines():
            parts = [part.strip() for part in row.split("\x1f")]
            # A scriptlet's interpreter and RPM's own features are requirements that nobody listed.
            listed = kind != "requires" or parts[3] == "manual"
            if listed and not parts[0].startswith(own) and parts[:3] != [values[0], "=", evr]:
                texts.add(" ".join(part for part in parts[:3] if part))
        lines += ["%s %s" % (kind, text) for text in sorted(texts)]
    tags = ("FILENAMES", "FILEMODES:octal", "FILEUSERNAME", "FILEGROUPNAME", "FILEDIGESTS", "FILELINKTOS", "FILEFLAGS:fflags")
    rows = [row.split("\x1f") for row in query("[%s\n]" % "\x1f".join("%%{%s}" % tag for tag in tags)).splitlines()]
    for name, mode, owner, group, digest, link, flags in sorted(rows):
        kind = {stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}.get(stat.S_IFMT(int(mode, 8)), "file")
        lines.append(_entry_line(name, kind, stat.S_IMODE(int(mode, 8)), owner, group, link or digest, "c" in flags))
    for name in sorted(SCRIPTS):
        text = query("%%|%s?{%%{%s}}|" % (SCRIPTS[name][1], SCRIPTS[name][1]))
        if text:
            lines += _block("script " + name, text)
    return "\n".join(lines) + "\n"


def build(module, recipe, builder, workdir):
    """Build the package within ``workdir``; the path of the result."""
    stage = os.path.join(workdir, "stage")
    os.mkdir(stage)
    _stage(recipe, stage)
    for name, text in [(name, _escape(text) + "\n") for name, text in recipe.scripts] + [("changelog", recipe.changelog)]:
        _write(os.path.join(workdir, name), text)
    result = os.path.join(workdir, "result.rpm")
    command = (_fpm if builder == "fpm" else _rpmbuild)(module, recipe, workdir, stage, result)
    environment = {
        # Neither the user's macros and options nor the time and place of the build may show in the package.
        "HOME": workdir,
        "FPMOPTS": "",
        "TMPDIR": workdir,
        "SOURCE_DATE_EPOCH": "%d" % recipe.epoch,
        "TZ": "UTC",
        "LC_ALL": "C",
        "RUBYOPT": "-EUTF-8",
    }
    status, out, err = module.run_command(command, cwd=workdir, environ_update=environment)
    if status or not os.path.exists(result):
        raise RpmError("%s could not build %s (exit status %d): %s" % (builder, recipe.package, status, (err.strip() or out.strip())[-4000:]))
    return result


def _stage(recipe, stage):
    for entry in recipe.entries:
        target = stage + entry.path
        if entry.kind == "directory":
            if not os.path.isdir(target):
                os.makedirs(target)
            continue
        if not os.path.isdir(os.path.dirname(target)):
            os.makedirs(os.path.dirname(target))
        if entry.kind == "link":
            os.symlink(entry.detail, target)
            continue
        shutil.copyfile(entry.source, target)
        if _sha256(target) != entry.detail:
            raise RpmError("%s changed while it was read: build again when nothing writes to it" % entry.source)
        os.chmod(target, entry.mode)
    modes = {stage + entry.path: entry.mode for entry in recipe.entries if entry.kind == "directory"}
    # Last, and from the bottom up: what is made in a directory changes its time.
    for folder, subfolders, files in os.walk(stage, topdown=False):
        for name in subfolders + files:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            os.utime(path, (recipe.epoch, recipe.epoch))
            if name in subfolders:
                os.chmod(path, modes.get(path, 0o755))


def _fpm(module, recipe, workdir, stage, result):
    owners = Counter((entry.owner, entry.group) for entry in recipe.entries)
    most = owners.most_common(1)[0][0] if owners else ("root", "root")
    command = [module.get_bin_path("fpm", required=True), "--log", "warn", "--workdir", workdir, "-t", "rpm", "-p", result]
    command += ["-n", recipe.package.name, "-v", recipe.package.version, "--iteration", recipe.package.release, "-a", recipe.package.arch]
    options = dict(summary="--rpm-summary", license="--license", url="--url", vendor="--vendor")
    for field, value in recipe.fields:
        command += [options[field], _escape(value)]
    command += ["--description", _escape(recipe.description), "-m", PACKAGER, "--category", GROUP]
    command += ["--rpm-changelog", os.path.join(workdir, "changelog"), "--rpm-digest", "sha256", "--rpm-compression", "gzip"]
    for macro in MACROS:
        command += ["--rpm-rpmbuild-define", macro]
    options = dict(requires="--depends", provides="--provides", conflicts="--conflicts")
    for kind, text in recipe.dependencies:
        command += [options[kind], text]
    for name, _script in recipe.scripts:
        command += ["--" + name.replace("_", "-"), os.path.join(workdir, name)]
    # Modes are those of the staged files. Naming only the owners that are not the usual one keeps the command line short.
    command += ["--rpm-use-file-permissions", "--rpm-user", most[0], "--rpm-group", most[1]]
    owned = {entry.path for entry in recipe.entries if entry.kind == "directory"}
    for entry in recipe.entries:
        if (entry.owner, entry.group) != most:
            command += ["--rpm-attr", "%s,%s,%s:%s" % ("-" if entry.mode is None else "%o" % entry.mode, entry.owner, entry.group, entry.path)]
        if entry.config:
            command += ["--config-files", entry.path]
        # fpm adds what is below.
        if entry.kind == "directory" and os.path.dirname(entry.path) not in owned:
            command += ["--directories", entry.path]
    if recipe.entries:
        return command + ["-s", "dir", "-C", stage, "."]
    return command + ["-s", "empty"]


def _rpmbuild(module, recipe, workdir, stage, result):
    lines = ["Name: %s" % recipe.package.name, "Version: %s" % recipe.package.version, "Release: %s" % recipe.package.release]
    tags = dict(summary="Summary", license="License", url="URL", vendor="Vendor")
    lines += ["%s: %s" % (tags[field], _escape(value)) for field, value in recipe.fields]
    lines += ["Group: %s" % GROUP, "Packager: %s" % PACKAGER, "AutoReqProv: no"]
    # fpm says so of every package.
    lines += ["Prefix: /"]
    lines += ["%s: %s" % (kind.capitalize(), text) for kind, text in recipe.dependencies]
    lines += ["%description", _escape(recipe.description)]
    lines += ["%install", "mkdir -p %{buildroot}", "cp -a '" + _escape(stage) + "/.' %{buildroot}/"]
    for name, text in recipe.scripts:
        lines += ["%" + SCRIPTS[name][0], _escape(text)]
    lines += ["%files"]
    for entry in recipe.entries:
        flag = "%dir " if entry.kind == "directory" else "%config(noreplace) " if entry.config else ""
        mode = "-" if entry.mode is None else "%o" % entry.mode
        lines.append("%s%%attr(%s, %s, %s) %s" % (flag, mode, entry.owner, entry.group, entry.path))
    lines += ["%changelog", recipe.changelog]
    spec = os.path.join(workdir, "package.spec")
    _write(spec, "\n".join(lines))
    macros = MACROS + [
        # The files are packaged as they are: not stripped, compressed, byte-compiled or searched for debugging information.
        "__spec_install_post %{nil}",
        "debug_package %{nil}",
        "_binaries_in_noarch_packages_terminate_build 0",
        "_binary_filedigest_algorithm 8",
        "_binary_payload w9.gzdio",
        "_topdir " + workdir,
        "_tmppath " + workdir,
        "_rpmdir " + os.path.dirname(result),
        "_rpmfilename " + os.path.basename(result),
    ]
    command = [module.get_bin_path("rpmbuild", required=True), "-bb", "--target", recipe.package.arch]
    command += ["--buildroot", os.path.join(workdir, "buildroot")]
    for macro in macros:
        command += ["--define", macro]
    return command + [spec]


def remove(workdir):
    """Remove the work directory, with whatever modes the packaged directories have."""
    for folder, subfolders, _files in os.walk(workdir):
        for name in subfolders:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(workdir)


def _walk(what, source):
    """The names of everything below a directory, relative to it, and "" for itself."""
    names = [""]

    def unreadable(error):
        raise RpmError("%s.src: cannot read %s: %s" % (what, error.filename, error.strerror))

    for folder, subfolders, files in os.walk(source, onerror=unreadable):
        for name in subfolders + files:
            path = os.path.join(folder, name)
            kind = stat.S_IFMT(os.lstat(path).st_mode)
            if kind not in (stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK):
                raise RpmError("%s.src: %s is neither a file, a directory nor a symbolic link" % (what, path))
            names.append(os.path.relpath(path, source))
    return names


def _upwards(path):
    """The path and every directory above it."""
    while True:
        yield path
        if path == "/":
            return
        path = os.path.dirname(path)


def _sha256(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as source:
            for piece in iter(lambda: source.read(1 << 20), b""):
                digest.update(piece)
    except (IOError, OSError) as error:
        raise RpmError("cannot read %s: %s" % (path, error.strerror))
    return digest.hexdigest()


def _write(path, text):
    with io.open(path, "wb") as target:
        target.write(to_bytes(text))


def _escape(text):
    """Keep RPM from expanding macros in what it is given."""
    return text.replace("%", "%%")


def _entry_line(path, kind, mode, owner, group, detail, config):
    parts = [kind, "-" if mode is None or kind == "link" else "%04o" % mode, owner, group, path, detail, "config" if config else ""]
    return " ".join(part for part in parts if part)


def _block(title, text):
    return [title + ":"] + ["    " + line.rstrip() for line in text.strip("\n").splitlines()]


def _line(what, text):
    if not text.strip() or len(text.splitlines()) != 1:
        raise RpmError("%s must be one line of text" % what)
    return text.strip()


def _text(what, text):
    if "\0" in text:
        raise RpmError("%s has a NUL in it, where RPM would end it" % what)
    for line in text.splitlines():
        if _DIRECTIVE.match(line):
            raise RpmError("%s: the line %r would be a directive to RPM, not text; put something else at its beginning" % (what, line))
        if line.startswith("%"):
            raise RpmError("%s: the line %r starts with %%, which RPM would take for one of its sections; indent it" % (what, line))
    return text


def _script(what, text):
    if "\r" in text:
        raise RpmError(
            "%s has line ends of Windows (CR LF), or another carriage return. The shell takes it for a part of each command, so that the script would fail "
            "where the package is installed. Save it with the line ends of Unix (LF)" % what
        )
    return _text(what, text)


def _check_interpreter(what, entry):
    """The kernel takes all of the first line for the name of the interpreter."""
    if not entry.mode & 0o111:
        return
    try:
        with io.open(entry.source, "rb") as source:
            first = source.readline(LONGEST_INTERPRETER)
    except (IOError, OSError) as error:
        raise RpmError("cannot read %s: %s" % (entry.source, error.strerror))
    if first.startswith(b"#!") and b"\r" in first:
        raise RpmError(
            "%s: the first line of %s ends as on Windows (CR LF), so that the kernel would look for an interpreter whose name ends in a carriage return: "
            "the program could not be started. Convert the file (sed -i 's/\\r$//'), or take its right of execution away" % (what, entry.source)
        )


def _dependency(what, text):
    if not _DEPENDENCY.match(text):
        raise RpmError("%s: %r is not understood; write a name, or a name, an operator and a version, such as 'python3 >= 3.6'" % (what, text))
    return text


def _owner(what, name):
    if not _OWNER.match(name):
        raise RpmError("%s: %r is no name of a user or group" % (what, name))
    return name


def _mode(what, mode):
    if not hasattr(mode, "encode"):
        raise RpmError("%s: write the mode %s in quotes, such as '0644': without them YAML makes another number of it" % (what, mode))
    if not _MODE.match(mode):
        raise RpmError("%s: %r is no mode; write it in octal, such as '0644'" % (what, mode))
    return int(mode, 8)


def _path(what, path):
    path = to_native(path)
    if not path.startswith("/") or ".." in path.split("/"):
        raise RpmError("%s %r: give an absolute path without '..'" % (what, path))
    try:
        to_bytes(path, errors="surrogate_or_strict").decode("utf-8")
    except UnicodeDecodeError:
        raise RpmError("%s %r: the path is not UTF-8, which RPM has refused since 4.15; rename it, or pack it into an archive" % (what, path))
    if _ODD_IN_PATH.search(path):
        raise RpmError(
            "%s %r: the path has a blank or one of * ? %% $ \" ' \\ [ ] { } in it, which RPM does not take reliably; rename it, "
            "or pack it into an archive" % (what, path)
        )
    return os.path.normpath("/" + path.lstrip("/"))
