#!/usr/bin/env bash
# Looks at the page of a running txindexd with a real browser (page_test.mjs says what for).
#
#   tests/page/run.sh HOST:PORT FOLDER
#
# HOST:PORT is the admin port of a server that takes transactions while this runs; one of its workers
# gets killed. FOLDER keeps the browser's driver between runs.
set -euo pipefail
address=$1
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
for command in node npm chromium; do
  command -v "$command" >/dev/null || {
    echo "page test: there is no $command; scripts/install-packages.sh installs it" >&2
    exit 1
  }
done
mkdir -p "$folder"
cp "$here"/{package.json,package-lock.json,.npmrc,page_test.mjs,contrast.mjs} "$folder"
cd "$folder"
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed
fi
exec node page_test.mjs "$address"
