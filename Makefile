# Openhaven. `make run` starts everything on this machine; `make` alone shows this list.
.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-policy bench-protections bench-console chaos-filing scenarios scenarios-returning screenshots lint fmt types lock words clean

PYTEST := .venv/bin/python -m pytest
# The fast ring runs on two cores; what starts browsers and homeservers runs alone.
SIDE_BY_SIDE := -n 2 --dist loadfile

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: ## install (first time), start PostgreSQL, API, worker, console and the demo platform
	@scripts/environment .venv requirements.lock
	@# The demo ends as well when make itself is killed.
	@exec $$(command -v setpriv >/dev/null && echo setpriv --pdeathsig TERM) .venv/bin/openhaven demo

check: ## the fast ring: format, lint, types, tests without the slow ones
	@scripts/environment .venv requirements-dev.lock
	@$(MAKE) --no-print-directory lint types
	$(PYTEST) $(SIDE_BY_SIDE) -m "not slow"

test: ## everything: sets itself up, then every check and every test
	@scripts/environment .venv requirements-dev.lock
	@scripts/environment .venv-synapse requirements-synapse.lock
	@scripts/browser
	@$(MAKE) --no-print-directory lint types
	@scripts/tests $(SIDE_BY_SIDE) -m "not slow"
	@scripts/tests -m slow

bench: ## events per second through the whole line; one JSON object as the last line
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench

bench-matching: ## exact lookups of picture hashes, against peers that are installed; N=10000000
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench.images
	@.venv/bin/python -m bench.matching -n $(or $(N),1000000)
	@.venv/bin/python -m bench.nearly

bench-policy: ## rules per second, and the time that one event takes; JSON as the last line
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench.policy

bench-protections: ## the time of a check, alone and over HTTP; one JSON object as the last line
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench.protections

bench-console: ## many tasks, many reviewers, processes killed; one JSON object as the last line
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench.console

chaos-filing: ## kill the sender of reports to authorities at every step; N=150 SEED=7; JSON as the last line
	@scripts/environment .venv requirements-dev.lock
	@# Not as a module: each sender would load it once more.
	@.venv/bin/python -c "from bench.chaos_filing import main; main()" -n $(or $(N),150) --seed $(or $(SEED),7)

scenarios: ## what the signs of behaviour find and miss, in invented towns; JSON as the last line
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench.scenarios

scenarios-returning: ## who comes back is met, and who else is, in invented towns; JSON as the last line
	@scripts/environment .venv requirements-dev.lock
	@.venv/bin/python -m bench.returning

screenshots: ## make the pictures in docs/screenshots anew, from the running demo
	@scripts/environment .venv requirements-dev.lock
	@scripts/browser
	@# Every language of Plaza is drawn with Debian's fonts-lohit-deva and fonts-ipafont-gothic.
	SCREENSHOTS=docs/screenshots $(PYTEST) tests/story -k "whole_story or phone or child or receipt"

lint: ## format and lint, nothing is changed
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

types: ## strict types
	.venv/bin/mypy

fmt: ## format, and mend what the linter can
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

words: ## find the sentences for people, and bring the translations up to date
	@.venv/bin/python scripts/words

lock: ## make the lock files anew (needs uv: pip install uv)
	@scripts/lock

clean: ## remove environments and caches; the state in .openhaven stays
	rm -rf .venv .venv-synapse .mypy_cache .ruff_cache .hypothesis .pytest_cache dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
