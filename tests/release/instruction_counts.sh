#!/usr/bin/env bash
# Whether a stage of a transaction's way takes more instructions than it did: as a release is built,
# more than 10 % over bench/instructions/baseline.json. Of another build than a release the folder
# gets one of the stages beside it. Skipped without valgrind, and where the baseline is of another
# compiler or kind of processor.
#
#   tests/release/instruction_counts.sh BUILD_FOLDER
#   tests/release/instruction_counts.sh BUILD_FOLDER --update   writes a new baseline
set -euo pipefail
usage='usage: tests/release/instruction_counts.sh BUILD_FOLDER [--update]'
build=$(cd "${1:?$usage}" && pwd)
update=${2:-}
[ -z "$update" ] || [ "$update" = --update ] || { echo "$usage" >&2; exit 2; }
source=$(cd "$(dirname "$0")/../.." && pwd)
counts=$source/bench/instructions/counts.py
if ! command -v valgrind >/dev/null; then
  echo "there is no valgrind (Debian's package of that name)"
  [ "${TXINDEX_TEST_REQUIRE_ALL:-}" = 1 ] && exit 1 || exit 77
fi
in_cache() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }; }
cd "$source"
released=$build
if [ "$(in_cache CMAKE_BUILD_TYPE)" != Release ] || [ "$(in_cache CMAKE_INTERPROCEDURAL_OPTIMIZATION)" != ON ]; then
  released=$build/released
  quietly cmake --preset release -B "$released" -DTXINDEX_TESTS=OFF -DCMAKE_CXX_COMPILER="$(in_cache CMAKE_CXX_COMPILER)"
fi
# Other tests, which may run now, have a time to keep.
quietly nice cmake --build "$released" --target stage_instructions
python3 "$counts" "$released/bench/instructions/stage_instructions" --command "$0 $1" $update
