# Everything a newcomer types. Each target sets up what is missing first; the second time that takes a second.
SHELL := bash
# Even where the shell forbids it, what was compiled is kept: a suite starts hundreds of interpreters.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help setup up demo bench check test docs clean

help:
	@echo 'make up      everything in the sandbox: PostgreSQL, Dagster, web app, stand-ins; Ctrl-C stops it all'
	@echo 'make demo    the main job once, from public record to leads, as a table'
	@echo 'make bench   the measured goals, each as a ratio against a peer in the same run'
	@echo 'make check   lint and types'
	@echo 'make test    lint, types and all tests'
	@echo 'make docs    rewrites docs/reference from the code'
	@echo 'make clean   removes what can be made again: packages, tools, caches (not your data in .pw)'

setup:
	@tools/setup.sh

up: setup
	@exec .venv/bin/pw up

demo: setup
	@exec .venv/bin/pw demo

bench: setup
	@status=0; for name in acquisition registry orders fulfillment; do .venv/bin/pw bench $$name || status=1; done; exit $$status

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test: check
	.venv/bin/python tools/suite.py

docs: setup
	.venv/bin/python tools/reference.py

clean:
	rm -rf .venv .pw/tools .pw/stamps .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_models/target dbt_models/logs
	@echo 'Your data, if any, is still in .pw'
