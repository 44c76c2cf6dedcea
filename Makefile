# Thin: every target is one line that anyone can type.
UV = .venv/bin/uv

.PHONY: setup demo test explore check collector crash dialects recordings bench bench-rating bench-query bench-overhead properties rating \
	conformance coexistence leaks cases cases-oldest compare-instrumentations api-fuzz dashboards \
	compose-check compose-processes exports stripe-mock kafka

.venv/bin/uv:
	python3 -m venv .venv && .venv/bin/pip install --quiet uv

setup: .venv/bin/uv
	$(UV) sync --quiet

demo: setup
	$(UV) run --quiet tollspan demo

test: setup
	$(UV) run --quiet pytest -n 3 --dist loadfile --no-loadscope-reorder

explore: setup
	HYPOTHESIS_PROFILE=others $(UV) run --quiet pytest -n 2 -m hypothesis

check: setup
	$(UV) run --quiet ruff check . && $(UV) run --quiet ruff format --check . && $(UV) run --quiet mypy && $(UV) run --quiet lint-imports

collector:
	./collector-config/build

crash: setup
	$(UV) run --quiet python -m tests.crash

recordings: setup
	$(UV) run --quiet python -m tests.recordings

bench: setup
	$(UV) run --quiet python -m benchmarks.ingest

bench-rating: setup
	$(UV) run --quiet python -m benchmarks.rating

bench-query: setup
	$(UV) run --quiet python -m benchmarks.query $(ARGS)

bench-overhead: setup
	$(UV) run --quiet python -m benchmarks.overhead

dialects: setup
	$(UV) run --quiet python -m tests.dialects

properties: setup
	$(UV) run --quiet python -m tests.properties

rating: setup
	$(UV) run --quiet python -m tests.rating

exports: setup
	$(UV) run --quiet python -m tests.export

kafka: setup
	$(UV) run --quiet python -m tests.export.kafka_broker

stripe-mock: setup
	$(UV) run --quiet python -m tests.export --stripe-mock

api-fuzz: setup
	$(UV) run --quiet python -m tests.api

dashboards: setup
	$(UV) run --quiet python -m dashboards

coexistence: setup
	$(UV) run --quiet python -m conformance.coexistence

leaks: setup
	$(UV) run --quiet python -m tests.instrumentation.leaks

conformance: setup
	$(UV) run --quiet python -m conformance

cases: setup
	$(UV) run --quiet python -m comparison cases

cases-oldest: setup
	$(UV) run --quiet python -m comparison oldest

compare-instrumentations: setup
	$(UV) run --quiet python -m comparison peers

compose-check:
	python3 tests/compose/check.py

compose-processes: setup
	$(UV) run --quiet python -m tests.compose.processes
