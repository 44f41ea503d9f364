"""A real gateway in front of the simulated vendor, both separate processes on loopback, for tests written in Python."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# One model of a vendor of each dialect.
VENDORS = ["gpt-x", "claude-x", "gemini-x", "responses-x", "llama-x"]
ALICE = "sk-mg-canary-alice-0123456789abcdef"
ADMIN = "admin"
PASSWORD = "canary-Passw0rd:with-colon"
PATIENCE = 30.0


def binary() -> Path:
    """The program under test: MODELGATE_BIN, which scripts/test sets."""
    path = Path(os.environ.get("MODELGATE_BIN", ROOT / "target/debug/modelgate"))
    assert path.is_file(), f"{path} is not there: cargo build, or set MODELGATE_BIN"
    return path


def free_port() -> int:
    """A port that nothing uses at the moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what: str, check, patience: float = PATIENCE):
    """Calls `check` until it gives something true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s for {what}")


def get(url: str, headers=None):
    """Status, headers and text of a GET; status 0 where nothing answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()
    except OSError:
        return 0, {}, ""


class Process:
    """A child with its output in a file, so that a full pipe never stops it."""

    def __init__(self, arguments, log: Path, env=None, cwd=None):
        self.log = log
        with log.open("ab") as out:
            self.child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd)

    def output(self) -> str:
        """Everything it has said."""
        return self.log.read_text(errors="replace")

    def lives(self) -> bool:
        """True, or the test fails with what it said last."""
        assert self.child.poll() is None, f"exit code {self.child.returncode}: {self.output()}"
        return True

    def stop(self, how=signal.SIGTERM) -> int:
        """Ends it and gives its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


class Gateway:
    """`modelgate serve` with its own data directory, configured by tests/harness/gateway.toml."""

    def __init__(self, folder: Path, settings=None, apply: bool = True):
        self.folder = folder
        self.port, self.sim_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings or {}
        self.base_path = self.settings.get("BASE_PATH", "")
        self.base_url = f"{self.url}{self.base_path}/v1"
        self.env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "PORT": str(self.port),
            "DATA_DIR": str(folder / "data"),
            "DRAIN_DELAY": "0",
            "ADMIN_USERS": f"{ADMIN}:{PASSWORD}",
            **self.settings,
        }
        self.simulator = Process([binary(), "simulate", "--port", str(self.sim_port)], folder / "simulator.log", self.env, folder)
        self.server = None
        try:
            wait_for("the simulator", lambda: self.simulator.lives() and get(f"http://127.0.0.1:{self.sim_port}/_sim/stats")[0] == 200)
            if apply:
                self.apply((ROOT / "tests/harness/gateway.toml").read_text())
            self.start()
        except BaseException:
            self.stop()
            raise

    def run(self, *arguments, check: bool = True):
        """A command of the same binary with the same settings."""
        done = subprocess.run([binary(), *arguments], env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, f"modelgate {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def apply(self, text: str):
        """`modelgate apply` of a text in which SIMULATOR stands for the vendor's address."""
        path = self.folder / "gateway.toml"
        path.write_text(text.replace("SIMULATOR", f"127.0.0.1:{self.sim_port}"))
        return self.run("apply", path)

    def start(self):
        """Starts the server and waits until it is ready."""
        self.server = Process([binary(), "serve"], self.folder / "server.log", self.env, self.folder)

        def ready():
            return self.server.lives() and get(f"{self.url}{self.base_path}/readyz")[0] == 200

        wait_for("the gateway", ready)

    def stats(self) -> dict:
        """What the simulated vendor has counted."""
        return json.loads(get(f"http://127.0.0.1:{self.sim_port}/_sim/stats")[2])

    def logs(self) -> list[dict]:
        """The request log, newest first, as the command line gives it."""
        out = self.run("logs", "--json").stdout.strip()
        rows = json.loads(out) if out.startswith("[") else [json.loads(line) for line in out.splitlines()]
        return rows["logs"] if isinstance(rows, dict) else rows

    def stop(self):
        """Ends both processes."""
        code = self.server.stop() if self.server else 0
        self.simulator.stop(signal.SIGKILL)
        return code
