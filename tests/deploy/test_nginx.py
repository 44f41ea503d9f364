"""The shipped nginx files in a real nginx in front of a real gateway: events one by one, real addresses, nothing buffered."""

import http.client
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import gateway as harness
import pytest

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
MAIN = """
daemon off;
master_process off;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log info;
events { worker_connections 256; }
http {
    access_log FOLDER/access.log;
    client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
    SERVERS
}
"""


class Nginx:
    """nginx with files of `nginx/`, changed only where they name ports, addresses and certificates."""

    def __init__(self, folder: Path, servers: str, changes: dict[str, str]):
        proxy = harness.ROOT / "nginx/modelgate-proxy.conf"
        for old, new in {"/etc/nginx/modelgate-proxy.conf": str(proxy), **changes}.items():
            assert old in servers, f"the configuration does not say {old!r} any more"
            servers = servers.replace(old, new)
        self.conf = folder / "nginx.conf"
        self.conf.write_text(MAIN.replace("FOLDER", str(folder)).replace("SERVERS", servers))
        self.command = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(self.conf)]
        self.folder = folder

    def check(self):
        """`nginx -t`."""
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr, done.stderr

    def start(self, port: int):
        self.process = harness.Process(self.command, self.folder / "out.log")

        def listening():
            assert self.process.child.poll() is None, self.process.output() + (self.folder / "error.log").read_text()
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0

        harness.wait_for("nginx", listening)

    def stop(self):
        self.process.stop(signal.SIGQUIT)


def certificate(folder: Path) -> Path:
    """A certificate for localhost, made now."""
    tls = folder / "tls"
    tls.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", tls / "privkey.pem", "-out", tls / "fullchain.pem"],
        check=True,
        capture_output=True,
    )
    return tls


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    settings = {"TRUSTED_PROXIES": "127.0.0.1/32", "BODY_LIMIT": "64KiB"}
    running = harness.Gateway(tmp_path_factory.mktemp("gateway"), settings)
    yield running
    running.stop()


def front(folder: Path, servers: str):
    """nginx/modelgate.conf with TLS in front of `servers`; and the HTTPS port, the HTTP port and a client's TLS settings."""
    folder.mkdir(exist_ok=True)
    tls = certificate(folder)
    http_port, https_port = harness.free_port(), harness.free_port()
    changes = {
        "server 127.0.0.1:8765;": servers,
        "listen 80;": f"listen 127.0.0.1:{http_port};",
        "listen 443 ssl": f"listen 127.0.0.1:{https_port} ssl",
        "/etc/nginx/tls": str(tls),
        "/var/log/nginx/access.log": str(folder / "access.log"),
    }
    nginx = Nginx(folder, (harness.ROOT / "nginx/modelgate.conf").read_text(), changes)
    nginx.check()
    nginx.start(https_port)
    return nginx, (https_port, http_port, ssl.create_default_context(cafile=tls / "fullchain.pem"))


@pytest.fixture(scope="module")
def site(tmp_path_factory, gateway):
    nginx, site = front(tmp_path_factory.mktemp("nginx"), f"server 127.0.0.1:{gateway.port};")
    yield site
    nginx.stop()


def call(site, method="POST", path="/v1/chat/completions", body=None, headers=None, source=None):
    """A request through nginx over TLS; the answer's body is still to be read."""
    port, _, context = site
    connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=context, source_address=source)
    head = {"Authorization": f"Bearer {harness.ALICE}", "Content-Type": "application/json", **(headers or {})}
    connection.request(method, path, body=json.dumps(body) if isinstance(body, dict) else body, headers=head)
    return connection, connection.getresponse()


def chat(model, **more):
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}


def test_a_key_in_the_address_is_not_logged(tmp_path, gateway):
    nginx, own = front(tmp_path / "own", f"server 127.0.0.1:{gateway.port};")
    try:
        _, answer = call(own, "GET", f"/v1beta/models?key={harness.ALICE}", headers={"Authorization": ""})
        assert answer.status == 200 and b"models/gpt-x" in answer.read()
        read = (tmp_path / "own/access.log").read_text
        harness.wait_for("the line in the log", lambda: "GET /v1beta/models HTTP" in read())
        assert harness.ALICE not in read()
    finally:
        nginx.stop()


@pytest.mark.parametrize("path", ["/v1beta/models", "/v1beta/models/gpt-x:generateContent", "/v1/v1beta/models", "/v1/models"])
def test_a_key_in_the_address_is_in_no_error_of_nginx(tmp_path, path):
    nobody = harness.free_port()
    nginx, own = front(tmp_path / "own", f"server 127.0.0.1:{nobody};")
    try:
        _, answer = call(own, "GET", f"{path}?key={harness.ALICE}", headers={"Authorization": ""})
        assert answer.status == 502
        _, answer = call(own, "GET", "/v1/responses/nothing")
        assert answer.status == 502
        errors = (tmp_path / "own/error.log").read_text
        harness.wait_for("the error of the other call", lambda: "/v1/responses/nothing" in errors())
        assert harness.ALICE not in errors()
        assert f"GET {path} HTTP" in (tmp_path / "own/access.log").read_text()
    finally:
        nginx.stop()


def test_events_come_through_one_by_one(site):
    _, answer = call(site, body=chat("steady", stream=True))
    assert answer.status == 200 and answer.getheader("content-type").startswith("text/event-stream")
    times = []
    while line := answer.readline():
        if line.startswith(b"data: "):
            times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(times) >= 9 and sum(gap > 0.03 for gap in gaps) >= 5, f"gaps: {gaps}"


def test_leaving_cancels_the_call_behind_nginx(site, gateway):
    before = gateway.stats()["abandoned"]
    connection, answer = call(site, body=chat("slow", stream=True))
    answer.readline()
    answer.close()
    connection.close()
    harness.wait_for("the vendor to see the client leave", lambda: gateway.stats()["abandoned"] == before + 1, 3)


def test_the_record_has_the_clients_own_address_and_no_invented_one(site, gateway):
    _, answer = call(site, body=chat("gpt-x"), headers={"X-Forwarded-For": "198.51.100.7"}, source=("127.0.0.2", 0))
    answer.read()
    request = answer.getheader("x-request-id")
    row = harness.wait_for("the record", lambda: next((r for r in gateway.logs() if r["id"] == request), None), 10)
    assert row["client_ip"] == "127.0.0.2"


def test_cookies_are_secure_exactly_behind_tls(site, gateway):
    _, answer = call(site, "GET", "/login")
    answer.read()
    assert answer.status == 200
    behind_tls = answer.headers.get_all("set-cookie")
    assert behind_tls and all("Secure" in cookie for cookie in behind_tls)
    plain = harness.get(f"{gateway.url}/login")[1].get_all("set-cookie")
    assert plain and not any("Secure" in cookie for cookie in plain)


def test_a_large_body_is_refused_by_the_gateway_in_its_own_words(site):
    _, answer = call(site, body=chat("gpt-x", padding="x" * 70_000))
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["message"]


def test_metrics_stay_inside(site, gateway):
    _, answer = call(site, "GET", "/metrics")
    assert answer.status == 404 and b"modelgate_" not in answer.read()
    assert "modelgate_requests_total" in harness.get(f"{gateway.url}/metrics")[2]


def test_plain_http_leads_to_https(site):
    connection = http.client.HTTPConnection("127.0.0.1", site[1], timeout=5)
    connection.request("GET", "/admin?x=1", headers={"Host": "gateway.example.com"})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("location")) == (301, "https://gateway.example.com/admin?x=1")


def test_restarting_one_gateway_after_the_other_loses_no_call(tmp_path):
    """Two gateways on one database, each ended by SIGTERM under load and started again: every call is answered whole, once."""
    shared = {"DATABASE_URL": f"sqlite:{tmp_path / 'shared.db'}", "SECRET_KEY": "canary-secret-key-of-two-0123456789", "DRAIN_DELAY": "1"}
    gateways, nginx = [], None
    stop, lost, answered = threading.Event(), [], []

    def ask(site, stream):
        while not stop.is_set():
            try:
                connection, answer = call(site, body=chat("steady" if stream else "gpt-x", stream=stream))
                text = answer.read()
                connection.close()
                whole = text.endswith(b"data: [DONE]\n\n") if stream else b'"finish_reason"' in text
                (answered if answer.status == 200 and whole else lost).append((answer.status, text[-300:]))
            except (OSError, http.client.HTTPException) as error:
                lost.append(repr(error))

    try:
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            gateways.append(harness.Gateway(folder, shared, apply=not gateways))
        servers = " ".join(f"server 127.0.0.1:{gateway.port} max_fails=0;" for gateway in gateways)
        nginx, site = front(tmp_path / "nginx", servers)
        callers = [threading.Thread(target=ask, args=(site, n % 2 == 0)) for n in range(8)]
        for caller in callers:
            caller.start()
        for gateway in gateways:
            done = len(answered)
            assert gateway.server.stop() == 0, gateway.server.output()
            harness.wait_for("calls while one gateway is away", lambda: len(answered) > done + 8 or lost)
            gateway.start()
        stop.set()
        for caller in callers:
            caller.join(30)
        assert not lost, lost[:5]
        assert len(answered) > 40
        assert gateways[0].stats()["requests"] == len(answered), "no call was made twice"
    finally:
        stop.set()
        if nginx:
            nginx.stop()
        for gateway in gateways:
            gateway.stop()


def test_under_a_prefix(tmp_path):
    running = harness.Gateway(tmp_path, {"TRUSTED_PROXIES": "127.0.0.1/32", "BASE_PATH": "/llm"})
    port = harness.free_port()
    text = (harness.ROOT / "nginx/base-path.conf").read_text()
    folder = tmp_path / "nginx"
    folder.mkdir()
    servers = f"server {{ listen 127.0.0.1:{port}; {text} }}"
    nginx = Nginx(folder, servers, {"http://127.0.0.1:8765": f"http://127.0.0.1:{running.port}"})
    try:
        nginx.check()
        nginx.start(port)
        site = f"http://127.0.0.1:{port}"
        status, _, text = harness.get(f"{site}/llm/v1/models", {"Authorization": f"Bearer {harness.ALICE}"})
        assert status == 200 and "gpt-x" in text
        assert harness.get(f"{site}/llm/metrics")[0] == 404
        status, _, page = harness.get(f"{site}/llm/login")
        assert status == 200
        links = re.findall(r'(?:href|src|action|hx-get|hx-post)="([^"#]+)"', page)
        assert links and all(link.startswith(("/llm", "http", "mailto:", "data:", "?")) for link in links), links
        for link in {link for link in links if "/static/" in link}:
            assert harness.get(f"{site}{link}")[0] == 200, link
        running.stop()
        for path in ("/llm/v1beta/models", "/llm/v1/models", "/llm/v1/v1beta/models"):
            assert harness.get(f"{site}{path}?key={harness.ALICE}")[0] == 502, path
        assert harness.get(f"{site}/llm/v1/responses/nothing")[0] == 502
        errors = (folder / "error.log").read_text
        harness.wait_for("the error of the other call", lambda: "/llm/v1/responses/nothing" in errors())
        assert harness.ALICE not in errors()
    finally:
        if hasattr(nginx, "process"):
            nginx.stop()
        running.stop()


def test_the_compose_file_has_the_same_nginx(tmp_path):
    """compose.conf differs from modelgate.conf, which the tests above run, in the server's name and the gateway's address only."""
    strip = lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    host = strip((harness.ROOT / "nginx/modelgate.conf").read_text())
    compose = strip((harness.ROOT / "nginx/compose.conf").read_text())
    assert compose == host.replace("127.0.0.1:8765", "gateway:8765").replace("gateway.example.com", "_")
