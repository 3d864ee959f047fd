# A PostgreSQL cluster of one's own, for scripts to source: in one folder, reached through a socket
# in it, on no port, so that it cannot meet the system's cluster or another of its kind.
#
#   private_postgres_start DIR [NAME=VALUE...]   initdb and start, with these settings; sets
#                                                PRIVATE_POSTGRES to the connection string
#   private_postgres_stop DIR                    stops it; the folder stays
#
# PostgreSQL refuses to run as root, so root runs it as the user postgres.

private_postgres_bin() {
  local newest
  newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
  [ -x "$newest/initdb" ] || { echo "private-postgres: no PostgreSQL server in /usr/lib/postgresql" >&2; return 1; }
  echo "$newest"
}

private_postgres_as() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

private_postgres_start() {
  local dir=$1 bin options setting
  shift
  options="-c listen_addresses='' -c unix_socket_directories='$dir' -c shared_buffers=256MB -c max_wal_size=4GB"
  for setting in "$@"; do options+=" -c '$setting'"; done
  bin=$(private_postgres_bin) || return 1
  mkdir -p "$dir"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$dir"; fi
  if [ ! -d "$dir/data" ]; then
    private_postgres_as "$bin/initdb" -D "$dir/data" -U txindex --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
      >"$dir/../initdb.log" 2>&1 || { cat "$dir/../initdb.log" >&2; return 1; }
  fi
  private_postgres_as "$bin/pg_ctl" -D "$dir/data" -w -s -l "$dir/postgres.log" -o "$options" start ||
    { cat "$dir/postgres.log" >&2; return 1; }
  PRIVATE_POSTGRES="host=$dir user=txindex dbname=postgres"
}

private_postgres_stop() {
  local dir=$1 bin
  [ -f "$dir/data/postmaster.pid" ] || return 0
  bin=$(private_postgres_bin) || return 1
  private_postgres_as "$bin/pg_ctl" -D "$dir/data" -w -s -m fast stop
}
