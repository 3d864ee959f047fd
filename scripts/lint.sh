#!/usr/bin/env bash
# Formats the C++ files that git knows with clang-format, and checks those of src/ with clang-tidy.
#
#   scripts/lint.sh                 all
#   scripts/lint.sh src/net/*.cc    clang-tidy on these only
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/install-packages.sh clang-format clang-tidy
git ls-files '*.cc' '*.h' | xargs clang-format -i
# A build folder of its own: clang does not read the precompiled header of g++.
cmake -S . -B build/lint -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DTXINDEX_TESTS=OFF >/dev/null
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cc')
printf '%s\n' "${@:-${files[@]}}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/lint --quiet
