# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Starts the lab NAME with the demo application in it, and says how to use it: sh molecule/lab/up.sh NAME [OPTION ...]
# The options are for the playbook that sets up the demo.
set -eu
cd "$(dirname "$0")/../.."
name=$1
shift
log=.cache/labs/$name.log
mkdir -p .cache/labs

quietly() {
    printf '%s ...\n' "$1"
    shift
    begun=$(date +%s)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "ERROR: this ended with an error; the reason is above: $*" >&2
        exit 1
    fi
    echo "  done in $(($(date +%s) - begun)) s"
}

quietly "Starting the lab $name" \
    ansible-playbook molecule/lab/create.yml -e "lab_name=$name" -e lab_group_vars=tests/demo/group_vars
quietly "Setting up the demo in it" \
    ansible-playbook -i ".cache/labs/$name/inventory" tests/demo/prepare.yml "$@"

cat <<USAGE

The lab $name is up. To use it from this directory:

  export PATH="$PWD/.cache/bin:$PWD/.venv/bin:\$PATH" ANSIBLE_COLLECTIONS_PATH="$PWD/.cache/collections"
  ansible -i .cache/labs/$name/inventory lab -m ansible.builtin.ping
  ansible-playbook -i .cache/labs/$name/inventory halfswap.bluegreen.status
  ansible-playbook -i .cache/labs/$name/inventory halfswap.bluegreen.deploy -e bluegreen_release=2.0.0

and to watch what a deployment costs under load:

  python tests/demo/run.py --lab $name --to 2.0.0

\`make lab-clean\` removes the lab.
USAGE
