#!/usr/bin/env bash
# Whether the programs of a release build are hardened as config/hardening.cmake says, and have
# nothing in them that only tests may switch on.
#
#   tests/release/hardening.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: tests/release/hardening.sh BUILD_FOLDER}" && pwd)
failed=0

# Whether what a command says has a line that matches.
has() {
  local program=$1 what=$2 pattern=$3
  shift 3
  grep -qE -- "$pattern" <<<"$("$@" "$program")" || { echo "FAILED: $program: $what" >&2; failed=1; }
}
has_not() {
  local program=$1 what=$2 pattern=$3
  shift 3
  ! grep -qE -- "$pattern" <<<"$("$@" "$program")" || { echo "FAILED: $program: $what" >&2; failed=1; }
}

for name in txindexd txindex; do
  program=$build/$name
  [ -x "$program" ] || { echo "FAILED: there is no $program" >&2; exit 1; }
  has "$program" "is not position-independent" 'Type: +DYN' readelf -hW
  has "$program" "is not position-independent" 'FLAGS_1.* PIE' readelf -dW
  has "$program" "has no RELRO" 'GNU_RELRO' readelf -lW
  has "$program" "resolves functions late" 'BIND_NOW|FLAGS_1.* NOW' readelf -dW
  has "$program" "has no note about its stack" 'GNU_STACK' readelf -lW
  has_not "$program" "has an executable stack" 'GNU_STACK.* R?WE ' readelf -lW
  has_not "$program" "has memory to be written and executed" 'LOAD .* RWE ' readelf -lW
  has_not "$program" "has relocations in its code" 'TEXTREL' readelf -dW
  has_not "$program" "looks for libraries in a folder of its own" '(RPATH|RUNPATH)' readelf -dW
  has "$program" "has no stack protector" '__stack_chk_fail' readelf --dyn-syms -W
  has "$program" "has no checked copies (FORTIFY)" '__(memcpy|snprintf|fprintf|read|recv|vsnprintf|memmove)_chk' readelf --dyn-syms -W
  has "$program" "has no assertions of the standard library" '__glibcxx_assert_fail' readelf --dyn-syms -W
  has_not "$program" "has switches that are for tests" 'TXINDEX_TEST_' strings -a
done

# What leaves no trace that could be told from chance is looked for in the commands.
flags='-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE='
[ "$(uname -m)" != x86_64 ] || flags="$flags -fcf-protection"
for flag in $flags; do
  all=$(grep -c '"command".*/src/.*\.cc' "$build/compile_commands.json")
  with=$(grep '"command".*/src/.*\.cc' "$build/compile_commands.json" | grep -c -- "$flag" || true)
  [ "$all" = "$with" ] || { echo "FAILED: $flag is in $with of $all commands" >&2; failed=1; }
done
[ "$failed" = 0 ] && echo "hardened: $build"
exit "$failed"
