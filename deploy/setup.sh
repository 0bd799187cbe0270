#!/bin/sh
# Prepares a fresh machine: virtual environment, locked packages, native libraries, Kafka's jars.  Safe to run again: each
# step is skipped when nothing it depends on has changed.   usage: deploy/setup.sh [runtime|dev]
set -eu
cd "$(dirname "$0")/.."
want=${1:-runtime}
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf '\nsetup stopped: %s\n' "$*" >&2; exit 1; }

python_ok() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
find_python() {
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3.14 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 && python_ok "$candidate"; then echo "$candidate"; return 0; fi
    done
    return 1
}
apt_install() { # what, packages…
    what=$1; shift
    command -v apt-get >/dev/null 2>&1 || die "$what is missing. Install it with your system's package manager (Debian/Ubuntu: apt-get install $*)."
    [ "$(id -u)" = 0 ] || die "$what is missing. Type this, then run the same command again:  sudo apt-get install -y $*"
    say "installing $what ($*)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q "$@" >/tmp/rucor-apt.$$ 2>&1 \
        || { apt-get update -q >/dev/null 2>&1 && apt-get install -y -q "$@" >/tmp/rucor-apt.$$ 2>&1; } \
        || { tail -20 /tmp/rucor-apt.$$ >&2; rm -f /tmp/rucor-apt.$$; die "apt-get install $* failed"; }
    rm -f /tmp/rucor-apt.$$
}

if [ -x .venv/bin/python ] && ! python_ok .venv/bin/python; then rm -rf .venv; fi
if [ ! -x .venv/bin/python ]; then
    python=$(find_python) || die "Python 3.11 or newer is needed (apt-get install python3 python3-venv, or set PYTHON=/path/to/python3.12)."
    say "virtual environment (.venv, $("$python" --version))"
    "$python" -m venv .venv 2>/dev/null || {
        rm -rf .venv
        apt_install "Python's venv module" "python3-venv"
        "$python" -m venv .venv || die "$python -m venv .venv failed"
    }
fi

lock=requirements/$want.txt
stamp=.venv/.installed-$want
sum=$(cat "$lock" pyproject.toml | cksum)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$sum" ]; then
    say "packages from $lock (every hash checked; a few minutes the first time)"
    .venv/bin/python -m pip install --disable-pip-version-check -q --require-hashes -r "$lock" \
        || die "the packages of $lock could not be installed: see the message above; with the network back, run the same command again."
    .venv/bin/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e . || die "installing rucor into .venv failed"
    echo "$sum" >"$stamp"
fi

# WeasyPrint loads Pango, and HarfBuzz's subsetter for small quick files, at run time.
has() { .venv/bin/python -c "import sys; from ctypes.util import find_library; sys.exit(find_library('$1') is None)"; }
if ! .venv/bin/python -W ignore -c 'import weasyprint' >/dev/null 2>&1; then
    case "$(uname -s)" in
        Darwin) command -v brew >/dev/null 2>&1 || die "Pango is missing. Type: brew install pango"; brew install -q pango ;;
        *) apt_install "Pango (for PDFs)" libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 ;;
    esac
    .venv/bin/python -W ignore -c 'import weasyprint' >/dev/null || die "WeasyPrint still cannot load its native libraries (message above)."
elif ! has harfbuzz-subset && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt_install "HarfBuzz's subsetter (for PDFs)" libharfbuzz-subset0
fi

.venv/bin/rucor fetch-kafka

# The classifier's kernels are compiled for this machine once a release, so that no start has to wait for it.
stamp=.venv/.kernels
sum=$(cat services/classifier/domain/*.py services/classifier/roads/*.py | cksum)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$sum" ]; then
    say "compiling the classifier's kernels (about a minute, once a release)"
    .venv/bin/python -m services.classifier.roads.warm || die "the kernels could not be compiled: see the message above"
    echo "$sum" >"$stamp"
fi
