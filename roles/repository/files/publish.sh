#!/bin/sh
# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# publish.sh run|check REPOSITORY STATE yes|no [RPM ...]
#
# Puts packages in a repository and renews its metadata. It looks at what is there, not at what it did before, so that it makes good
# whatever was cut off. Prints one line for each thing that it changes (in check mode: would change), and nothing when there is none.
set -eu
umask 022
export LC_ALL=C

mode=$1 repository=$2 state=$3 replace=$4
shift 4

if [ "$mode" = check ] && ! { [ -d "$repository" ] && command -v createrepo_c >/dev/null; }; then
    echo "metadata"
    exit 0
fi

exec 9>"$state/lock"
flock 9

key=
work=$(mktemp -d "$repository/.work.XXXXXX")
trap 'rm -rf "$work"; [ -z "$key" ] || gpgconf --kill gpg-agent' EXIT
trap 'exit 1' HUP INT TERM

# The same for a package before and after it is signed.
identity() {
    rpm -qp --nosignature --qf '%{SHA1HEADER} %{SIGMD5}' "$1"
}

published_as() {
    rpm -qp --nosignature --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' "$1"
}

same() {
    [ -e "$2" ] && [ "$(identity "$1")" = "$(identity "$2")" ]
}

for rpm in "$@"; do
    # In check mode nothing was brought here yet.
    [ "$mode" = check ] && [ ! -e "$rpm" ] && continue
    # Asked for its name only, RPM takes any text for a list of packages, and half a package for a whole one.
    rpm --checksig --nosignature "$rpm" >/dev/null 2>&1 || {
        echo "$rpm is not a whole RPM package. Nothing was published." >&2
        exit 3
    }
    name=$(published_as "$rpm")
    if [ -e "$repository/$name" ] && [ "$replace" = no ] && ! same "$rpm" "$repository/$name"; then
        echo "$name is published already with other contents, and nodes that have it would not take this one." \
            "Build it with a higher release, or set repository_replace. Nothing was published." >&2
        exit 3
    fi
done

if [ -e "$state/signing-key" ]; then
    key=$(cat "$state/signing-key")
    export GNUPGHOME="$state/gnupg"
fi

is_signed() {
    rpm -qp --nosignature --qf '%{RSAHEADER:pgpsig}%{DSAHEADER:pgpsig}' "$1" |
        grep -qi "key id $(printf %s "$key" | tail -c 16)"
}

# put FILE NAME: signed where there is a key, and in one step.
put() {
    echo "$2"
    [ "$mode" = run ] || return 0
    cp "$1" "$work/$2"
    if [ -n "$key" ]; then
        # Without the lock: gpg leaves an agent running, which would hold it.
        rpmsign --define "_gpg_name $key" --define "__gpg $(command -v gpg)" --addsign "$work/$2" >"$work/rpmsign.log" 2>&1 9>&- || {
            cat "$work/rpmsign.log" >&2
            exit 4
        }
    fi
    chmod 0644 "$work/$2"
    mv "$work/$2" "$repository/$2"
}

for rpm in "$@"; do
    [ "$mode" = check ] && [ ! -e "$rpm" ] && continue
    name=$(published_as "$rpm")
    same "$rpm" "$repository/$name" || put "$rpm" "$name"
done

if [ -n "$key" ]; then
    for rpm in "$repository"/*.rpm; do
        [ -e "$rpm" ] || continue
        is_signed "$rpm" || put "$rpm" "${rpm##*/}"
    done
fi

# Every file but repomd.xml has the checksum of its content in its name. So the set of names says whether something changed, new files
# can be put beside the old ones, and the exchange of repomd.xml alone takes clients from one state to the next.
createrepo_c --quiet --update --update-md-path "$repository" --outputdir "$work" --no-database --general-compress-type gz \
    --excludes '.work.*' "$repository" >"$work/createrepo.log" 2>&1 || {
    cat "$work/createrepo.log" >&2
    exit 5
}

files_of() {
    sed -n 's|.*<location href="repodata/\([^"]*\)".*|\1|p' "$1" | sort
}

files_of "$work/repodata/repomd.xml" >"$work/new"
: >"$work/old"
[ ! -e "$repository/repodata/repomd.xml" ] || files_of "$repository/repodata/repomd.xml" >"$work/old"
cmp -s "$work/new" "$work/old" && exit 0

echo "metadata"
[ "$mode" = run ] || exit 0
mkdir -p "$repository/repodata"
while read -r name; do
    mv "$work/repodata/$name" "$repository/repodata/$name"
done <"$work/new"
mv "$work/repodata/repomd.xml" "$repository/repodata/repomd.xml"

# A client that has read the former repomd.xml still finds its files for a day.
find "$repository/repodata" -type f ! -name repomd.xml -mtime +0 | while read -r path; do
    grep -qxF "${path##*/}" "$work/new" || rm -f "$path"
done
