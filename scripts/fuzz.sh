#!/usr/bin/env bash
# Runs the fuzz targets (tests/fuzz) from their corpora, each for so many seconds,
# as many at a time as there are cores.
#
#   scripts/fuzz.sh                    all, ten seconds each
#   scripts/fuzz.sh 3600               all, an hour each
#   scripts/fuzz.sh 60 session http    these only
#   scripts/fuzz.sh --keep             takes into tests/fuzz/corpus what build/fuzz/found has that
#                                      reaches further, and leaves out what reaches no further
#
# What is found on the way is kept in build/fuzz/found/TARGET, and goes on being used. An input that
# breaks something is named, with how to run it alone, and the exit status is 1.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/install-packages.sh clang llvm libclang-rt-14-dev

keep=false
seconds=10
if [ "${1:-}" = --keep ]; then
  keep=true
  shift
elif [ $# -gt 0 ]; then
  seconds=$1
  shift
  case $seconds in '' | *[!0-9]*) echo "fuzz: '$seconds' is no number of seconds; see the head of scripts/fuzz.sh" >&2; exit 2 ;; esac
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cc; do
    name=$(basename "$source")
    targets+=("${name%_fuzz.cc}")
  done
fi
for target in "${targets[@]}"; do
  [ -e "tests/fuzz/${target}_fuzz.cc" ] || { echo "fuzz: there is no target '$target' in tests/fuzz" >&2; exit 2; }
done

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]/%/_fuzz}"

fuzz_one() {
  # Over what is the longest frame, and the longest line.
  local longest=9000
  [ "$1" = frame ] && longest=34000
  local options="-max_len=$longest -timeout=20 -rss_limit_mb=2048"
  local target=$1 program=build/fuzz/tests/$1_fuzz corpus=tests/fuzz/corpus/$1 found=build/fuzz/found/$1
  local log=$found.log input
  mkdir -p "$found"
  if $keep; then
    # Of signatures a few are enough: each input costs every run of the tests 30 ms.
    [ "$1" = verify ] && options+=" -use_counters=0"
    # shellcheck disable=SC2086  # several words
    "$program" $options -merge=1 "$corpus" "$found" >"$log" 2>&1 || { echo "$target: FAILED, see $log"; return 1; }
    echo "$target: $(find "$corpus" -type f | wc -l) inputs, $(du -sb "$corpus" | cut -f1) bytes"
    return
  fi
  # shellcheck disable=SC2086
  if "$program" $options -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$found-" "$found" "$corpus" >"$log" 2>&1; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, nothing found"
    return
  fi
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  echo "$target: FAILED: $(grep -m 1 -E 'does not hold|Assertion|ERROR: ' "$log" || tail -n 1 "$log")"
  echo "  input:   ${input:-none was written; see $log}"
  echo "  alone:   $program $input"
  return 1
}
export keep seconds
export -f fuzz_one
# One on each core.
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'fuzz_one {}' || exit 1
