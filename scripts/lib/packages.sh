# What the suite needs from the system, and how it gets there. Sourced by scripts/test.

# The newest PostgreSQL's programs, wherever the distribution put them.
postgres_bin() {
  local found
  found="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)"
  if [[ -z "$found" ]] && command -v initdb >/dev/null; then found="$(dirname "$(command -v initdb)")"; fi
  [[ -n "$found" ]] && echo "$found"
}

# The Chromium that the browser tests drive.
chromium_path() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

# Prints the Debian packages that the parts in the arguments need and the machine lacks.
missing_packages() {
  local wanted=" $* "
  command -v cc >/dev/null || echo gcc libc6-dev
  command -v make >/dev/null || echo make
  if [[ "$wanted" =~ " "(rust|chaos)" " ]] && ((!QUICK)); then
    postgres_bin >/dev/null || echo postgresql
    command -v redis-server >/dev/null || echo redis-server
    command -v openssl >/dev/null || echo openssl
  fi
  if [[ "$wanted" == *" rust "* ]]; then command -v python3 >/dev/null || echo python3; fi
  if [[ "$wanted" =~ " "(deploy|sdk-python|secrets|readme|reports)" " ]]; then
    command -v python3 >/dev/null || echo python3
    python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv
    command -v curl >/dev/null || echo curl
  fi
  if [[ "$wanted" == *" deploy "* ]]; then
    command -v nginx >/dev/null || echo nginx-light
    command -v openssl >/dev/null || echo openssl
  fi
  if [[ "$wanted" =~ " "(sdk-node|agents|browser)" " ]]; then
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
  fi
  if [[ "$wanted" == *" reports "* ]]; then
    command -v soffice >/dev/null || echo libreoffice-writer-nogui
    command -v pdftotext >/dev/null || echo poppler-utils
    [[ -n "$(fc-list :lang=zh 2>/dev/null)" ]] || echo fonts-noto-cjk fontconfig
  fi
  if [[ "$wanted" == *" browser "* ]]; then chromium_path >/dev/null || echo chromium; fi
}

# Installs, or with --no-install only names, what is missing.
need_packages() {
  local missing
  if ! command -v cargo >/dev/null; then
    echo "scripts/test: cargo is missing; install Rust with rustup (rust-toolchain.toml says which)" >&2
    return 1
  fi
  missing="$(missing_packages "$@" | tr '\n' ' ')"
  [[ -z "$missing" ]] && return 0
  if ((!INSTALL)); then
    echo "scripts/test: missing Debian packages: $missing" >&2
    return 1
  fi
  echo "installing from Debian: $missing"
  install_packages $missing || {
    echo "scripts/test: could not install them; as root: apt-get install $missing" >&2
    return 1
  }
}

# apt-get with no question asked and no service started: a package's own daemon is not what the tests use.
install_packages() {
  local as_root=()
  command -v apt-get >/dev/null || return 1
  if ((EUID != 0)); then
    command -v sudo >/dev/null || return 1
    as_root=(sudo)
    [[ -t 0 ]] || as_root=(sudo -n)
  fi
  "${as_root[@]}" sh -c '
    guard=/usr/sbin/policy-rc.d
    if [ ! -e "$guard" ]; then
      printf "#!/bin/sh\nexit 101\n" >"$guard" && chmod 755 "$guard"
      trap "rm -f $guard" EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -q -y --no-install-recommends "$@"
  ' sh "$@" >"$RESULTS/install.log" 2>&1
}

# The Python packages, in a local .venv that is rebuilt when the list changes.
need_python() {
  local stamp
  stamp="$(cksum <tests/requirements.txt)"
  [[ -f .venv/.stamp && "$(cat .venv/.stamp)" == "$stamp" ]] && return 0
  rm -rf .venv
  python3 -m venv .venv && .venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt && echo "$stamp" >.venv/.stamp
}

# The npm packages of the folder $1: exactly as its lock file says, or where it has none, as its package.json does.
need_node() {
  local stamp file="$1/package-lock.json" install=(npm ci)
  [[ -f "$file" ]] || file="$1/package.json" install=(npm install --no-package-lock)
  stamp="$(cksum <"$file")"
  [[ -f "$1/node_modules/.stamp" && "$(cat "$1/node_modules/.stamp")" == "$stamp" ]] && return 0
  (cd "$1" && "${install[@]}" --no-audit --no-fund) && echo "$stamp" >"$1/node_modules/.stamp"
}

# cargo-deny, from crates.io when the machine has none.
need_cargo_deny() {
  command -v cargo-deny >/dev/null && return 0
  echo "installing cargo-deny from crates.io into $TOOLS"
  CARGO_TARGET_DIR="$SCRATCH/cargo-deny" cargo install cargo-deny --version '^0.20' --locked --root "$TOOLS" && rm -rf "$SCRATCH/cargo-deny"
}
