#!/bin/sh
# Builds both distributions and installs them, with exactly the versions of uv.lock, into a new environment:
#
#   compose/install.sh TARGET [EXTRA]      EXTRA of tollspan-rater, for example demo
#
# Needs uv, and Python as `python3`. Run it from the repository's root; it writes nothing there.
set -eu

target=$1
extra=${2:+--extra $2}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# $extra is no word or two words
# shellcheck disable=SC2086
uv export --quiet --frozen --no-dev --no-emit-workspace --package tollspan-rater $extra -o "$made/requirements.txt" >/dev/null
uv build --quiet --wheel --all-packages -o "$made/wheels"
uv venv --quiet --python python3 "$target"
uv pip install --quiet --python "$target" --compile-bytecode --require-hashes -r "$made/requirements.txt"
uv pip install --quiet --python "$target" --compile-bytecode --no-deps "$made"/wheels/*.whl
