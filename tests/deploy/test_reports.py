"""A report as LibreOffice opens it: pages, words, pictures, and a table of contents that tells the truth."""

import os
import re
import shutil
import subprocess
import zipfile
from datetime import date, timedelta

import gateway as harness
import pytest

BIN = os.environ["MODELGATE_BIN"]
# What the gateway takes for its settings stays out.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("MODELGATE_")}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The database of a demo: thirty days of use."""
    folder = tmp_path_factory.mktemp("reports")
    env = {**CLEAN, "PORT": str(harness.free_port()), "TMPDIR": str(folder), "LOG_LEVEL": "off"}
    demo = subprocess.Popen([BIN, "demo"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        for line in demo.stdout:
            if "Admin" in line:
                break
        (made,) = folder.glob("modelgate-demo-*")
        kept = folder / "kept"
        kept.mkdir()
        source, target = made / "demo.db", kept / "demo.db"
        subprocess.run(["python3", "-c", "import sqlite3,sys; a=sqlite3.connect(sys.argv[1]); b=sqlite3.connect(sys.argv[2]); a.backup(b)", source, target], check=True)
    finally:
        demo.terminate()
        demo.wait(timeout=60)
    return kept


def report(data, lang, *more):
    today = date.today()
    out = data / f"report-{lang}.docx"
    days = ["--from", str(today - timedelta(days=14)), "--to", str(today - timedelta(days=1))]
    env = {**CLEAN, "DATABASE_URL": f"sqlite:{data / 'demo.db'}", "DATA_DIR": str(data)}
    subprocess.run([BIN, "report", "usage", *days, "--lang", lang, "--out", out, *more], env=env, check=True)
    return out


def pages(docx):
    """The text of each page."""
    profile = docx.parent / "profile"
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "pdf", "--outdir", docx.parent, docx],
        check=True, capture_output=True, timeout=180,
    )
    pdf = docx.with_suffix(".pdf")
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True).stdout
    return pdf, text.split("\f")[:-1]


HEADINGS = {
    "en": ["Summary", "Recommendations", "Trends", "Who used what", "Models and providers", "Cost", "Reliability", "Awards", "Appendix"],
    "zh": ["摘要", "建议", "趋势", "谁用了什么", "模型与供应商", "费用", "可靠性", "趣味奖项", "附录"],
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("paper", [(), ("--letter",)])
def test_the_pages_are_those_that_the_contents_name(data, lang, paper):
    docx = report(data, lang, *paper)
    pdf, text = pages(docx)
    contents = dict(re.findall(r"^\s*(.+?)\s*\.{3,}\s*(\d+)\s*$", text[1], re.M))
    for heading in HEADINGS[lang]:
        page = int(contents[heading])
        lines = [line.strip() for line in text[page - 1].splitlines()]
        assert heading in lines, f"{heading} is not on page {page}"
    for number, page in enumerate(text[2:], start=3):
        assert len(page.split()) > 20, f"page {number} is empty"
    assert "\ufffd" not in "".join(text)
    # Crisp pictures, and no letter without a font.
    shown = subprocess.run(["pdfimages", "-list", pdf], check=True, capture_output=True, text=True).stdout
    assert shown.count("image") >= 3
    fonts = subprocess.run(["pdffonts", pdf], check=True, capture_output=True, text=True).stdout
    assert all(line.split()[-5] == "yes" for line in fonts.splitlines()[2:]), fonts


def test_the_document_is_packed_without_loose_ends(data):
    with zipfile.ZipFile(report(data, "en")) as docx:
        assert docx.testzip() is None
        names = set(docx.namelist())
        relations = docx.read("word/_rels/document.xml.rels").decode()
        for target in re.findall(r'Target="([^"]+)"', relations):
            assert f"word/{target}" in names


def test_the_documented_commands_run(data, tmp_path):
    commands = re.findall(r"^ *`(modelgate report .*)`$", (harness.ROOT / "docs/reports.md").read_text(), re.M)
    env = {**CLEAN, "DATABASE_URL": f"sqlite:{data / 'demo.db'}", "DATA_DIR": str(data)}
    for command in commands:
        subprocess.run(command.replace("modelgate", BIN, 1), shell=True, env=env, cwd=tmp_path, check=True)
    for name in ["report.docx", "errors.docx"]:
        assert (tmp_path / name).read_bytes().startswith(b"PK")
    _, text = pages(tmp_path / "errors.docx")
    assert "Errors of 2026-11-20" in text[0] and "What to do" in "".join(text[2:])


def test_what_it_needs_is_there():
    assert shutil.which("soffice") and shutil.which("pdftotext")
