#!/usr/bin/env bash
# What `cmake --install` lays out, in a folder instead of /: the files of the service are where
# systemd looks for them, fit the program, and its unit leaves a service little that it could do.
#
#   tests/systemd/layout.sh BUILD_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: tests/systemd/layout.sh BUILD_FOLDER}" && pwd)
"$here/../../scripts/install-packages.sh" systemd
dir=$(mktemp -d "${TMPDIR:-/tmp}/txindexd-layout.XXXXXX")
trap 'rm -rf "$dir"' EXIT

fail() {
  echo "FAILED: $1" >&2
  exit 1
}
lay_out() { DESTDIR=$dir$1 cmake --install "$build" --prefix "$1" --component service >"$dir/log" || fail "$(cat "$dir/log")"; }
has() { [ -s "$dir$1/$2" ] || fail "prefix $1: there is no $2"; }
says() { grep -qxF "$2" "$1" || fail "$1 does not have the line: $2"; }

for prefix in /usr /usr/local /opt/txindexd; do
  lay_out "$prefix"
  root=$dir$prefix
  etc=/etc
  [ "$prefix" != /opt/txindexd ] || etc=$prefix/etc
  for file in bin/txindexd bin/txindex lib/systemd/system/txindexd.service lib/sysusers.d/txindexd.conf \
    lib/tmpfiles.d/txindexd.conf share/doc/txindexd/README.md share/doc/txindexd/roles.sql share/doc/txindexd/ingest.conf share/doc/txindexd/copyright; do
    has "$prefix" "$prefix/$file"
  done
  has "$prefix" "$etc/logrotate.d/txindexd"
  unit=$root$prefix/lib/systemd/system/txindexd.service
  says "$unit" "ExecStart=$prefix/bin/txindexd --config $etc/txindexd/txindexd.conf"
  says "$root$prefix/lib/tmpfiles.d/txindexd.conf" "z $etc/txindexd/txindexd.conf 0640 root txindexd"
  ! grep -n '@[a-z]*@' "$unit" || fail "$unit was not filled in"

  conf=$root$etc/txindexd/txindexd.conf
  "$root$prefix/bin/txindexd" --config "$conf" --check-config >/dev/null
  echo '# mine' >>"$conf"
  lay_out "$prefix"
  says "$conf" '# mine'
done

# With the files of one of them, and the system's own for what the unit depends on.
unit=$dir/usr/usr/lib/systemd/system/txindexd.service
conf=$dir/usr/etc/txindexd/txindexd.conf
sed "s,/usr/bin/txindexd,$dir/usr/usr/bin/txindexd,; s,/etc/txindexd/txindexd.conf,$conf," "$unit" >"$dir/txindexd.service"
systemd-analyze verify --man=no "$dir/txindexd.service" || fail "systemd does not like the unit"
systemd-analyze security --offline=true --no-pager --threshold=12 "$unit" | tail -n 1
systemd-sysusers --dry-run "$dir/usr/usr/lib/sysusers.d/txindexd.conf" >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"

setting() { "$dir/usr/usr/bin/txindexd" --print-config | sed -n "s/^$1 = //p"; }
of_unit() { sed -n "s/^$1=\([0-9]*\)s\{0,1\}$/\1/p" "$unit"; }
drain=$(setting drain_timeout)
[ "$(of_unit TimeoutStopSec)" -gt "${drain%s}" ] || fail "TimeoutStopSec is not above drain_timeout, $drain"
workers=$(sed -n 's/.*kWorkersMax = \([0-9]*\);.*/\1/p' "$here/../../include/txindex/limits.h")
[ "$(of_unit FileDescriptorStoreMax)" -gt "$workers" ] || fail "FileDescriptorStoreMax is too small for $workers workers and the admin port"
echo "all is well"
