#!/usr/bin/env bash
# Whether the programs of a build are hardened as config/hardening.cmake says, and whether those of
# a release have nothing in them that only tests may switch on.
#
#   tests/release/hardening.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: tests/release/hardening.sh BUILD_FOLDER}" && pwd)
type=$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt")
sanitizer=$(sed -n 's/^TXINDEX_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
failed=0

fail() {
  echo "FAILED: $1" >&2
  failed=1
}
# has PROGRAM WHAT_IF_NOT PATTERN COMMAND...: whether what the command says has a line that matches.
has() { "${@:4}" "$1" | grep -E -- "$3" >/dev/null || fail "$1 $2"; }
has_not() { ! "${@:4}" "$1" | grep -E -- "$3" >/dev/null || fail "$1 $2"; }

for name in txindexd txindex; do
  program=$build/$name
  [ -x "$program" ] || { fail "there is no $program"; continue; }
  if [[ $sanitizer != *address* ]]; then
    has "$program" "is not position-independent" 'Type: +DYN' readelf -hW
    has "$program" "is not position-independent" 'FLAGS_1.* PIE' readelf -dW
  fi
  has "$program" "has no RELRO" 'GNU_RELRO' readelf -lW
  has "$program" "resolves functions late" 'FLAGS_1.* NOW' readelf -dW
  has "$program" "says nothing of its stack" 'GNU_STACK' readelf -lW
  has_not "$program" "has an executable stack" 'GNU_STACK.* RWE ' readelf -lW
  has_not "$program" "has memory to be written and executed" 'LOAD .* RWE ' readelf -lW
  has_not "$program" "has relocations in its code" 'TEXTREL' readelf -dW
  [ "$type" = Release ] || continue
  has "$program" "has no stack protector" '__stack_chk_fail' readelf --dyn-syms -W
  has "$program" "calls none of the C library's checked functions" ' __[a-z_]+_chk(@|$)' readelf --dyn-syms -W
  has_not "$program" "has switches that are for tests" 'TXINDEX_TEST_' strings -a
done

# What leaves no trace that could be told from chance is looked for in the commands. Of CET that is
# all: whether a program is marked for it depends on the C library's start files too.
if [ "$type" = Release ]; then
  flags='-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS'
  [ "$(uname -m)" != x86_64 ] || flags="$flags -fcf-protection"
  for flag in $flags; do
    without=$(grep '"command".*/src/.*\.cc' "$build/compile_commands.json" | grep -vc -- " $flag " || true)
    [ "$without" = 0 ] || fail "$flag is missing in $without commands"
  done
fi
[ "$failed" = 0 ] && echo "hardened: the $type build in $build"
exit "$failed"
