# The throw-away PostgreSQL and Redis servers. Sourced by scripts/test.

PG_DATA=""
PG_USER=""
REDIS_PID=""

# A loopback port that nothing uses at the moment.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# PostgreSQL refuses to run as root, so root lends the job to another user.
as_pg_user() {
  if [[ -n "$PG_USER" ]]; then (cd / && runuser -u "$PG_USER" -- "$@"); else "$@"; fi
}

# Starts a cluster in the scratch directory, once, and exports TEST_DATABASE_URL. Durability is off: nothing in it outlives the run.
start_postgres() {
  [[ -n "$PG_DATA" ]] && return 0
  local bin data port
  bin="$(postgres_bin)" || { echo "PostgreSQL is not installed"; return 1; }
  data="$SCRATCH/postgres"
  mkdir "$data"
  if ((EUID == 0)); then
    PG_USER=nobody
    id -u postgres >/dev/null 2>&1 && PG_USER=postgres
    chown "$PG_USER" "$data"
  fi
  as_pg_user "$bin/initdb" -D "$data/db" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync || return 1
  # Another process can take the port between the look and the start: try a few.
  for _ in 1 2 3 4 5; do
    port="$(free_port)"
    if as_pg_user "$bin/pg_ctl" -D "$data/db" -l "$data/log" -w -t 60 -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$data \
      -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" start; then
      PG_DATA="$data/db"
      export TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres" MODELGATE_TEST_REQUIRE_PG=1
      return 0
    fi
  done
  cat "$data/log"
  return 1
}

# Starts Redis without persistence, once, and exports TEST_REDIS_URL.
start_redis() {
  [[ -n "$REDIS_PID" ]] && return 0
  local port
  command -v redis-server >/dev/null || { echo "redis-server is not installed"; return 1; }
  for _ in 1 2 3 4 5; do
    port="$(free_port)"
    redis-server --port "$port" --bind 127.0.0.1 --dir "$SCRATCH" --save "" --appendonly no >"$SCRATCH/redis.log" 2>&1 &
    REDIS_PID=$!
    for _ in $(seq 100); do
      kill -0 "$REDIS_PID" 2>/dev/null || break
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        export TEST_REDIS_URL="redis://127.0.0.1:$port" MODELGATE_TEST_REQUIRE_REDIS=1
        return 0
      fi
      sleep 0.1
    done
    kill "$REDIS_PID" 2>/dev/null
    REDIS_PID=""
  done
  cat "$SCRATCH/redis.log"
  return 1
}

# Stops what this run started and removes its scratch directory; may be called twice.
stop_servers() {
  if [[ -n "$PG_DATA" ]]; then
    as_pg_user "$(postgres_bin)/pg_ctl" -D "$PG_DATA" -m immediate stop >/dev/null 2>&1
    PG_DATA=""
  fi
  if [[ -n "$REDIS_PID" ]]; then
    kill "$REDIS_PID" 2>/dev/null
    wait "$REDIS_PID" 2>/dev/null
    REDIS_PID=""
  fi
  rm -rf "$SCRATCH"
}
