# Two commands are all a new machine needs: make run, make test. Both work with Python 3.11+ and nothing else of ours.

PYTHON ?= python3
BIN := .venv/bin
PAGE := api/web/dist/index.html
PAGE_SOURCES := $(shell find api/web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup page run test services test-services test-ultralytics check bench bench-count-cost bench-day-curves clean help

help:  ## what can be made
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: .venv/ready  ## the environment alone

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("busyness needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; echo "$(PYTHON) cannot make an environment: on Debian, apt install python3-venv"; exit 1; }

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=24'  # older ones cannot resolve the constraints
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/ready: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

page: $(PAGE)  ## build the map page

# npm's scripts look for node on the path: it is the one that came with the environment.
$(PAGE): .venv/installed $(PAGE_SOURCES)
	cd api/web && export PATH="$(CURDIR)/$(BIN):$$PATH" && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	@touch $@

run: $(PAGE)  ## the demo: a synthetic city on a map, no network and no key
	$(BIN)/busyness run configs/demo.yaml

test: .venv/ready  ## the fast suite
	$(BIN)/python -m pytest -n 2

services: .venv/ready  ## what the next one starts: PostgreSQL's programs, Kafka's broker from Maven Central
	@cd tests && ../$(BIN)/python -m services.ready

test-services: services $(PAGE)  ## what needs a real service or minutes: Kafka, PostgreSQL, Chromium, whole real days
	cd api/web && PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent
	$(BIN)/python -m pytest -m 'service or slow'

test-ultralytics: .venv-ultralytics/ready  ## the optional backend: the contract suite with every adapter present
	.venv-ultralytics/bin/python -m pytest tests/contract/test_counting_models.py tests/detect/test_ultralytics_boxes.py tests/models/test_finetune_yolo.py tests/models/test_network.py -m ''

.venv-ultralytics/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-ultralytics
	.venv-ultralytics/bin/python -m pip install --quiet --upgrade 'pip>=24'
	.venv-ultralytics/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,ultralytics]'
	touch $@

check: .venv/ready  ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(subst _,-,$(patsubst benchmarks/%.py,bench-%,$(wildcard benchmarks/*.py))) bench-count-cost bench-day-curves  ## every measured claim

bench-%: .venv/ready
	@$(BIN)/python benchmarks/$(subst -,_,$*).py

# YOLO11n is described, and made into ONNX, by Ultralytics in its own environment; what is timed is ONNX Runtime in ours.
YOLO11N := .venv-ultralytics/yolo11n-352x288.onnx

$(YOLO11N): .venv-ultralytics/ready benchmarks/count_cost/yolo11n.py
	@.venv-ultralytics/bin/python benchmarks/count_cost/yolo11n.py $@ >&2

bench-count-cost: .venv/ready $(YOLO11N)
	@$(BIN)/python benchmarks/count_cost/measure.py $(YOLO11N)

OUT ?= var/day-curves

bench-day-curves: .venv/ready  ## the real days as curves, drawn into OUT
	@$(BIN)/python benchmarks/day_curves/draw.py $(OUT)

clean:  ## remove what was built here
	rm -rf .venv .venv-ultralytics api/web/dist api/web/node_modules
