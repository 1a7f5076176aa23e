# Shorthands for people who live in make; ./run does the work.
.PHONY: run test check lock

PYTHON ?= .venv/bin/python
COMPILE = $(PYTHON) -m uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate

run:
	./run

test:
	./run test

check:
	./run check

# After a change of requirements*.in; what is locked already stays at its version.
lock:
	$(COMPILE) requirements-uv.in -o requirements-uv.txt
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
