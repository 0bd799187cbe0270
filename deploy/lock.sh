#!/bin/sh
# Locks pyproject.toml into requirements/*.txt: every hash, no registry addresses.
set -eu
cd "$(dirname "$0")/.."
tool=.venv/lock-tool
[ -x "$tool/bin/uv" ] || { .venv/bin/python -m venv "$tool" && "$tool/bin/pip" install -q uv; }
compile() { "$tool/bin/uv" pip compile pyproject.toml --all-extras "$@" --generate-hashes --no-emit-index-url --universal --python-version 3.11 -q; }
compile --group build -o requirements/runtime.txt
compile --group build --group test --group lint -o requirements/dev.txt
