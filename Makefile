# Each target calls one tool. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help book pdf test real notebooks lab serve bundle grade bench sample data-report results colab class-bucket pins clean

help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 20

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -m tools.upkeep.make_venv

book: $(READY)  ## Build the site into _build/html; EDITION=class leaves the solutions out
	@$(BIN)/python -m tools.site.build_book $(if $(EDITION),--edition $(EDITION))

pdf: $(READY)  ## Print the book into _build/course.pdf; EDITION=class, CHROMIUM=/path/to/chrome
	@$(BIN)/python -m tools.site.pdf $(if $(EDITION),--edition $(EDITION)) --browser "$(CHROMIUM)"

test: $(READY)  ## Linters, types, unit tests, doctests, notebook checks, nbval
	@$(BIN)/python -m tools.upkeep.run_tests

.PHONY: test-site page-weights
test-site: $(READY)  ## Look at the built book in Chromium: links, search, keyboard, axe-core, bytes
	@$(BIN)/python -m tools.upkeep.run_tests site

page-weights: $(READY)  ## Weigh every page of the built book, and time its first paint
	@$(BIN)/python -m tools.site.page_weights

# Real data is looked for in COURSE_DATA_DIR, or beside the checkout, or is downloaded. The names of
# lessons begin with 0 and 1.
COURSE_DATA_DIR ?= $(wildcard ../shared/data)
export COURSE_DATA_DIR

real: $(READY)  ## Execute every lesson on real MovieLens (COURSE_DATASET, COURSE_DATA_DIR)
	@rm -rf _build/real && mkdir -p _build/real
	@COURSE_DATASET=$${COURSE_DATASET:-ml-latest-small} COURSE_RECORD=$(CURDIR)/_build/real \
	  $(BIN)/python -m tools.notebooks.build run 0 1
	@case "$$COURSE_DATASET" in ""|ml-latest-small) $(BIN)/python -m tools.notebooks.results --check _build/real;; esac

notebooks: $(READY)  ## Sync the notebooks with their scripts, execute and check them
	@$(BIN)/python -m tools.notebooks.build build

lab: $(READY)  ## Open the notebooks in JupyterLab
	@$(BIN)/python -m jupyterlab notebooks

serve: $(READY)  ## Serve a saved model on this machine: ADDRESS=folder or s3://… ARGS="--port 8000"
	@$(BIN)/python -m course_cloud.serving $(ADDRESS) $(ARGS)

bundle: $(READY)  ## One zip for students, dist/labs.zip: labs, lessons, packages, sample
	@$(BIN)/python -m tools.labs.bundle

grade: $(READY)  ## Grade notebooks: LAB=lab02 FROM=submissions TO=grades ARGS="--seconds 600"
	@$(BIN)/python -m course_labs.grading.grade $(LAB) --from $(or $(FROM),submissions) --to $(or $(TO),grades) $(ARGS)

bench: $(READY)  ## Time the packages against their peers, side by side
	@$(BIN)/python benchmarks/run.py

sample: $(READY)  ## Regenerate data/sample, and the data card's tables and figure
	@$(BIN)/python -m tools.sample.make
	@$(BIN)/python -m tools.sample.report --write

data-report: $(READY)  ## Lay the sample beside real MovieLens: statistics, and what models find
	@$(BIN)/python -m tools.sample.report

results: $(READY)  ## Choose the settings, fit every model, and write all numbers, sample and real
	@$(BIN)/python -m tools.notebooks.settings --write
	@$(BIN)/python -m tools.notebooks.results --write
	@COURSE_DATASET=ml-latest-small $(BIN)/python -m tools.notebooks.results --write
	@COURSE_DATASET=ml-latest-small COURSE_RECORD=$(CURDIR)/book/_generated/real \
	  $(BIN)/python -m tools.notebooks.build run 0

colab: $(READY)  ## Run all notebooks as Colab would: COLAB_PYTHON=python3.12 for its previous runtime
	@$(BIN)/python -m tools.notebooks.colab $${COLAB_PYTHON:-python3.13} $(ARGS)

class-bucket: $(READY)  ## Show what a bucket for your class takes: BUCKET=… DATASET=… ARGS="--region …"
	@$(BIN)/python -m tools.cloud.bucket $(BUCKET) --dataset $(or $(DATASET),sample) $(ARGS)

# What a course that is yours needs: your names in it, a machine that works, the newest packages.
.PHONY: adopt doctor upgrade links

doctor:  ## Say what is wrong with this machine, and what to do
	@$(PYTHON) -m tools.upkeep.doctor

# Make hands its variables to the shell, which keeps quotes and spaces in a title as they are;
# `value` keeps its dollars.
export override TITLE := $(value TITLE)
adopt: $(READY)  ## Make the course yours: REPO=https://github.com/you/course BUCKET=… TITLE=…
	@$(BIN)/python -m tools.upkeep.adopt $(if $(REPO),--repo "$$REPO") $(if $(BUCKET),--bucket "$$BUCKET") \
		$(if $(TITLE),--title "$$TITLE") $(ARGS)

upgrade: $(READY)  ## Newest pins, all notebooks again, and what changed: ARGS="--report FILE"
	@$(BIN)/python -m tools.upkeep.upgrade $(ARGS)

links: $(READY)  ## Ask whether the external links of the book still work
	@$(BIN)/python -m tools.site.build_book --links

# On Linux, PyPI's torch asks for gigabytes of CUDA. Which of them, if any, is left to pip: a CPU
# build of the same version asks for none.
CUDA := nvidia-|cuda-|triton

pins: $(READY)  ## Compile requirements.txt from pyproject.toml; UPGRADE=1 takes the newest of all
	@cp requirements.txt requirements.new
	@$(BIN)/python -m uv pip compile pyproject.toml --extra dev --extra s3 --extra bert \
		--extra serve --extra spark $(if $(UPGRADE),--upgrade) --output-file requirements.new \
		--universal --python-version 3.11 --fork-strategy fewest --no-annotate \
		--custom-compile-command "make pins" --quiet >/dev/null
	@grep -vE '^($(CUDA))' requirements.new > requirements.txt; rm requirements.new

clean:  ## Remove what was built; data and .venv stay
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache
