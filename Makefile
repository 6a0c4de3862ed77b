# make demo   sets everything up and makes the footsteps of the shipped cut
# make test   sets everything up and runs all tests
# make check  lint, types and the import contract

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test check system clean

demo: $(STAMP)
	$(BIN)/otio-foley demo --output-dir demo_out

test: $(STAMP)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The pins are for the whole set; `pip check` proves that they belong together.
$(STAMP): pyproject.toml constraints.txt | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,test,lint]'
	$(BIN)/python -m pip check
	@touch $@

# OpenCV and mediapipe load two shared libraries that are not in their wheels.
system:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	  || { echo "Python 3.11 or 3.12 is needed (mediapipe has no other wheels);" \
	            "name it with: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@for lib in libGL.so.1 libgthread-2.0.so.0; do \
	  $(PYTHON) -c "import ctypes; ctypes.CDLL('$$lib')" 2>/dev/null || missing="$$missing $$lib"; \
	done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing system libraries:$$missing"; \
	    apt-get update -qq && apt-get install -y -qq libgl1 libglib2.0-0; \
	  else \
	    echo "system libraries are missing:$$missing"; \
	    echo "on Debian or Ubuntu: sudo apt-get install libgl1 libglib2.0-0"; exit 1; \
	  fi; \
	fi

clean:
	rm -rf $(VENV) demo_out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
