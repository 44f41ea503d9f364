"""Known secrets go in at every door; then every place that something could leak to is searched for them."""

import base64
import http.server
import json
import sqlite3
import threading
import urllib.parse
from pathlib import Path

import gateway as harness
import openai
import pytest
from portal import Portal

METRICS_TOKEN = "canary-metrics-token-51c9"
WRONG_KEY = "sk-mg-canary-wrong-key-9d2b7741"
WRONG_PASSWORD = "canary-wrong-password-6e0a"
FORM_SECRET = "sk-up-canary-form-42af9c"
ECHO_SECRET = "sk-up-canary-echo-d17e30"
COLLECTOR_KEY = "canary-collector-3b7d55"
NEW_PASSWORD = "canary-New-Passw0rd-b83c"
PROMPT = "canary-prompt-0f4e the quick brown fox"
# What a person typed or holds: nowhere at all. Prompts are the caller's: in no record or log either.
SECRETS = [
    "canary-8c1f5a",
    "canary-77d0e2",
    harness.ALICE,
    "sk-mg-canary-root-0123456789abcdef",
    harness.PASSWORD,
    METRICS_TOKEN,
    WRONG_KEY,
    WRONG_PASSWORD,
    FORM_SECRET,
    ECHO_SECRET,
    COLLECTOR_KEY,
    NEW_PASSWORD,
]
HELLO = [{"role": "user", "content": PROMPT}]


class Echo(http.server.BaseHTTPRequestHandler):
    """A careless vendor that repeats the key it was given in its error."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"error": {"message": f"No such key: {self.headers['authorization']}", "type": "invalid_request_error", "code": "bad"}}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def careless():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, careless):
    """The most talkative gateway there is; its collector is careless as well."""
    settings = {"LOG_LEVEL": "trace", "MODELGATE_METRICS_TOKEN": METRICS_TOKEN, "OTEL_BSP_SCHEDULE_DELAY": "50",
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{careless}", "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{COLLECTOR_KEY}"}
    running = harness.Gateway(tmp_path_factory.mktemp("gateway"), settings)
    yield running
    running.stop()


def attempt(call):
    """The answer as text, whatever its class."""
    try:
        return str(call())
    except openai.APIError as error:
        return f"{error} {getattr(error, 'body', '')} {getattr(getattr(error, 'response', None), 'text', '')}"


@pytest.fixture(scope="module")
def answers(gateway, careless):
    """Uses everything, and gives every answer that callers got and every page that was shown."""
    gateway.apply((harness.ROOT / "tests/harness/gateway.toml").read_text() + f"""
[[providers]]
name = "careless"
protocol = "openai"
base_url = "http://127.0.0.1:{careless}/v1"
keys = [{{ label = "main", secret = "{ECHO_SECRET}" }}]

[[models]]
name = "echoed"
kind = "chat"
targets = [{{ provider = "careless", upstream_model = "x" }}]
""")
    said = []
    for key in ("sk-mg-canary-root-0123456789abcdef", harness.ALICE, WRONG_KEY):
        client = openai.OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0)
        harness.wait_for("the catalog", lambda: "echoed" in attempt(lambda: client.models.list().data) or key != SECRETS[3], 5)
        for model in ("gpt-x", "echoed", "busy", "broken", "picky", "cut", "silent", "failover", "private", "none-such"):
            said.append(attempt(lambda: client.chat.completions.create(model=model, messages=HELLO)))
            said.append(attempt(lambda: [c for c in client.chat.completions.create(model=model, messages=HELLO, stream=True)]))
        # A key where it does not belong.
        said.append(harness.get(f"{gateway.base_url}/models?api_key={key}", {"x-api-key": key})[2])
        # And where Google's clients put it.
        for path in ("models", "models/none-such", "nonsense"):
            said.append(harness.get(f"{gateway.url}/v1beta/{path}?alt=sse&key={key}")[2])
    portal = Portal(gateway.url)
    portal.log_in(harness.ADMIN, WRONG_PASSWORD)
    status, _ = portal.log_in(harness.ADMIN, harness.PASSWORD)
    assert status == 200
    fields = {"name": "formed", "base_url": f"http://127.0.0.1:{careless}/v1", "label": "main", "secret": FORM_SECRET}
    portal.post("/admin/config/providers/new", "/admin/config/providers", **{**fields, "name": "Bad Name"})
    status, text = portal.post("/admin/config/providers/new", "/admin/config/providers", **fields)
    assert status == 200 and "formed" in text
    portal.post("/account", "/account/password", password=WRONG_PASSWORD, new_password=NEW_PASSWORD, new_password_again=NEW_PASSWORD)
    visit(portal)
    for provider in portal.links("/admin/config/providers", "/admin/config/providers/"):
        if not provider.endswith("/new"):
            portal.post(provider, f"{provider}/models/fetch")
    said += portal.seen
    said.append(harness.get(f"{gateway.url}/metrics", {"Authorization": f"Bearer {METRICS_TOKEN}"})[2])
    for command in (["config"], ["config", "--json"], ["export"], ["logs", "--json"], ["key", "list"], ["doctor"]):
        done = gateway.run(*command, check=False)
        said.append(done.stdout + done.stderr)
    rows = harness.wait_for("the records", lambda: [r for r in gateway.logs() if r["requested_model"] == "echoed"], 10)
    assert rows
    return said


def visit(portal):
    """Every page that a link of the portal leads to."""
    open_, done = ["/admin/home", "/admin/logs", "/admin/config/providers", "/admin/config/models", "/admin/api-keys", "/admin/system-config", "/account"], set()
    while open_ and len(done) < 150:
        path = open_.pop(0)
        if path in done or "/logout" in path:
            continue
        done.add(path)
        status, _ = portal.get(path)
        assert status < 500, f"{path}: {status}"
        open_ += [link for link in portal.links(path, "/") if link.startswith(("/admin", "/account"))]
    assert len(done) > 15, f"only {len(done)} pages were found"


def forms(secret: str) -> list[bytes]:
    """A secret as it is, in base64 (each of its three alignments) and percent-encoded."""
    found = [secret.encode(), urllib.parse.quote(secret, safe="").encode()]
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + secret.encode())
        found.append(coded[4 if lead else 0 : -4])
    return found


def search(what: str, content: bytes):
    for secret in SECRETS:
        for form in forms(secret):
            assert form not in content, f"{what} holds {secret}: …{content[max(0, content.find(form) - 120):][:240]!r}…"


def test_no_answer_page_metric_or_command_output(answers):
    for text in answers:
        search("an answer", text.encode())


def test_no_line_of_the_servers_log(gateway, answers):
    text = gateway.server.output()
    assert len(text) > 1000, "the log was to be talkative"
    search("the log", text.encode())


def test_no_file_of_the_data_directory(gateway, answers):
    files = [path for path in Path(gateway.env["DATA_DIR"]).rglob("*") if path.is_file()]
    assert any("journal" in str(path) for path in files) and any(path.suffix == ".db" for path in files)
    for path in files:
        search(str(path), path.read_bytes())


def test_the_master_key_is_in_its_file_only(gateway, answers):
    key = (Path(gateway.env["DATA_DIR"]) / "master.key").read_bytes().strip()
    assert len(key) >= 32
    sinks = {"the log": gateway.server.output().encode(), **{f"answer {i}": text.encode() for i, text in enumerate(answers)}}
    sinks |= {str(p): p.read_bytes() for p in Path(gateway.env["DATA_DIR"]).rglob("*") if p.is_file() and p.name != "master.key"}
    for name, content in sinks.items():
        assert key not in content, name


def test_prompts_are_in_no_record_and_no_log(gateway, answers):
    search_for = PROMPT[:18].encode()
    assert search_for not in gateway.server.output().encode()
    for path in Path(gateway.env["DATA_DIR"]).rglob("*"):
        if path.is_file():
            assert search_for not in path.read_bytes(), path


def test_the_search_would_find_them(gateway, answers):
    """The vendors' keys are there, sealed: a search that looks into nothing proves nothing."""
    database = sqlite3.connect(f"file:{gateway.env['DATA_DIR']}/modelgate.db?mode=ro", uri=True)
    sealed = database.execute("select secret from provider_keys").fetchall()
    assert len(sealed) >= 4 and all(len(row[0]) > 40 for row in sealed)
    with pytest.raises(AssertionError):
        search("a trap", b"x" + base64.b64encode(b"ab" + FORM_SECRET.encode()) + b"x")
