# The parts of the suite, one function each. Sourced by scripts/test.

ALL_PARTS="format clippy deny rust docs"
QUICK_PARTS="format clippy rust"
# Parts whose runner prints counts of its own.
RUNNER_PARTS="rust"

part_format() {
  cargo fmt --all --check
}

part_clippy() {
  cargo clippy --workspace --all-targets --locked -- -D warnings
}

part_deny() {
  need_cargo_deny || return 1
  cargo deny --locked check bans licenses sources || return 1
  # The advisory database lives on a public host, which closed networks do not reach; then its check is left out, and the summary says so.
  if timeout 60 cargo deny --locked check advisories; then
    NOTE="bans, licences, sources, advisories"
  elif grep -q 'failed to fetch advisory database' "$RESULTS/deny.log"; then
    NOTE="bans, licences, sources; advisories NOT checked: their database cannot be reached from here"
  else
    return 1
  fi
}

# Unit tests, HTTP tests and conventions; on both engines unless --quick.
part_rust() {
  if ((QUICK)); then
    NOTE="SQLite only"
    unset TEST_DATABASE_URL MODELGATE_TEST_REQUIRE_PG
  else
    start_postgres || return 1
    NOTE="SQLite and PostgreSQL"
  fi
  export INSTA_UPDATE=no
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
  else
    cargo test --workspace --locked --no-fail-fast --lib --bins --tests
  fi
}

# The examples in the documentation compile and hold, and its links lead somewhere.
part_docs() {
  cargo test --workspace --locked --doc && RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
}
