# The parts of the suite, one function each. Sourced by scripts/test.

ALL_PARTS="format clippy deny rust docs deploy sdk-python sdk-node agents secrets browser readme reports chaos"
QUICK_PARTS="format clippy rust"
# Parts whose runner prints counts of its own.
RUNNER_PARTS="rust deploy sdk-python sdk-node agents secrets browser readme reports"

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
    unset TEST_DATABASE_URL MODELGATE_TEST_REQUIRE_PG TEST_REDIS_URL MODELGATE_TEST_REQUIRE_REDIS
  else
    start_postgres && start_redis || return 1
    NOTE="SQLite, PostgreSQL and Redis"
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

# The program that the parts below run, in MODELGATE_BIN.
build_program() {
  local target
  cargo build --locked --bin modelgate || return 1
  target="$(cargo metadata --format-version 1 --no-deps --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')"
  export MODELGATE_BIN="${MODELGATE_BIN:-$target/debug/modelgate}"
}

# pytest on the paths in the arguments.
run_pytest() {
  need_python && build_program && .venv/bin/python -m pytest -rs --tb=short -p no:cacheprovider -o addopts= "$@"
}

# Image, compose, nginx and systemd files; a real nginx in front of a real gateway.
part_deploy() {
  NOTE="the image itself is not built: that takes a Docker engine"
  run_pytest tests/deploy/test_files.py tests/deploy/test_nginx.py
}

part_sdk_python() {
  run_pytest tests/sdk/python
}

# No secret in any log, page, journal, error, metric or database file.
part_secrets() {
  run_pytest tests/deploy/test_secrets.py
}

# The commands of both READMEs, as they stand; their release build without the minutes that make it fast.
part_readme() {
  export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
  run_pytest tests/deploy/test_readme.py
}

# Reports of use, opened by LibreOffice and looked at page by page.
part_reports() {
  run_pytest tests/deploy/test_reports.py
}

part_sdk_node() {
  need_node tests/sdk/node && build_program && (cd tests/sdk/node && node --test --test-reporter=spec)
}

# Coding agents from npm, each at one task before a vendor of another dialect. Their platforms' binaries make a lock file of one machine useless on
# another, so only their own versions are fixed.
part_agents() {
  need_node tests/agents && build_program && (cd tests/agents && node --test --test-concurrency=1 --test-reporter=spec)
}

# Log in, configure, call and see it, in Chromium; and the pictures of the READMEs can be taken.
part_browser() {
  CHROMIUM_PATH="$(chromium_path)"
  export CHROMIUM_PATH
  need_node tests/browser && build_program && (cd tests/browser && node --test --test-concurrency=1 --test-reporter=spec) &&
    scripts/screenshots --check
}

# Kills, restarts, a hanging vendor and a database that goes away, under load; then the books must balance.
part_chaos() {
  NOTE="short form; scripts/chaos --seconds 600 is the long one"
  build_program && python3 scripts/chaos --seconds 15
}
