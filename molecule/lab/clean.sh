# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Removes the lab NAME of this checkout, or all its labs: sh molecule/lab/clean.sh [NAME]
# Needs nothing but podman, so that it works when everything else is gone.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
name=${1:-}
# Where bootstrap.py has decided for sudo, its podman is there.
PATH=$root/.cache/bin:$PATH

ours() {
    podman "$@" --quiet --filter "label=halfswap.checkout=$root" --filter "label=halfswap.lab${name:+=$name}"
}

if command -v podman >/dev/null; then
    # Where podman fails, all stays as it is: without the directory nobody would know of the containers.
    containers=$(ours ps --all)
    networks=$(ours network ls)
    # shellcheck disable=SC2086 # each is several words
    {
        [ -z "$containers" ] || podman rm --force --time 0 $containers >/dev/null
        [ -z "$networks" ] || podman network rm --force $networks >/dev/null
    }
fi
rm -rf "$root/.cache/labs${name:+/$name}"
