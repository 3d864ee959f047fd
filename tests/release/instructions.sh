#!/usr/bin/env bash
# Whether only the kernels of verification have instructions that not every x86-64 processor has.
# They are compiled for AVX-512; an inline function that they shared with other files could be taken
# by the linker from them for the whole program, which would then run nowhere else.
#
#   tests/release/instructions.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: tests/release/instructions.sh BUILD_FOLDER}" && pwd)
failed=0

fail() {
  echo "FAILED: $1" >&2
  failed=1
}

# A kernel's object offers the linker that one function, and nothing to be run before main. With
# link-time optimisation there is no code in it yet.
for kernel in avx512 avx512ifma; do
  object=$build/CMakeFiles/txindex.dir/src/verify/ed25519/kernel_$kernel.cc.o
  [ -f "$object" ] || { fail "there is no $object"; continue; }
  sections=$(readelf -SW "$object")
  if grep -q '\.gnu\.lto_' <<<"$sections"; then continue; fi
  ! grep -qE '\.(init_array|ctors)' <<<"$sections" || fail "$object runs something before main"
  offered=$(nm -C --defined-only --extern-only "$object" | cut -d' ' -f2-)
  grep -qE "^T txindex::verify::ed25519::verify_$kernel\(" <<<"$offered" ||
    fail "$object has no verify_$kernel"
  others=$(grep -vE "^T txindex::verify::ed25519::verify_$kernel\(" <<<"$offered" || true)
  [ -z "$others" ] || fail "$object offers the linker more than verify_$kernel:"$'\n'"$others"
done

# In the programs, whatever was optimised at the link. All instructions of AVX, AVX2 and AVX-512 but
# those on masks begin with v; so do two that every processor has.
functions_with_avx() {
  objdump -d --no-show-raw-insn "$1" | awk '
    /^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3); next }
    $2 ~ /^(v|k(mov|and|or|xor|not|shift|test|add|unpck))/ && $2 !~ /^ver[rw]$/ { found[name] }
    END { for (name in found) print name }'
}
kernel='^_ZN7txindex6verify7ed25519(13verify_avx512|17verify_avx512ifma)E|Avx512Lanes'
for name in txindexd txindex; do
  program=$build/$name
  [ -x "$program" ] || { fail "there is no $program"; continue; }
  found=$(functions_with_avx "$program")
  grep -qE "$kernel" <<<"$found" || fail "$program has no kernel: what is looked for is not seen"
  others=$(grep -E '^_GLOBAL_' <<<"$found" || true; grep -vE "$kernel" <<<"$found" || true)
  [ -z "$others" ] || fail "$program has AVX outside of the kernels, in:"$'\n'"$others"
done
[ "$failed" = 0 ] && echo "only kernels use AVX: the build in $build"
exit "$failed"
