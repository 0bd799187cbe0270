# `make help` lists everything.  Nothing needs to be prepared: each target sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
DATA ?= var
OUT ?= out
WORKERS ?= 2

.PHONY: help setup setup-dev demo up stop sample why test test-unit test-all bench fuzz openapi fmt lint types imports deps check lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## virtual environment, locked packages, native libraries, Kafka's jars
	@sh deploy/setup.sh runtime

setup-dev:
	@sh deploy/setup.sh dev

demo: setup ## the whole road on a sample fleet: pings in, claim form out  (ROADS= PINGS= TRUTH= for your own data)
	@$(BIN)/rucor demo --data-dir "$(DATA)" --out "$(OUT)" $(if $(ROADS),--roads "$(ROADS)") $(if $(PINGS),--pings "$(PINGS)") $(if $(TRUTH),--truth "$(TRUTH)") $(if $(UNTIL),--until "$(UNTIL)")

up: setup ## start Kafka, Postgres and all services, leave them running, print where to look (Ctrl-C stops)
	@$(BIN)/rucor up --data-dir "$(DATA)"

sample: setup ## write the sample district and fleet to out/sample
	@$(BIN)/rucor sample --out "$(OUT)/sample"

test: setup-dev ## every test but the slow ones, against real Kafka and Postgres (about 10 minutes on 2 cores)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not slow"

test-unit: setup-dev ## the tests that need no services
	@$(BIN)/pytest tests/unit tests/property -m "not integration and not slow"

test-all: setup-dev ## every test, the slow ones too
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile

bench: setup-dev ## the classifier beside H3, STRtree and Valhalla, a statement beside plain SQL, into out/ (15 minutes)
	@$(BIN)/python -m tests.bench --out "$(OUT)/bench.json"
	@$(BIN)/python -m tests.bench.statement --out "$(OUT)/statement.json"

why: setup ## answer the question of docs/guide/auditor.md on a sample fleet, and draw docs/images/why.svg
	@$(BIN)/rucor sample --out "$(OUT)/why" --until 2026-03-14 --seed 1
	@$(BIN)/rucor roads build "$(OUT)/why/district.osm" --coverage "$(OUT)/why/coverage.geojson" --out "$(OUT)/why/roads"
	@$(BIN)/rucor explain --roads "$(OUT)/why/roads" --pings "$(OUT)/why/pings.ndjson.gz" --device log-7 \
		--at 2026-03-01T05:50:00+13:00 --out docs/images/why.svg --json "$(OUT)/why/why.json"

fuzz: setup-dev ## schemathesis against every API on a filled stack of its own  (MINUTES=10 ONLY=claims SEED=7)
	@$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),10) $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

openapi: setup-dev ## write the OpenAPI documents of all services into docs/openapi
	@$(BIN)/python -m deploy.openapi.documents

fmt: setup-dev ## format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only .

lint: setup-dev ## ruff, SQL lints, dependency check
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/deptry . && $(BIN)/squawk services/*/migrations/*.sql && $(BIN)/python tests/lints.py

types: setup-dev ## mypy --strict
	@$(BIN)/mypy

imports: setup-dev ## import rules
	@$(BIN)/lint-imports

check: lint types imports ## all static checks

lock: setup-dev ## make the requirement locks again from pyproject.toml
	@sh deploy/lock.sh

clean: ## remove what the targets made (not ./var)
	@rm -rf .venv $(OUT) .mypy_cache .ruff_cache .pytest_cache .hypothesis
