#!/usr/bin/env bash
# Whether the programs run on a processor without AVX, and verify there with libsodium. Skipped
# without qemu-x86_64 (Debian's package qemu-user), which makes such a processor.
#
#   tests/release/older_processor.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: tests/release/older_processor.sh BUILD_FOLDER}" && pwd)
command -v qemu-x86_64 >/dev/null || { echo "skipped: there is no qemu-x86_64"; exit 77; }
ulimit -c 0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
  echo "FAILED: $1" >&2
  failed=1
}
# run STATUS WHAT_IS_SAID COMMAND...
run() {
  local status=0
  qemu-x86_64 -cpu Westmere "${@:3}" >"$dir/said" 2>&1 || status=$?
  [ "$status" = "$1" ] || fail "${*:3}: status $status, not $1: $(cat "$dir/said")"
  grep -qE -- "$2" "$dir/said" || fail "${*:3}: does not say '$2': $(cat "$dir/said")"
}

"$build/txindex" gen --quiet --count 40 --mix transfer --line --out "$dir/good"
# One more, in whose signature some bits are not as they were: another letter is in the ninth place.
{ cat "$dir/good"; head -n 1 "$dir/good" | sed -E 's/^(.{8})A/\1B/; t; s/^(.{8})./\1A/'; } >"$dir/mixed"

run 0 '^signatures are verified by libsodium,' "$build/txindexd" --version
run 0 '^good 40$' "$build/txindex" verify "$dir/good"
run 1 '^bad_signature 1$' "$build/txindex" verify "$dir/mixed"
run 2 'avx512 cannot run here' "$build/txindex" verify --backend avx512 "$dir/good"
run 2 'avx512 cannot run here' "$build/txindexd" --check-config --verify-backend avx512
[ "$failed" = 0 ] && echo "runs without AVX: the build in $build"
exit "$failed"
