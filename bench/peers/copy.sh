#!/usr/bin/env bash
# The ceiling of storage: how fast PostgreSQL takes the same rows, unverified, with psql's \copy.
#
#   copy.sh --database CONNINFO [--connections N] [--format text|binary] [--txindexd PROGRAM] FILE.txs
#
# Has txindexd (default build/release/txindexd) make its schema in the database, and the partition of
# `transactions` that the stamp of the first row belongs to; empties that, then times N (default 1)
# psql that copy an equal part of the rows into it each (default text), from their start until all are
# committed. Prints rows a second. Files for COPY are made in TMPDIR, outside of the timed part.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

database='' connections=1 format=text file='' txindexd=$here/../../build/release/txindexd
while [ $# -gt 0 ]; do
  case $1 in
    --database) database=${2:?}; shift 2 ;;
    --connections) connections=${2:?}; shift 2 ;;
    --format) format=${2:?}; shift 2 ;;
    --txindexd) txindexd=${2:?}; shift 2 ;;
    --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "copy.sh: unknown option $1; --help tells more" >&2; exit 2 ;;
    *) file=$1; shift ;;
  esac
done
if [ -z "$database" ] || [ -z "$file" ]; then
  echo "copy.sh: --database and a file are needed; --help tells more" >&2
  exit 2
fi
[ -x "$txindexd" ] || { echo "copy.sh: there is no program $txindexd; build it, or give --txindexd" >&2; exit 2; }

parts=$(mktemp -d "${TMPDIR:-/tmp}/txindex-copy.XXXXXX")
trap 'rm -rf "$parts"' EXIT
read -r rows stamp columns < <("$here/txs_to_copy.py" "$file" "$parts/rows" "$connections" "$format") ||
  { echo "copy.sh: no rows could be made of $file" >&2; exit 1; }

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$database" "$@"; }

for setting in fsync synchronous_commit; do
  value=$(sql -c "SHOW $setting")
  [ "$value" = on ] || { echo "copy.sh: $setting is $value; what is not durable is not compared" >&2; exit 1; }
done
"$txindexd" migrate --log-level warn --database "$database"
stamp="timestamptz 'epoch' + $stamp * interval '1 microsecond'"
sql -o /dev/null -c "SELECT txindex.ensure_partitions(ARRAY[$stamp])"
leaf=$(sql -c "SELECT leaf FROM txindex.leaves()
                WHERE parent = 'transactions' AND $stamp >= period AND $stamp < period_end")
sql -c "TRUNCATE $leaf"

begin=$(date +%s%N)
pids=()
for ((i = 0; i < connections; ++i)); do
  sql -c "\\copy $leaf ($columns) FROM '$parts/rows.$i' (FORMAT $format)" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
end=$(date +%s%N)

stored=$(sql -c "SELECT count(*) FROM $leaf")
[ "$stored" = "$rows" ] || { echo "copy.sh: $stored rows are stored, $rows were sent" >&2; exit 1; }
echo "$((rows * 1000000000 / (end - begin))) rows/s ($rows rows, $connections connection(s), $format)"
