#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh dev|release|asan-ubsan|tsan|fuzz [targets...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:?usage: scripts/build.sh PRESET [targets...]}
shift
further=()
[ "$preset" = fuzz ] && further=(clang libclang-rt-14-dev)
./scripts/install-packages.sh "${further[@]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
cmake --build --preset "$preset" ${1:+--target "$@"}
