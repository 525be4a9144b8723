#!/bin/sh
# Make .venv with the given Python, or say in one sentence what is missing.
set -eu
python=$1
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Mawashi needs Python 3.11 or newer; '$python' is older or missing. Try: make PYTHON=python3.12 ..." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
    else
        echo "Python's venv module is missing. Run: sudo apt install python3-venv   and then make again." >&2
        exit 1
    fi
fi
"$python" -m venv .venv
