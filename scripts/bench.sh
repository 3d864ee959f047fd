#!/usr/bin/env bash
# Measures everything that bench/README.md describes: tables on the terminal, results.json and plots
# in build/bench. Twenty minutes at most; leave the machine alone meanwhile.
#
#   scripts/bench.sh                        all
#   scripts/bench.sh --quick                less of it, in two or three minutes
#   scripts/bench.sh --out FOLDER PART...   these parts only; --help has their names
set -euo pipefail
cd "$(dirname "$0")/.."

tools=(libbenchmark-dev python3 python3-matplotlib)
command -v npm >/dev/null || tools+=(npm)
./scripts/install-packages.sh "${tools[@]}"
cmake --preset release -DTXINDEX_BENCH=ON >/dev/null
cmake --build --preset release --target txindexd txindex_tool benchmarks
# Debian's: it has the package for the plots.
exec /usr/bin/python3 bench/suite/run.py --build build/release --out build/bench "$@"
