#!/usr/bin/env bash
# Formats the C++ files that git knows with clang-format, and checks those of src/ with cppcheck and
# clang-tidy.
#
#   scripts/lint.sh                 all
#   scripts/lint.sh src/net/*.cc    the checks on these only
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/install-packages.sh clang-format clang-tidy cppcheck
git ls-files '*.cc' '*.h' | xargs clang-format -i
# A build folder of its own: clang does not read the precompiled header of g++.
cmake -S . -B build/lint -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DTXINDEX_TESTS=OFF >/dev/null
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cc')

# What is off, and why:
#   missingInclude, missingIncludeSystem  it is not given the headers of libraries, and need not be
#   useStlAlgorithm                       a loop that reads well is no mistake
#   normalCheckLevelMaxBranches           says only that it looked less hard at a long function
#   unmatchedSuppression                  with some files only, some of these are not met
#   unusedStructMember                    it sees a translation unit, and others use the member
# What cppcheck 2.10 (Debian 12's) has wrong:
#   syntaxError, cppcheckError            lambdas that are called at once; literals such as 0ms
#   returnDanglingLifetime                takes a copy of a std::string_view for a reference to it
#   nullPointerRedundantCheck             does not follow a loop that ends when a pointer is set
#   passedByValue                         parameters that are moved from, and small structures
cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr \
  --error-exitcode=1 -j "$(nproc)" -I include -I src -I build/lint/generated \
  --suppress=missingInclude --suppress=missingIncludeSystem --suppress=useStlAlgorithm \
  --suppress=normalCheckLevelMaxBranches --suppress=unmatchedSuppression \
  --suppress=unusedStructMember --suppress=syntaxError --suppress=cppcheckError \
  --suppress=returnDanglingLifetime --suppress=nullPointerRedundantCheck \
  --suppress=passedByValue "${files[@]}"
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/lint --quiet
