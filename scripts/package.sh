#!/usr/bin/env bash
# Builds the release preset and makes the Debian package of it: build/txindexd_VERSION_ARCH.deb.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/install-packages.sh dpkg-dev file
./scripts/build.sh release txindexd txindex_tool
./scripts/deb.sh build/release build
