# make run              set up what is missing, start the node with the demonstration PACS, send the sample studies
# make run ARGS=--once  the same, then stop; status 0 or an error
# make setup            the set-up alone
# make test             set up what the tests need and run them all (ARGS go to pytest)
# make check            ruff, mypy, import contracts
# make bench            the benchmarks
# make test-postgres    the tests that start a node, with the ledger in PostgreSQL
# make faults N=500     studies through a node whose services are killed; prints lost / duplicated / wrong / stuck
# Every path here is relative, so that a folder with a space in its name does no harm.

SHELL := /bin/bash
.DEFAULT_GOAL := help
ARGS ?=
TEST_PROCESSES ?= 2

N ?= 500

.PHONY: help setup setup-tests run test test-postgres faults check bench

help:
	@sed -n 's/^# //p' Makefile | head -n 8

setup:
	@./setup.sh

setup-tests:
	@./setup.sh --tests

run: setup
	@.venv/bin/appliance up --demo $(ARGS)

test: setup-tests
	@.venv/bin/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile $(ARGS)

test-postgres: setup-tests
	@APPLIANCE_TEST_DATABASE=postgresql .venv/bin/python -m pytest tests/integration tests/faults $(ARGS)

faults: setup-tests
	@.venv/bin/python -m tests.faults --studies $(N) $(ARGS)

check: setup-tests
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup
	@.venv/bin/python -m benchmarks $(ARGS)
