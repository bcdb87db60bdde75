# Copyright (c) 2026, halfswap.bluegreen contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
.PHONY: help tools image lab lab-clean demo crash mutants bench bench-scale bench-probes molecule check test test-all readme clean

LAB := halfswap
BOOTSTRAP := PATH="$(PATH)" python3 molecule/lab/bootstrap.py
# In .cache/bin is the podman that calls sudo, where the lab needs that.
export PATH := $(CURDIR)/.cache/bin:$(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/collections

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

tools: ## Install what is missing: packages with apt-get, Python tools into .venv, collections into .cache
	@$(BOOTSTRAP) podman host tools collections

image: tools ## Build the lab's node image unless it is there (LAB_BASE_IMAGE=... to start from an image of yours)
	@$(BOOTSTRAP) image

lab: image ## Start a lab that stays up, and say how to use it
	@sh molecule/lab/up.sh $(LAB)

lab-clean: ## Remove all labs of this checkout
	@# Without .cache nobody knows any more whether they run by sudo; where neither way is open, there are none.
	@$(BOOTSTRAP) podman >/dev/null 2>&1 || true
	@sh molecule/lab/clean.sh

demo: image ## Deploy 2.0.0 over 1.0.0 in a lab of its own, under load, and count what failed: STRATEGY=cutover EXCLUSIVE=1
	@python tests/demo/run.py $(if $(STRATEGY),--strategy $(STRATEGY)) $(if $(EXCLUSIVE),--exclusive)

crash: image ## Kill a deployment at each of its task boundaries, under load, and see that deploy finishes it: CRASH="--seconds 10 --elsewhere"
	@python tests/faults/crash.py $(CRASH)

mutants: tools ## Break each task, condition and argument of a swap, and see that a cheap check notices: MUTANTS="--only batch.yml"
	@python tests/mutants $(MUTANTS)

bench: image ## Measure deploy against the same steps by ssh alone, in a lab of its own: BENCH="--pairs 9"
	@python tests/bench/deploy.py $(BENCH)

bench-scale: tools ## Measure how plan and status grow from 10 to 500 nodes, without a lab: BENCH="--nodes 10,50,500"
	@python tests/bench/scale.py $(BENCH)

bench-probes: tools ## Flood an agent, and measure how long honest probes wait: BENCH="--help" says more
	@python tests/bench/probes.py $(BENCH)

molecule: image ## Test one role or story in a lab of its own: make molecule SCENARIO=release (all without SCENARIO)
	@molecule test $(if $(SCENARIO),--scenario-name $(SCENARIO),--all)

check: tools ## Run every check that needs no lab: a few minutes; tests/README.md says what each one proves
	@python tests/checks.py --tier check

test: image ## Run these and the scenarios that prove the product, as .ci/run does
	@python tests/checks.py --tier test

test-all: image ## Run every check and scenario there is
	@python tests/checks.py --tier all

readme: tools ## Write the tables of README and docs/refusals.md from the tables of the code
	@PYTHONPATH=.cache/collections python -m ansible_collections.halfswap.bluegreen.tests.readme

clean: lab-clean ## Remove all labs, the node images and all that was installed into this checkout
	@podman images --quiet localhost/halfswap-lab-node | xargs -r podman rmi || echo "A node image stays: a lab of another checkout uses it."
	@rm -rf .cache .venv
