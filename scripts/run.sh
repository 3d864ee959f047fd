#!/usr/bin/env bash
# Try it: builds, starts a PostgreSQL of its own and the server, sends 20,000 generated transactions
# and a few real ones, shows what came of it, and serves until Ctrl-C. Removes what it started.
#
#   scripts/run.sh           serve until Ctrl-C
#   scripts/run.sh --once    end after the answers
set -euo pipefail
cd "$(dirname "$0")/.."

once=false
case "${1:-}" in
  "") ;;
  --once) once=true ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0; exit 2 ;;
esac

echo "== building"
./scripts/build.sh release txindexd txindex_tool
. scripts/private-postgres.sh
bin=$PWD/build/release
dir=$(mktemp -d "${TMPDIR:-/tmp}/txindex-run.XXXXXX")
chmod 755 "$dir"
server=

finish() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
    echo "== stopping"
    kill -TERM "$server"
    wait "$server" || status=$?
  fi
  private_postgres_stop "$dir/postgres" || status=1
  rm -rf "$dir"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "== starting PostgreSQL in $dir/postgres"
private_postgres_start "$dir/postgres"

echo "== starting txindexd"
# In a session of its own: Ctrl-C is this script's to pass on, and a second signal would end the
# server without a drain.
setsid "$bin/txindexd" --listen 127.0.0.1:0 --admin 127.0.0.1:0 --database "$PRIVATE_POSTGRES" 2>"$dir/txindexd.log" &
server=$!
address=
while [ -z "$address" ]; do
  kill -0 "$server" 2>/dev/null || { cat "$dir/txindexd.log" >&2; exit 1; }
  address=$(sed -n 's/.*listening on \([^ ,]*\).*/\1/p' "$dir/txindexd.log" | head -n 1)
  [ -n "$address" ] || read -r -t 0.05 <> <(:) || true
done
admin=$(sed -n 's|.*admin on http://\([^/]*\)/.*|\1|p' "$dir/txindexd.log" | head -n 1)
echo "   listening on $address; its page is http://$admin/"

echo "== sending 20,000 generated transactions"
"$bin/txindex" gen --count 20000 --out "$dir/generated.txs"
"$bin/txindex" send --server "$address" --connections 4 "$dir/generated.txs"

echo "== sending real ones from mainnet, one base64 line each"
for file in tests/data/solana_mainnet_*.bin; do
  base64 -w 0 "$file"
  echo
done | "$bin/txindex" send --server "$address" -

ask() {
  echo
  echo "   $1"
  psql -X -q -P pager=off "${@:2}" "$PRIVATE_POSTGRES" -c "$1"
}
echo
echo "== what a person would ask"
address_of=$(psql -X -A -t -q "$PRIVATE_POSTGRES" -c "SELECT txindex.base58(fee_payer) FROM txindex.transactions GROUP BY fee_payer ORDER BY count(*) DESC, fee_payer LIMIT 1")
real=$(psql -X -A -t -q "$PRIVATE_POSTGRES" -c "SELECT txindex.base58(txid) FROM txindex.transactions ORDER BY received_at DESC LIMIT 1")
ask "SELECT count(*), count(DISTINCT txid) FROM txindex.transactions"
ask "SELECT ts, left(txid, 20) || '…' AS txid, roles FROM txindex.account_history('$address_of', NULL, 5)"
ask "SELECT ts, slot, version, fee_payer, recent_blockhash, signature_count, account_count, instruction_count, length(raw) AS bytes FROM txindex.transaction('$real')" -x
ask "SELECT * FROM txindex.program_counts() LIMIT 8"

echo
echo "== what an operator sees"
"$bin/txindex" status --admin "$admin"

echo
echo "== to send more, from another terminal; and to watch"
echo "   $bin/txindex top --admin $admin"
echo "   $bin/txindex gen --count 100000 --out - | $bin/txindex send --server $address --connections 4 -"
echo "   base64 -w 0 TRANSACTION.bin | nc -N ${address%:*} ${address##*:}"
echo "   psql '$PRIVATE_POSTGRES'"
$once && exit 0
trap 'exit 0' INT
echo "== serving; Ctrl-C ends it, and removes everything that was started"
wait "$server"
