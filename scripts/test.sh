#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test through CTest. The tests start and stop
# PostgreSQL by themselves, in folders of their own.
#
#   scripts/test.sh                     all tests of the dev build
#   scripts/test.sh asan-ubsan          of another preset
#   scripts/test.sh dev -R 'store\.'    further arguments are CTest's
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-dev}
[ $# -gt 0 ] && shift

# The README's clients, one of them in TLS; the admin port as Prometheus and a browser see it; what
# counts instructions; the plots of the benchmarks.
tools=(python3 netcat-openbsd openssl prometheus chromium valgrind python3-matplotlib)
command -v node >/dev/null || tools+=(nodejs)
command -v npm >/dev/null || tools+=(npm)
./scripts/install-packages.sh "${tools[@]}"
./scripts/build.sh "$preset"

# Whatever a killed test could leave behind is in here, and goes with it.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/txindex.XXXXXX")
export TMPDIR
chmod 755 "$TMPDIR"  # PostgreSQL of a test run as root is another user
trap 'rm -rf "$TMPDIR"' EXIT
export TXINDEX_TEST_CACHE=$TMPDIR
ctest --preset "$preset" -j "$(nproc)" "$@"
