"""What `scripts/bench` is made of: throw-away servers on loopback, load, and readings of a process."""

import base64
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "sk-mg-bench-0123456789abcdef"
RULED_KEY = "sk-mg-ruled-0123456789abcdef"
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
STREAM_EVENTS = 64
STREAM_PACE_MS = 5
LONG_PROMPT_BYTES = 64 * 1024


def many_files():
    """As many open files as are allowed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def need(tool, package, install):
    """The path of a tool, installed from Debian where it is missing."""
    path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    if path:
        return path
    if not install or os.geteuid() != 0:
        sys.exit(f"bench: {tool} is missing; install it with: apt-get install {package}")
    print(f"bench: installing {package}", file=sys.stderr)
    subprocess.run(["apt-get", "install", "-y", "-q", package], check=True, stdout=subprocess.DEVNULL)
    return shutil.which(tool) or f"/usr/sbin/{tool}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, what, pause=0.05):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(pause)
    sys.exit(f"bench: {what} does not answer on port {port}")


class Machine:
    """What was started, so that all of it is stopped."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        # the proxy alone on one core; vendor and load share another
        self.proxy_cpu = str(cpus[0])
        self.other_cpu = ",".join(map(str, cpus[1:2] or cpus[:1]))
        self.children = []

    def start(self, cpu, command, **options):
        child = subprocess.Popen(["taskset", "-c", cpu, *map(str, command)], **options)
        self.children.append(child)
        return child

    def stop(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def processes(pid):
    """A process and its children: nginx works in one of those."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def cpu_us(pid):
    """User and system time so far, of the process and of its children that still run."""
    total = 0
    for one in processes(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * TICK_US


def user_us(pid):
    """User time so far, of the process itself."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11]) * TICK_US


def rss_mb(pid):
    total = 0
    for one in processes(pid):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def build(profile):
    print(f"bench: building ({profile})", file=sys.stderr)
    command = ["cargo", "build", "--profile", profile, "-q", "--bin", "modelgate", "--example", "load"]
    subprocess.run(command, cwd=ROOT, check=True)
    metadata = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT,
                              check=True, capture_output=True, text=True)
    folder = Path(json.loads(metadata.stdout)["target_directory"]) / ("debug" if profile == "dev" else profile)
    return folder / "modelgate", folder / "examples" / "load"


def config_file(folder, vendors, scheme="http"):
    """Providers, models and two keys: one without rules, and one with every rule there is, none of which refuses."""
    text = ""
    for model, port in vendors.items():
        text += f"""
[[providers]]
name = "p-{model}"
protocol = "openai"
base_url = "{scheme}://127.0.0.1:{port}/v1"
keys = [ {{ label = "main", secret = "sk-up-bench" }} ]

[[models]]
name = "{model}"
kind = "chat"
targets = [ {{ provider = "p-{model}", upstream_model = "sim-chat", priority = 1, weight = 100 }} ]
price = {{ currency = "USD", input = "0.15", output = "0.60" }}
"""
    text += f"""
[[api_keys]]
name = "bench"
secret = "{KEY}"

[[api_keys]]
name = "ruled"
secret = "{RULED_KEY}"
expires_at = "2100-01-01T00:00:00Z"
time_zone = "Asia/Shanghai"
allowed_cidrs = ["10.0.0.0/8", "127.0.0.0/8"]
limits = {{ rpm = 1000000000, tpm = 1000000000000, max_concurrency = 100000, mode = "enforce" }}
budget = {{ amount = "1000000", currency = "USD", period = "month", mode = "enforce" }}
time_rules = [ {{ kind = "time_range", allowed = true, start = "00:00", end = "24:00" }},
               {{ kind = "date_range", allowed = false, start = "2001-01-01", end = "2001-01-02" }} ]
"""
    path = folder / "bench.toml"
    path.write_text(text)
    return path


def gateway_env(folder, database=None, **more):
    """One worker; SQLite in `folder` unless another database is named."""
    return {"PATH": os.environ["PATH"], "DATABASE_URL": database or f"sqlite:{folder}/bench.db",
            "DATA_DIR": str(folder / "data"), "PORT": str(free_port()), "WORKERS": "1", "LOG_LEVEL": "warn",
            "ADMIN_USERS": "bench:" + os.urandom(12).hex(), "DRAIN_DELAY": "0",
            "SECRET_KEY": base64.b64encode(os.urandom(32)).decode(), **more}


def answers(port, path):
    """Whether a GET is answered with 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(f"GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n".encode())
        return b" 200 " in s.recv(64)


def start_gateway(machine, binary, folder, vendors, database=None, scheme="http", before=(), **more):
    """Configured and listening; `before` is put before the command. Returns the process, its port and how long a
    start took, in milliseconds."""
    env = gateway_env(folder, database, **more)
    path = config_file(folder, vendors, scheme)
    subprocess.run([binary, "apply", path], env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    child = machine.start(machine.proxy_cpu, [*before, binary, "serve"], env=env, cwd=folder, stdout=subprocess.DEVNULL)
    port = int(env["PORT"])
    wait_for(port, "the gateway", pause=0.002)
    # it listens before it is ready, and refuses calls meanwhile
    while not answers(port, "/readyz"):
        time.sleep(0.002)
    return child.pid, port, (time.monotonic() - began) * 1000


def start_nginx(machine, nginx, folder, vendors):
    """A plain proxy: one worker, keep-alive on both sides, no buffering, no log."""
    servers = upstreams = ""
    ports = {}
    for model, port in vendors.items():
        ports[model] = free_port()
        upstreams += f"upstream {model} {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 10000000; }}\n"
        servers += f"""server {{
  listen 127.0.0.1:{ports[model]} backlog=4096;
  keepalive_requests 10000000;
  location / {{ proxy_pass http://{model}; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffering off; proxy_read_timeout 300s; }}
}}
"""
    (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1; worker_rlimit_nofile 65536;
pid {folder}/nginx.pid; error_log {folder}/nginx-error.log warn;
events {{ worker_connections 16384; }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{upstreams}{servers}}}
""")
    child = machine.start(machine.proxy_cpu, [nginx, "-p", folder, "-c", folder / "nginx.conf"],
                          stderr=subprocess.DEVNULL)
    wait_for(ports["plain"], "nginx")
    return child.pid, ports


class Target:
    def __init__(self, name, pid, ports):
        self.name, self.pid, self.ports = name, pid, ports
        self.figures = {}

    def url(self, model):
        return f"http://127.0.0.1:{self.ports[model]}/v1/chat/completions"

    def add(self, figure, value):
        self.figures.setdefault(figure, []).append(value)

    def median(self, figure):
        values = self.figures.get(figure)
        return statistics.median(values) if values else None


def run_wrk(machine, wrk, folder, target, args, name="", model="plain", key=KEY, prompt_bytes=360):
    """Closed loop without streams: requests, CPU each, percentiles. `name` goes before the figures' names."""
    prompt = "Which three figures would you look at first? "
    prompt *= prompt_bytes // len(prompt)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]})
    script = folder / "wrk.lua"
    script.write_text(f"""wrk.method = "POST"
wrk.body = {json.dumps(body)}
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
done = function(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %d %f %f %f", summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
""")
    before = cpu_us(target.pid) if target.pid else 0
    out = subprocess.run(["taskset", "-c", machine.other_cpu, wrk, "-t1", f"-c{args.connections}",
                          f"-d{args.seconds:.0f}s", "-s", script, target.url(model)],
                         check=True, capture_output=True, text=True).stdout
    after = cpu_us(target.pid) if target.pid else 0
    line = next(l for l in out.splitlines() if l.startswith("RESULT"))
    requests, errors, duration, p50, p99 = map(float, line.split()[1:])
    if errors or not requests:
        sys.exit(f"bench: {target.name}: {errors:.0f} errors of {requests:.0f} requests {name}")
    target.add(name + "closed_rps", requests / (duration / 1e6))
    target.add(name + "closed_p50", p50)
    target.add(name + "closed_p99", p99)
    if target.pid:
        target.add(name + "request_cpu", (after - before) / requests)


def run_load(machine, load, target, model, mode, connections, seconds, rate=0.0):
    command = ["taskset", "-c", machine.other_cpu, load, mode, "--url", target.url(model), "--key", KEY, "--model", model,
               "--connections", connections, "--seconds", seconds, "--rate", rate]
    before = cpu_us(target.pid) if target.pid else 0
    out = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout
    after = cpu_us(target.pid) if target.pid else 0
    result = json.loads(out)
    if result["errors"] or not result["done"]:
        sys.exit(f"bench: {target.name}: {result['errors']} errors, {result['done']} done ({mode})")
    result["cpu"] = after - before
    return result


# clients by the address that each calls for the model `stream`; the vendor speaks chat completions
CLIENTS = {
    "OpenAI chat completions (passed on)": "v1/chat/completions",
    "Anthropic messages": "v1/messages",
    "OpenAI responses": "v1/responses",
    "Google Gemini": "v1beta/models/stream:streamGenerateContent?alt=sse",
}


def run_clients(machine, load, target, args):
    """User time of the gateway for each of the vendor's events, by the dialect of the client."""
    for client, path in CLIENTS.items():
        command = ["taskset", "-c", machine.other_cpu, load, "streams", "--key", KEY, "--model", "stream",
                   "--url", f"http://127.0.0.1:{target.ports['stream']}/{path}", "--connections", args.streams,
                   "--seconds", args.seconds]
        before = user_us(target.pid)
        result = json.loads(subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout)
        used = user_us(target.pid) - before
        if result["errors"] or not result["done"]:
            sys.exit(f"bench: {client}: {result['errors']} errors, {result['done']} done")
        target.add(client, used / result["done"] / STREAM_EVENTS)


def run_streams(machine, load, target, args):
    result = run_load(machine, load, target, "stream", "streams", args.streams, args.seconds)
    if target.pid:
        target.add("stream_cpu", result["cpu"] / result["done"])
        target.add("event_cpu", result["cpu"] / result["events"])
    # time to first token is read at a quiet rate, where it is latency and not queueing
    result = run_load(machine, load, target, "stream", "streams", 20, args.seconds, 20.0)
    target.add("first_p50", result["first_p50_us"])
    target.add("first_p99", result["first_p99_us"])


def run_rate(machine, load, target, args):
    result = run_load(machine, load, target, "plain", "requests", 16, args.seconds, args.rate)
    target.add("rate_p50", result["p50_us"])
    target.add("rate_p99", result["p99_us"])


def run_held(machine, load, target, streams):
    """Memory with many streams open."""
    target.add(f"rss_before_{streams}", rss_mb(target.pid))
    child = machine.start(machine.other_cpu, [load, "hold", "--url", target.url("held"), "--key", KEY, "--model", "held",
                          "--connections", streams, "--seconds", 60], stdout=subprocess.PIPE, text=True)
    opened = json.loads(child.stdout.readline())["open"]
    if opened != streams:
        sys.exit(f"bench: {target.name}: only {opened} of {streams} streams opened")
    time.sleep(1)
    target.add(f"rss_held_{streams}", rss_mb(target.pid))
    child.terminate()
    child.wait()
    time.sleep(1)


def rows_in(folder):
    import sqlite3
    with sqlite3.connect(f"file:{folder}/bench.db?mode=ro", uri=True) as db:
        return db.execute("select count(*) from request_logs where status <> 'pending'").fetchone()[0]


def wait_for_rows(folder):
    """How many rows the request log holds once it stands still: the accounting was really on."""
    last = -1
    for _ in range(60):
        count = rows_in(folder)
        if count == last:
            return count
        last = count
        time.sleep(1.5)
    return last


class DatabaseAway:
    """Holds SQLite's write lock from outside: the gateway serves, and its records wait in the journal."""

    def __init__(self, folder):
        self.path = folder / "bench.db"

    def __enter__(self):
        import sqlite3
        self.db = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        self.db.execute("begin immediate")

    def __exit__(self, *_):
        self.db.execute("rollback")
        self.db.close()


class Postgres:
    """A throw-away cluster on loopback; absent where PostgreSQL is not installed."""

    def __init__(self, folder):
        self.url = None
        bins = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not bins:
            return
        self.bin, self.data, port = bins[-1].parent, folder / "postgres", free_port()
        self.data.mkdir()
        self.run_as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.run_as:
            shutil.chown(self.data, "postgres")
        self.call("initdb", "-D", self.data / "db", "-U", "postgres", "-A", "trust", "-E", "UTF8")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={self.data}"
        self.call("pg_ctl", "-D", self.data / "db", "-l", self.data / "log", "-w", "-o", options, "start")
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"

    def call(self, tool, *arguments):
        subprocess.run([*self.run_as, self.bin / tool, *map(str, arguments)], check=True, cwd="/",
                       stdout=subprocess.DEVNULL)

    def stop(self):
        if self.url:
            self.call("pg_ctl", "-D", self.data / "db", "-m", "immediate", "stop")


def start_tls_vendor(machine, nginx, folder, vendor):
    """A TLS server before the simulator; returns its port and the certificate to trust."""
    port, certificate = free_port(), folder / "vendor.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=vendor", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", folder / "vendor.key", "-out", certificate], check=True, capture_output=True)
    (folder / "tls.conf").write_text(f"""daemon off; worker_processes 1; pid {folder}/tls.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
upstream vendor {{ server 127.0.0.1:{vendor}; keepalive 256; keepalive_requests 10000000; }}
server {{ listen 127.0.0.1:{port} ssl backlog=4096; keepalive_requests 10000000;
  ssl_certificate {certificate}; ssl_certificate_key {folder}/vendor.key;
  location / {{ proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
""")
    machine.start(machine.other_cpu, [nginx, "-p", folder, "-c", folder / "tls.conf"], stderr=subprocess.DEVNULL)
    wait_for(port, "the TLS vendor")
    return port, certificate
