# make demo   sets everything up and runs the whole workflow on the embedded emulator, ending in demo/index.html
# make test   sets everything up and passes every check and test
# make help   lists the rest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(CURDIR)/$(BIN):$(PATH)

RUST_SOURCES := $(shell find src -name '*.rs' -o -name '*.json' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo test develop format lint rust python bench wheel lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: develop ## run the whole workflow on the emulator and write demo/index.html
	$(BIN)/python -m streetlens demo --output demo

test: lint rust python ## every check and every test

lint: develop ## formatting, clippy, rustdoc, ruff, mypy, stubtest
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked -p streetlens-core
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest streetlens._streetlens

rust: ## tests of the core
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --locked; else cargo test --workspace --locked; fi

python: develop ## tests of the Python package, the emulator, the notebooks and the docstrings
	$(BIN)/pytest -n auto --dist loadfile

bench: develop ## print ratios against other clients: rate, cost, quotas, faults, memory (half an hour)
	cargo build --release --locked -p streetlens-bench
	$(BIN)/python tests/bench/classify_throughput.py
	$(BIN)/python tests/bench/classify_quota.py
	$(BIN)/python tests/bench/classify_faults.py
	$(BIN)/python tests/bench/classify_memory.py
	$(BIN)/python tests/bench/query_to_arrow.py
	$(BIN)/python tests/bench/query_conversions.py
	$(BIN)/python tests/bench/import_time.py

wheel: $(VENV)/installed ## the wheel that users install, in dist/
	$(BIN)/maturin build --profile dist --locked --out dist

develop: $(VENV)/built ## the package in .venv, native module included

$(VENV)/built: $(VENV)/installed $(RUST_SOURCES)
	$(BIN)/maturin develop --release --locked --quiet >/dev/null
	@touch $@

$(VENV)/installed: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip install --quiet --requirement requirements.lock
	@touch $@

format: ## reformat everything
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/installed ## pin the Python packages that are installed
	(head -1 requirements.lock; $(BIN)/uv pip freeze --exclude-editable) > requirements.new && mv requirements.new requirements.lock

clean: ## remove what was built
	rm -rf target $(VENV) dist demo
