#!/usr/bin/env bash
# The ceiling of storage: how fast PostgreSQL takes the same rows, unverified, with psql's \copy.
#
#   copy.sh --database CONNINFO [--connections N] [--format text|binary] FILE.txs
#
# Makes the table peer_copy anew, with the columns and indexes of a partition of txindexd's
# `transactions`, then times N (default 1) psql that copy an equal part of the rows each (default
# text), from their start until all are committed. Prints rows a second. Files for COPY are made in
# TMPDIR, outside of the timed part.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

database='' connections=1 format=text file=''
while [ $# -gt 0 ]; do
  case $1 in
    --database) database=${2:?}; shift 2 ;;
    --connections) connections=${2:?}; shift 2 ;;
    --format) format=${2:?}; shift 2 ;;
    --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "copy.sh: unknown option $1; --help tells more" >&2; exit 2 ;;
    *) file=$1; shift ;;
  esac
done
if [ -z "$database" ] || [ -z "$file" ]; then
  echo "copy.sh: --database and a file are needed; --help tells more" >&2
  exit 2
fi

parts=$(mktemp -d "${TMPDIR:-/tmp}/txindex-copy.XXXXXX")
trap 'rm -rf "$parts"' EXIT
rows=$("$here/txs_to_copy.py" "$file" "$parts/rows" "$connections" "$format")

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$database" "$@"; }

# As in src/store/migrations: 0001_schema.sql the columns, 0002_partitions.sql the storage of a leaf.
sql >/dev/null <<'SQL'
SET client_min_messages = warning;
DROP TABLE IF EXISTS peer_copy;
CREATE TABLE peer_copy (
  ts                timestamptz NOT NULL,
  id                bigint      NOT NULL,
  slot              bigint,
  received_at       timestamptz NOT NULL,
  chain             smallint    NOT NULL,
  version           smallint    NOT NULL,
  signature_count   smallint    NOT NULL,
  account_count     smallint    NOT NULL,
  instruction_count smallint    NOT NULL,
  txid              bytea       NOT NULL,
  fee_payer         bytea       NOT NULL,
  recent_blockhash  bytea       NOT NULL,
  raw               bytea       NOT NULL
) WITH (fillfactor = 100, toast_tuple_target = 4080);
ALTER TABLE peer_copy
  ALTER COLUMN txid SET STORAGE EXTERNAL,
  ALTER COLUMN fee_payer SET STORAGE EXTERNAL,
  ALTER COLUMN recent_blockhash SET STORAGE EXTERNAL,
  ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX peer_copy_txid ON peer_copy (txid, chain) WITH (deduplicate_items = off);
CREATE INDEX peer_copy_ts_id ON peer_copy (ts, id) WITH (deduplicate_items = off);
SQL
for setting in fsync synchronous_commit; do
  value=$(sql -c "SHOW $setting")
  [ "$value" = on ] || { echo "copy.sh: $setting is $value; what is not durable is not compared" >&2; exit 1; }
done

begin=$(date +%s%N)
pids=()
for ((i = 0; i < connections; ++i)); do
  sql -c "\\copy peer_copy FROM '$parts/rows.$i' (FORMAT $format)" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
end=$(date +%s%N)

stored=$(sql -c "SELECT count(*) FROM peer_copy")
[ "$stored" = "$rows" ] || { echo "copy.sh: $stored rows are stored, $rows were sent" >&2; exit 1; }
echo "$((rows * 1000000000 / (end - begin))) rows/s ($rows rows, $connections connection(s), $format)"
