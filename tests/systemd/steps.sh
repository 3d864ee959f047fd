#!/usr/bin/env bash
# The steps of tests/systemd/run.sh, in the container: what README.md says under "Run it as a
# service", and what goes wrong in the life of a service. Ends at the first thing that is not as it
# should be.
set -euo pipefail
cd /test
unit=txindexd.service
address=127.0.0.1:9400
conf=/etc/txindexd/txindexd.conf
dropin=/etc/systemd/system/$unit.d

step() { printf '== %s (%d s)\n' "$1" "$SECONDS"; }

die() {
  trap - ERR
  echo "FAILED in line ${BASH_LINENO[0]}: $1"
  systemctl --no-pager --full status "$unit" | head -n 30 || true
  journalctl --no-pager --lines=60 --output=short-precise --unit="$unit" || true
  exit 1
}
trap 'die "$BASH_COMMAND"' ERR

# Waits until a command succeeds; fails after so many seconds.
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || die "waited in vain for: $*"
    sleep 0.05
  done
}

property() { systemctl show --property="$1" --value "$unit"; }
is() { [ "$(property "$1")" = "$2" ]; }
main() { property MainPID; }
workers() { pgrep --parent "$(main)" --full 'txindexd worker' | sort -n; }
has_workers() { [ "$(workers | wc -l)" -eq "$1" ]; }
has_open() { [ -e "$2" ] && [ -n "$(find "/proc/$1/fd" -lname "$2")" ]; }
sql() { runuser -u postgres -- psql -X -A -t -q -d txindexd -c "$1"; }
rows() { sql 'SELECT count(*) FROM txindex.transactions'; }
send() { txindex gen --count "$1" --out fresh.txs >/dev/null 2>&1 && txindex send --server "$address" fresh.txs >send.log 2>&1 || { cat send.log; return 1; }; }
expect() { [ "$2" = "$3" ] || die "$1: expected '$3', got '$2'"; }

more_rows_than() { [ "$(rows)" -gt "$1" ]; }

# Returns when transactions flow.
load_begin() {
  txindex gen --count 20000 --out load.txs >/dev/null 2>&1
  rows_before=$(rows)
  rm -f stop
  ./producer.py load "$address" load.txs stop >load.log 2>&1 &
  load=$!
  await 20 more_rows_than "$rows_before"
}
load_end() {
  touch stop
  wait "$load" || { cat load.log; die "the producer met failures"; }
  cat load.log
  expect "rows" "$(($(rows) - rows_before))" "$(sed -n 's/.*, \([0-9]*\) different,.*/\1/p' load.log)"
}
listens() { ./producer.py queue "$address" load.txs 1 >/dev/null 2>&1; }

step "PostgreSQL"
version=$(ls /usr/lib/postgresql | sort -n | tail -n 1)
pg_createcluster "$version" main >/dev/null
systemctl start "postgresql@$version-main.service"

step "install: the user is made, nothing is started, the configuration is the service's to read"
apt-get --quiet --yes install ./first.deb 2>&1 | grep -A6 "^txindexd is installed"
id txindexd >/dev/null
expect "enabled" "$(systemctl is-enabled "$unit" || true)" disabled
expect "active" "$(systemctl is-active "$unit" || true)" inactive
expect "configuration" "$(stat --format='%a %U:%G' "$conf")" "640 root:txindexd"
systemd-analyze verify "/usr/lib/systemd/system/$unit"

step "hardening: an exposure of at most 1.2"
systemd-analyze security --no-pager --threshold=12 "$unit" | tail -n 1

step "start without a database: refused with the reason, and tried again"
# The watchdog and the pause before a restart are made to fit a test.
mkdir -p "$dropin"
printf '[Service]\nWatchdogSec=4s\nTimeoutAbortSec=1s\nRestartSec=3s\n' >"$dropin/test.conf"
printf 'workers = 2\nroll.settle = 1s\n' >>"$conf"
systemctl daemon-reload
! systemctl start "$unit" 2>/dev/null || die "it started without a database"
expect "state" "$(property SubState)" auto-restart
journalctl --unit="$unit" --grep='role "txindexd" does not exist' --quiet >/dev/null

step "start: ready when the command returns, with peer authentication and no password"
runuser -u postgres -- createuser txindexd
runuser -u postgres -- createdb --owner=txindexd txindexd
systemctl enable --now --quiet "$unit"
expect "active" "$(systemctl is-active "$unit")" active
expect "workers" "$(workers | wc -l)" 2
echo "   status: $(property StatusText)"
[ "$(property NFileDescriptorStore)" -ge 2 ] || die "systemd keeps $(property NFileDescriptorStore) listening sockets"
expect "restarts" "$(property Result)" success
grep -q '^CapEff:[[:space:]]*0*$' "/proc/$(main)/status"
grep -q '^Seccomp:[[:space:]]*2$' "/proc/$(main)/status"
# The unit lets the workers confine themselves further.
filters() { sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$1/status"; }
for worker in $(workers); do
  [ "$(filters "$worker")" -gt "$(filters "$(main)")" ] || die "a worker has no filter of its own"
done
! journalctl --unit="$unit" --grep='system calls are not confined' --quiet >/dev/null || die "the unit keeps the workers from confining themselves"

step "send"
send 3000
txindex status >status.log || { cat status.log; die "txindex status: the service is not well"; }
expect "rows" "$(rows)" 3000

step "reload with a mistake in the configuration: refused, nothing changes"
before="$(main) $(workers)"
cp -p "$conf" conf.good
echo 'batch.linger = soon' >>"$conf"
! systemctl reload "$unit" 2>/dev/null || die "reload took a wrong configuration"
journalctl --unit="$unit" --grep="$conf:[0-9]*: batch.linger: 'soon'" --quiet >/dev/null
cp -p conf.good "$conf"
expect "processes" "$(main) $(workers)" "$before"
expect "active" "$(systemctl is-active "$unit")" active

step "reload under load: other workers when the command returns, nothing refused, reset or lost"
old_main=$(main)
old_workers=$(workers)
load_begin
timeout 60 systemctl reload "$unit"
expect "main process" "$(main)" "$old_main"
for pid in $old_workers; do ! kill -0 "$pid" 2>/dev/null || die "worker $pid is still there after the reload"; done
expect "workers" "$(workers | wc -l)" 2
load_end

step "kill -9 the supervisor: who connects while it is gone waits, and is served"
txindex gen --count 40000 --out long.txs >/dev/null 2>&1
rows_before=$(rows)
txindex send --server "$address" long.txs >send.log 2>&1 &
send=$!
await 20 more_rows_than "$rows_before"
old_main=$(main)
kill -KILL "$old_main"
await 10 is SubState auto-restart
! pgrep --full '^/usr/bin/txindexd' || die "processes outlived their supervisor"
./producer.py queue "$address" load.txs 200 >queue.log 2>&1 &
queue=$!
await 10 grep -qs queued queue.log
expect "state while they wait" "$(property SubState)" auto-restart
wait "$queue" || { cat queue.log; die "connections were lost"; }
tail -n 1 queue.log
await 20 is SubState running
[ "$(main)" != "$old_main" ]
wait "$send" || { cat send.log; die "a sender that was cut off did not finish"; }
tail -n 1 send.log
[ "$(rows)" -ge $((rows_before + 40000)) ] || die "only $(rows) rows"

step "hang of the supervisor: systemd's watchdog has it replaced"
old_main=$(main)
kill -STOP "$old_main"
await 20 is Result watchdog
await 20 is SubState running
[ "$(main)" != "$old_main" ]
send 1000

step "restart under load: drained, and who connects meanwhile waits; nothing refused, reset or lost"
old_main=$(main)
load_begin
timeout 60 systemctl restart "$unit"
[ "$(main)" != "$old_main" ]
load_end

step "password: asked for and missing, then from a credential, then from ~/.pgpass"
sql "ALTER ROLE txindexd PASSWORD 'open-sesame'"
echo 'database = host=127.0.0.1 user=txindexd dbname=txindexd' >>"$conf"
! systemctl restart "$unit" 2>/dev/null || die "it started without a password"
journalctl --unit="$unit" --grep='no password supplied' --quiet >/dev/null
systemctl stop "$unit"
mkdir -p /etc/credstore
chmod 700 /etc/credstore
(umask 077 && echo open-sesame >/etc/credstore/txindexd.database-password)
systemctl start "$unit"
send 1000
rm /etc/credstore/txindexd.database-password
systemctl stop "$unit"
(umask 077 && echo '127.0.0.1:*:*:txindexd:open-sesame' >/var/lib/txindexd/.pgpass)
chown txindexd:txindexd /var/lib/txindexd/.pgpass
systemctl start "$unit"
send 1000
! journalctl --unit="$unit" --grep=open-sesame --quiet >/dev/null || die "the password is in the journal"
rm /var/lib/txindexd/.pgpass
cp -p conf.good "$conf"
systemctl restart "$unit"

step "a log file, rotated"
echo 'log.file = /var/log/txindexd/txindexd.log' >>"$conf"
systemctl restart "$unit"
log=/var/log/txindexd/txindexd.log
await 10 grep -q 'listening on' "$log"
logrotate --force /etc/logrotate.d/txindexd
grep -q 'listening on' "$log.1"
for pid in $(main) $(workers); do await 10 has_open "$pid" "$log"; done
kill -KILL "$(workers | head -n 1)"
await 10 grep -q 'killed by signal 9' "$log"
await 20 has_workers 2

step "upgrade to a program that does not run: the old one serves on"
before="$(main) $(workers)"
dpkg --install broken.deb >dpkg.log 2>&1
grep 'not taken into service' dpkg.log
expect "processes" "$(main) $(workers)" "$before"
expect "active" "$(systemctl is-active "$unit")" active
send 1000

step "txindex restart: fails as long as the new program does not run"
! txindex restart --reexec --timeout 30 >restart.log 2>&1 || { cat restart.log; die "it succeeded"; }
tail -n 1 restart.log
expect "processes" "$(main) $(workers)" "$before"

step "upgrade under load: the same supervisor, the new programs, nothing refused, reset or lost"
old_main=$(main)
load_begin
timeout 90 apt-get --quiet --yes install ./next.deb >dpkg.log 2>&1 || { cat dpkg.log; die "apt-get failed"; }
expect "main process" "$(main)" "$old_main"
expect "active" "$(systemctl is-active "$unit")" active
for pid in $(main) $(workers); do expect "program of $pid" "$(readlink "/proc/$pid/exe")" /usr/bin/txindexd; done
load_end

step "stop: drained, and the port is free"
load_begin
timeout 60 systemctl stop "$unit"
expect "result" "$(property Result) $(property ExecMainStatus)" "success 0"
touch stop
wait "$load" || true  # it finds the port closed
! listens || die "something still listens on $address"

step "remove and purge: nothing is left but the user and the database"
systemctl start "$unit"
dpkg --remove txindexd >dpkg.log
! pgrep --full '^/usr/bin/txindexd' || die "processes outlived the package"
[ -e "$conf" ] || die "remove took the configuration"
rm -r "$dropin"
dpkg --purge txindexd >>dpkg.log
for left in /etc/txindexd /var/lib/txindexd /var/log/txindexd /usr/lib/systemd/system/$unit \
  /usr/lib/sysusers.d/txindexd.conf /usr/lib/tmpfiles.d/txindexd.conf /etc/logrotate.d/txindexd; do
  [ ! -e "$left" ] || die "left behind: $left"
done
expect "unit" "$(property LoadState)" not-found
find /etc/systemd /var/lib/systemd -name '*txindexd*' | { ! grep .; } || die "systemd keeps something of it"
id txindexd >/dev/null

step "all is well"
