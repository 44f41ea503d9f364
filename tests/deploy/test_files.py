"""The files a deployment starts from say what they must, judged by the tools that read them."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from gateway import ALICE, Gateway, get

ROOT = Path(__file__).resolve().parents[2]


def dockerfile_stages():
    """The Dockerfile's stages: for each its base and its instructions, continuation lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    stages = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, rest = line.split(None, 1)
        if word == "FROM":
            stages.append((rest, []))
        else:
            stages[-1][1].append((word, rest))
    return stages


def test_hadolint_accepts_the_dockerfile():
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_without_rights_and_checks_itself():
    base, instructions = dockerfile_stages()[-1]
    words = dict(instructions)
    assert "nonroot" in base
    assert words["USER"].split(":")[0] not in ("0", "root")
    assert "modelgate" in words["HEALTHCHECK"] and "healthcheck" in words["HEALTHCHECK"]
    assert "dist" in str(dockerfile_stages()[0][1])


def test_everything_the_image_copies_is_in_the_tree_and_let_through():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    for word, rest in dockerfile_stages()[0][1]:
        if word != "COPY":
            continue
        for source in rest.split()[:-1]:
            assert list(ROOT.glob(source)), f"{source} is not in the tree"
            assert f"!{source}" in ignore, f".dockerignore hides {source}"


def test_the_build_embeds_nothing_that_the_image_leaves_out():
    """Every file that Rust code includes by a path at the root of the tree is copied into the build stage."""
    copied = " ".join(rest for word, rest in dockerfile_stages()[0][1] if word == "COPY")
    for path in [*ROOT.glob("src/**/*.rs"), *ROOT.glob("crates/*/src/**/*.rs"), ROOT / "build.rs"]:
        for target in re.findall(r'(?:include_str|include_bytes|embed_migrations)!\(\s*"([^"]+)"', path.read_text()):
            resolved = (path.parent / target).resolve()
            if not resolved.exists():
                resolved = next((p / target for p in path.parents if (p / "Cargo.toml").exists() and (p / target).exists()), resolved).resolve()
            first = resolved.relative_to(ROOT).parts[0]
            assert first in copied, f"{path.relative_to(ROOT)} includes {target}, which the image does not have"


def test_compose_joins_gateway_database_and_nginx():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    assert set(services) == {"db", "gateway", "nginx"}
    gateway = services["gateway"]
    assert "ports" not in gateway, "the gateway is reached through nginx only"
    assert gateway["environment"]["DATABASE_URL"].startswith("postgres://")
    assert gateway["environment"]["TRUSTED_PROXIES"] == compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    for volume in [v for s in services.values() for v in s.get("volumes", [])]:
        source = volume.split(":")[0]
        if source.startswith("./") and source != "./nginx/tls":
            assert (ROOT / source).is_file(), f"{source} is mounted but not there"
        elif not source.startswith("./"):
            assert source in compose["volumes"]


def test_compose_holds_no_secret():
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "SECRET_KEY"):
        values = re.findall(rf"^\s*{name}:\s*(.+)$", text, re.M)
        assert values and all(value.startswith("${") and ":?" in value for value in values)


def test_settings_named_in_the_deployment_files_exist(gateway_binary):
    """A name that the gateway does not know would silently do nothing."""
    known = subprocess.run([gateway_binary, "config"], capture_output=True, text=True, env={"PATH": "/usr/bin"}, cwd="/").stdout
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    names = set(compose["services"]["gateway"]["environment"])
    names |= set(re.findall(r"\b([A-Z][A-Z_]+)=", " ".join(rest for word, rest in dockerfile_stages()[-1][1] if word == "ENV")))
    unit = (ROOT / "packaging/systemd/modelgate.service").read_text()
    names |= {pair.split("=")[0] for line in re.findall(r"^Environment=(.+)$", unit, re.M) for pair in line.split()}
    for name in names:
        assert re.search(rf"\b{name}\b", known), f"modelgate config does not know {name}"


def test_the_dashboard_and_the_alerts_name_metrics_that_exist(tmp_path):
    """A panel or a rule on a name that nobody exports would be empty for ever, and silent."""
    gateway = Gateway(tmp_path)
    try:
        chat = {"model": "gpt-x", "messages": [{"role": "user", "content": "hello"}]}
        body, headers = json.dumps(chat).encode(), {"Authorization": f"Bearer {ALICE}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{gateway.base_url}/chat/completions", body, headers)
        assert urllib.request.urlopen(request, timeout=10).status == 200
        exported = set(re.findall(r"^(modelgate_\w+)", get(f"{gateway.url}/metrics")[2], re.M))
    finally:
        gateway.stop()
    dashboard = json.loads((ROOT / "deploy/grafana/modelgate.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    queries += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    assert len(queries) > 20
    for query in queries:
        for name in re.findall(r"\bmodelgate_\w+", query):
            assert name in exported, f"{name} is not exported"


def test_systemd_accepts_the_unit(tmp_path, gateway_binary):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on this machine")
    text = (ROOT / "packaging/systemd/modelgate.service").read_text()
    unit = tmp_path / "modelgate.service"
    unit.write_text(text.replace("/usr/local/bin/modelgate", str(gateway_binary)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    about_the_unit = [line for line in done.stderr.splitlines() if "modelgate.service" in line]
    assert not about_the_unit, "\n".join(about_the_unit)


def test_the_unit_gives_the_drain_its_time_and_does_not_retry_a_bad_configuration():
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(ROOT / "packaging/systemd/modelgate.service")
    service = unit["Service"]
    assert int(service["TimeoutStopSec"]) >= 45
    assert service["RestartPreventExitStatus"] == "2"
    assert service["ProtectSystem"] == "strict" and service["NoNewPrivileges"] == "yes"


@pytest.mark.parametrize("what", [[], ["--report"]], ids=["pages", "report"])
def test_the_benchmark_of_the_pages_runs(gateway_binary, what):
    few = ["--calls", "2000", "--raw", "200", "--keys", "3", "--rounds", "2"]
    done = subprocess.run([sys.executable, ROOT / "scripts/bench-pages", "--binary", gateway_binary, *few, *what], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "2,000 calls" in done.stdout and "|" in done.stdout, done.stdout
