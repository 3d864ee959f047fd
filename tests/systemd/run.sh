#!/usr/bin/env bash
# Installs the Debian package of a build folder in a container that systemd has booted, and does
# there what an operator does: steps.sh. As root; about two minutes.
#
#   tests/systemd/run.sh BUILD_FOLDER
#
# The container has this machine's /usr, /etc, /var and /opt with a layer in memory above them, a
# network of its own without a way out, and PostgreSQL with a cluster of its own. Whatever it
# writes is gone at the end. It lives in a process namespace that ends with this script, however
# this script ends.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: tests/systemd/run.sh BUILD_FOLDER}" && pwd)
limit=280  # seconds, for the steps

if [ "$(id -u)" -ne 0 ]; then
  echo "SKIPPED: a container with systemd in it can only be booted by root" >&2
  exit 77
fi

if [ -z "${TXINDEX_SYSTEMD_TEST_DIR:-}" ]; then
  unshare --mount --pid --fork true 2>/dev/null || {
    echo "SKIPPED: no right to make namespaces; in a container it would have to be a privileged one" >&2
    exit 77
  }
  "$here/../../scripts/install-packages.sh" systemd-container dpkg-dev file logrotate
  TXINDEX_SYSTEMD_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/txindexd-systemd.XXXXXX")
  export TXINDEX_SYSTEMD_TEST_DIR
  trap 'rm -rf "$TXINDEX_SYSTEMD_TEST_DIR"' EXIT
  unshare --mount --pid --fork --kill-child --mount-proc "$here/run.sh" "$build" </dev/null
  exit
fi

# --- In namespaces of its own ------------------------------------------------------------------
dir=$TXINDEX_SYSTEMD_TEST_DIR
mount -t tmpfs -o size=3g,mode=755 txindexd-test "$dir"
root=$dir/root

echo "== three versions of the package"
mkdir -p "$root/test" "$dir/packages"
deb=$("$here/../../scripts/deb.sh" "$build" "$dir/packages")
version=$(dpkg-deb --field "$deb" Version)
cp "$deb" "$root/test/first.deb"
dpkg-deb --raw-extract "$deb" "$dir/packages/next"
again() {
  sed -i "s/^Version: .*/Version: $version+$1/" "$dir/packages/next/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$dir/packages/next" "$root/test/$1.deb" >/dev/null
}
again next
printf '#!/bin/sh\nexit 1\n' >"$dir/packages/next/usr/bin/txindexd"
again broken
echo "   $version, $version+broken, whose txindexd only fails, and $version+next"

echo "== a container"
for folder in usr etc var opt; do
  mkdir -p "$root/$folder" "$dir/layer/$folder" "$dir/overlay/$folder"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$dir/layer/$folder,workdir=$dir/overlay/$folder" \
    "txindexd-$folder" "$root/$folder"
done
for link in bin sbin lib lib32 lib64 libx32; do
  [ ! -L "/$link" ] || ln -s "usr/$link" "$root/$link"
done
# Nothing of this machine's is in it but programs: no enabled services, no clusters of PostgreSQL,
# no txindexd, no policy against starting services, another name.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/usr/sbin/policy-rc.d \
  "$root"/etc/txindexd "$root"/etc/credstore "$root"/etc/systemd/system/txindexd.service*
for folder in etc/postgresql var/lib/postgresql var/log; do
  mkdir -p "$root/$folder"
  mount -t tmpfs -o mode=755 txindexd-test "$root/$folder"
done
systemd-id128 new >"$root/etc/machine-id"

cp "$here/steps.sh" "$here/producer.py" "$root/test/"
cat >"$root/etc/systemd/system/steps.service" <<EOF
[Unit]
Description=The steps of the test
Requires=basic.target dbus.service
After=basic.target dbus.service
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
ExecStart=/test/steps.sh
TimeoutStartSec=${limit}s
StandardOutput=append:/test/output
StandardError=inherit
EOF
mkfifo "$root/test/output"
exec 3<>"$root/test/output"  # so that the reader does not see an end before the first writer
cat <"$root/test/output" 3>&- &
show=$!
status=0
timeout --kill-after=10 $((limit + 20)) systemd-nspawn --quiet --directory="$root" --boot \
  --machine="txindexd-test-$(basename "$dir" | tr -dc 'A-Za-z0-9')" --register=no --keep-unit \
  --private-network --console=pipe systemd.unit=steps.service 3>&- >"$dir/console" 2>&1 || status=$?
exec 3>&-
wait "$show"
if [ "$status" -ne 0 ]; then
  echo "== FAILED with status $status; the end of the container's console:" >&2
  tail -n 20 "$dir/console" >&2
fi
exit "$status"
