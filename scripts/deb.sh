#!/usr/bin/env bash
# Makes the Debian package of a build folder as it is, looks it over, and prints its path.
#
#   scripts/deb.sh BUILD_FOLDER OUTPUT_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: scripts/deb.sh BUILD_FOLDER OUTPUT_FOLDER}" && pwd)
mkdir -p "${2:?usage: scripts/deb.sh BUILD_FOLDER OUTPUT_FOLDER}"
output=$(cd "$2" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/txindexd-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT

cpack --config "$build/CPackConfig.cmake" -B "$work" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; exit 1; }
deb=$(ls "$work"/*.deb)

fail() {
  echo "deb: $1" >&2
  dpkg-deb --info "$deb" >&2
  dpkg-deb --contents "$deb" >&2
  exit 1
}
contents=$(dpkg-deb --contents "$deb")
for path in usr/bin/txindexd usr/bin/txindex usr/lib/systemd/system/txindexd.service \
  usr/lib/sysusers.d/txindexd.conf usr/lib/tmpfiles.d/txindexd.conf etc/txindexd/txindexd.conf \
  etc/logrotate.d/txindexd usr/share/doc/txindexd/copyright; do
  grep -q " \./$path\$" <<<"$contents" || fail "$path is missing in the package"
done
! grep -v ' root/root ' <<<"$contents" || fail "not everything in the package is root's"
! grep -E '^.{5}w|^.{8}w' <<<"$contents" || fail "others may write what is in the package"
[ "$(dpkg-deb --field "$deb" Depends | grep -c 'libpqxx.*libsodium')" = 1 ] || fail "libraries are missing in Depends"
for script in postinst prerm postrm; do
  dpkg-deb --ctrl-tarfile "$deb" | tar -xO "./$script" | sh -n || fail "$script is no shell script"
done
mv "$deb" "$output/"
echo "$output/$(basename "$deb")"
