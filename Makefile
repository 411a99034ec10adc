# make run    set up, then the main job: train, evaluate, report     make test       set up, then the fast tests
# make demo   dense, static and RigL on the sample data, compared    make test-slow  all other tests
# make lint   style and types                                        make test-all   both
# make bench  speed measurements                                     make soak       the long trials
# make test-gpu   what needs a CUDA device, skipped elsewhere
# make docs   the site, into site/, strictly                         make dist       wheels and sdists, checked
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python scripts/run.py
DEMO := data.root='built-in sample data' logging.dir=runs/demo

TEST := $(BIN)/python -m pytest -n 2 --dist worksteal --durations=25

.PHONY: run demo test test-slow test-all test-gpu lint bench soak docs dist clean

run: .venv/.installed
	$(RUN) configs/ucf101_rigl.yaml

demo: .venv/.installed
	$(RUN) configs/ucf101_dense.yaml $(DEMO)
	$(RUN) configs/ucf101_static.yaml $(DEMO)
	$(RUN) configs/ucf101_rigl.yaml $(DEMO)
	$(BIN)/python scripts/report.py runs/demo/ucf101_dense runs/demo/ucf101_static runs/demo/ucf101_rigl --out runs/demo

test: .venv/.with-dev
	$(TEST) -m "not slow"

test-slow: .venv/.with-dev
	$(TEST) -m slow

test-all: .venv/.with-dev
	$(TEST)

test-gpu: .venv/.with-dev
	$(BIN)/python -m pytest -n 0 -rs -m gpu

lint: .venv/.with-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.with-dev
	$(BIN)/python -m pytest tests/speed -s

soak: .venv/.with-peers
	$(BIN)/python -m pytest tests/soak -s --timeout=3600

docs: .venv/.with-docs
	$(BIN)/python -m tools.docs.site

dist: .venv/.with-release
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m build --outdir dist corruptions
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vidsparse needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.with-peers: .venv/.with-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[peers]'
	touch $@

.venv/.with-docs: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

RELEASE_TOOLS := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["release"], sep="\n")

.venv/.with-release: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -c '$(RELEASE_TOOLS)' > .venv/release.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement .venv/release.txt
	touch $@

.venv/.with-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,tensorboard,cluster]'
	touch $@
