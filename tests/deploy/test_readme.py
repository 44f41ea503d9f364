"""Both READMEs' commands, run as they stand: only the port, the key and the vendor's address are put in."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import gateway as harness
import pytest

ROOT = harness.ROOT
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S)


def blocks(name):
    """Mark, language and text of every fenced block."""
    return [(m["mark"], m["language"], m["text"]) for m in BLOCK.finditer((ROOT / name).read_text())]


def find(mark):
    return [(language, text) for m, language, text in blocks("README.md") if m == f"run: {mark}"]


def without_remarks(text):
    return "\n".join(re.sub(r"\s+#.*$", "", line) for line in text.splitlines())


def test_every_block_is_run_or_says_why_not():
    for name in ("README.md", "README_zh.md"):
        for mark, _, text in blocks(name):
            assert mark and mark.startswith(("run: ", "not run: ")), f"{name}: unmarked block:\n{text}"


def test_both_languages_give_the_same_commands():
    english, chinese = ([(m, l, without_remarks(t)) for m, l, t in blocks(name)] for name in ("README.md", "README_zh.md"))
    assert english == chinese


def test_links_between_documents_lead_somewhere():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def cargo_env(folder, port, **more):
    """An environment as a new user has it, but for the port and the place of the data."""
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "CARGO_TARGET_DIR", "CARGO_HOME", "RUSTUP_HOME", "LANG") or k.startswith("CARGO_PROFILE_")}
    return {**keep, "PORT": str(port), "DATA_DIR": str(folder / "data"), "TMPDIR": str(folder), **more}


def shell(text, env, **more):
    done = subprocess.run(["bash", "-euc", text], env=env, cwd=ROOT, capture_output=True, text=True, timeout=1800, **more)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


def run_call(language, text, port, key, env):
    """A block of the README with the printed key and the test's port in their places."""
    text = text.replace("localhost:8765", f"localhost:{port}").replace("sk-mg-...", key)
    env = {**env, "GATEWAY_KEY": key}
    if language == "python":
        done = subprocess.run([sys.executable, "-c", text], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return shell(text.replace("curl ", "curl --silent --show-error --fail-with-body "), env)


@pytest.fixture(scope="module")
def built():
    """The release build that `cargo run --release` makes; made apart, so that its time is not the server's."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--bin", "modelgate"], cwd=ROOT, check=True)


def test_the_demo_as_a_new_user_meets_it(built, tmp_path):
    port = harness.free_port()
    env = cargo_env(tmp_path, port)
    ((_, command),) = find("demo")
    demo = harness.Process(["bash", "-euc", f"exec {command}"], tmp_path / "demo.log", env, ROOT)
    try:
        harness.wait_for("the demo", lambda: harness.get(f"http://127.0.0.1:{port}/readyz")[0] == 200, 120)
        text = harness.wait_for("the greeting", lambda: "curl" in demo.output() and "sk-mg-" in demo.output() and demo.output())
        key = re.search(r"sk-mg-[!-~]+?(?=[\"'\s,;)]|$)", text).group()
        for language, block in find("call"):
            answer = run_call(language, block, port, key, env)
            assert answer.strip(), f"no answer to\n{block}"
            if language == "sh":
                assert json.loads(answer)["choices"][0]["message"]["content"]
        printed(text, env)
        assert harness.get(f"http://127.0.0.1:{port}/login")[0] == 200
    finally:
        code = demo.stop(signal.SIGINT)
    assert code == 0, demo.output()
    assert not shutil.which("ss") or harness.get(f"http://127.0.0.1:{port}/healthz")[0] == 0


def printed(text, env):
    """The lines that the demo prints work as they stand."""
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    curl = next(line for line in lines if line.startswith("curl "))
    assert "choices" in shell(curl, env) or "data:" in shell(curl, env)
    python = next(line for line in lines if line.startswith("python"))
    path = os.path.dirname(sys.executable) + os.pathsep + env["PATH"]
    assert shell(python, {**env, "PATH": path}).strip()


def test_serve_then_apply_then_call(built, tmp_path):
    port, sim = harness.free_port(), harness.free_port()
    env = cargo_env(tmp_path, port, OPENAI_API_KEY="sk-up-readme")
    vendor = harness.Process([harness.binary(), "simulate", "--port", str(sim)], tmp_path / "simulator.log", {**env, "DATA_DIR": ""})
    ((_, command),) = find("serve")
    server = harness.Process(["bash", "-euc", f"exec {command}"], tmp_path / "serve.log", env, ROOT)
    try:
        harness.wait_for("the gateway", lambda: harness.get(f"http://127.0.0.1:{port}/readyz")[0] == 200, 60)
        text = harness.wait_for("the set-up link", lambda: "/setup" in server.output() and server.output())
        assert harness.get(re.search(r"http://\S+/setup\S*", text).group())[0] == 200
        assert (tmp_path / "data/master.key").stat().st_mode & 0o777 == 0o600
        file = tmp_path / "gateway.toml"
        ((_, toml),) = find("file gateway.toml")
        file.write_text(toml.replace("https://api.openai.com/v1", f"http://127.0.0.1:{sim}/v1"))
        ((_, apply),) = find("apply")
        out = shell(apply.replace("gateway.toml", str(file)).replace("sk-...", "sk-up-readme"), env)
        key = re.search(r"sk-mg-[0-9A-Za-z_-]+", out).group()
        call = next(text for language, text in find("call") if language == "sh").replace("atlas-mini", "default")
        harness.wait_for("the change to be served", lambda: key_works(port, key), 5)
        assert json.loads(run_call("sh", call, port, key, env))["choices"]
    finally:
        server.stop()
        vendor.stop(signal.SIGKILL)


def key_works(port, key):
    return harness.get(f"http://127.0.0.1:{port}/v1/models", {"Authorization": f"Bearer {key}"})[0] == 200
