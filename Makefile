# Thin names for the commands of the README; they use the virtual environment .venv, which `make setup` makes.

PYTHON = .venv/bin/python

.PHONY: setup run test bench lint clean

setup:
	python3 -m venv .venv
	.venv/bin/pip install --quiet --editable '.[test]'

run:
	$(PYTHON) -m host examples/config

test:
	$(PYTHON) -m pytest -q

bench:
	$(PYTHON) -m host bench $(if $(SKYNET),--skynet $(SKYNET))

lint:
	.venv/bin/ruff check host tests cservice_py examples setup.py
	.venv/bin/mypy
	for f in $$(git ls-files '*.lua'); do luac5.4 -p "$$f" || exit 1; done

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find host tests cservice_py -name __pycache__ -type d -exec rm -rf {} +
	rm -f host/core/*.so host/luaclib/*.so
