# `just` lists the recipes; `pip install rust-just` brings just itself.

_default:
    @just --list

# Install the package in place, with everything that developers need
install:
    python -m pip install --editable ".[dev]"

# Run the tests
test *arguments:
    python -m pytest {{ arguments }}

# Check style and formatting
lint:
    ruff check .
    ruff format --check .

# Mend style and formatting
format:
    ruff check --fix .
    ruff format .

# Check types
types:
    pyright

# Check that imports point down
imports:
    lint-imports

# Everything that a change must pass
check: lint types imports test

# Reproduce the paper; write docs/reproduce.md, docs/findings.md and their pictures
reproduce:
    relubias reproduce --out reproduction
    python docs/make_reproduce.py reproduction
    python docs/make_findings.py reproduction

# Write docs/conditions.md from the docstrings of the statements
conditions:
    python docs/make_conditions.py

# Compare every switch of 10,000 random runs with exact arithmetic
oracle *arguments:
    python tests/campaigns/switch_sequences.py --instances 10000 {{ arguments }}

# Compare gradient flows with long double stepping, with descent, and with themselves on a fine grid
flow-oracle:
    python tests/campaigns/flow_oracle.py --instances 200
    python tests/campaigns/flow_random.py --instances 500
    python tests/campaigns/flow_dips.py --instances 2000
    python tests/campaigns/flow_descent.py --instances 216

# Draw the pictures of docs/index.md and docs/flow.md
picture:
    python docs/make_front.py
    python docs/make_flow.py

# Build the pages into docs/_build/html; `just docs -E -a` builds all of them anew
docs *arguments:
    python -m sphinx -W --keep-going -n -b html {{ arguments }} docs docs/_build/html
    python docs/check_site.py docs/_build/html

# Time this checkout; `just bench --bench Descent` selects
bench *arguments:
    cd benchmarks && asv machine --yes && asv run --python=same --show-stderr {{ arguments }}

# Time against other packages and write docs/benchmarks.md
bench-compare *arguments:
    python benchmarks/compare/all.py {{ arguments }}
