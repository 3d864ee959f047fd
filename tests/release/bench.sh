#!/usr/bin/env bash
# Whether the benchmark suite still works, with a few transactions for each part; in a build with
# TXINDEX_BENCH all of it, but for the server in Node.js. What it measures is thrown away. Skipped
# without Debian's python3-matplotlib.
#
#   tests/release/bench.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: tests/release/bench.sh BUILD_FOLDER}" && pwd)
suite=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../bench/suite" && pwd)
/usr/bin/python3 -c 'import matplotlib' 2>/dev/null || { echo "skipped: there is no python3-matplotlib"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

parts=(connections sizes batches peers growth-accounts)
[ -x "$build/bench/store_bench" ] && parts+=(stages end-to-end)
/usr/bin/python3 "$suite/run.py" --build "$build" --out "$dir/out" --trial "${parts[@]}"
for file in results.json {connections,sizes,batches,peers,growth_accounts}.svg; do
  [ -s "$dir/out/$file" ] || { echo "FAILED: there is no $file" >&2; exit 1; }
done
