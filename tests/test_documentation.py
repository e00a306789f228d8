"""What the README and the documentation say is run here as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Served

import samehour
from geo.osm_access import CLASSES
from geo.profiles import read_profile

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "data" / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(document: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(document.read_text()) if kind == language]


def commands(document: Path) -> Iterator[list[str]]:
    for text in blocks(document, "sh") + blocks(document, ""):
        for line in text.replace("\\\n", " ").splitlines():
            if re.match(r"\s*(\.venv/bin/)?samehour ", line):
                yield shlex.split(line)[1:]


@pytest.fixture
def bin_on_path() -> dict[str, str]:
    """Return an environment whose `samehour` and `python3` are this installation's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_shown_is_one_we_have(document: Path) -> None:
    parser = samehour.build_parser()
    for arguments in commands(document):
        assert callable(parser.parse_args(arguments).handler)


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        shown = set(
            re.findall(r"`make ([a-z]+)`|^make ([a-z]+)$", document.read_text(), re.MULTILINE)
        )
        assert {name for pair in shown for name in pair if name} <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_shown_runs(document: Path) -> None:
    for text in blocks(document, "python"):
        subprocess.run([sys.executable, "-c", text], check=True, cwd=ROOT)


def test_the_readme_s_quick_commands_run(bin_on_path: dict[str, str]) -> None:
    quick = [a for a in commands(ROOT / "README.md") if a[:1] in (["simulate"], ["city"])]
    ran = []
    for arguments in quick:
        if "--replications" in arguments:
            continue  # evenings by the dozen: test_planning_page runs such commands, shortened
        if "build" in arguments:
            continue  # the extract is the reader's own; the geo tests build from real ones
        shortened = ["5m" if word == "60m" else word for word in arguments]
        done = subprocess.run(
            [sys.executable, "-m", "samehour", *shortened],
            cwd=ROOT,
            env=bin_on_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if "--json" in arguments:
            assert isinstance(json.loads(done.stdout.splitlines()[-1]), dict)
        ran.append(arguments[0])
    assert sorted(set(ran)) == ["city", "simulate"]


def free_port() -> str:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run_page(page: str, folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a page's shell blocks beside the service that the first `samehour serve` starts.

    The service takes any free port, and so does the receiver that it may post to, if it names one.
    """
    shown = blocks(ROOT / "docs" / page, "sh")
    receiver = re.search(r"--webhook-allow 127\.0\.0\.1:(\d+)", "\n".join(shown))
    if receiver is not None:
        named = re.compile(rf"(?<=[: ]){receiver[1]}\b")
        free = free_port()
        shown = [named.sub(free, text) for text in shown]
    first = next(n for n, text in enumerate(shown) if "samehour serve" in text)
    serve = shlex.split(shown[first])[1:]
    port_file = folder / "port"
    ledger = serve.index("--ledger") + 1
    serve[ledger] = str(folder / serve[ledger])
    port = serve.index("--port") + 1
    serve[port] = "0"
    arguments = [*serve, "--port-file", str(port_file)]
    service = Served(arguments, ROOT, folder / "service.log", environ)
    try:
        while not (port_file.exists() and port_file.read_text()):
            assert service.poll() is None, (folder / "service.log").read_text()
            time.sleep(0.05)
        here = f"localhost:{port_file.read_text().strip()}"
        script = "\n".join(
            [
                "set -euo pipefail",
                f"until curl -sf {here}/readyz >/dev/null; do sleep 0.1; done",
                *(text.replace("localhost:8080", here) for text in shown[first + 1 :]),
            ]
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        service.terminate()
        code = service.wait(timeout=30)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert code == 0
    assert "problem" not in done.stdout, done.stdout[-2000:]
    assert "/docs#" not in done.stdout, done.stdout[-2000:]
    return done


def test_the_tutorial_delivers_an_order(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    done = run_page("tutorial.md", tmp_path, bin_on_path)
    assert "The order is delivered." in done.stdout
    figures = json.loads("{" + done.stdout.rpartition("}{")[2])
    assert figures["delivered"] == 1


def test_the_traffic_is_what_the_page_says(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    answers = []
    rest, decoder = run_page("travel.md", tmp_path, bin_on_path).stdout, json.JSONDecoder()
    while (begin := rest.find("{")) >= 0:
        answer, end = decoder.raw_decode(rest[begin:])
        answers.append(answer)
        rest = rest[begin + end :]
    preview, closed, listed, observed, traffic, opened = answers
    assert preview["length_m"] > 0
    assert closed["streets"] == preview["streets"] != []
    assert listed["data"] == [closed]
    assert observed["readings"] > 0
    assert (traffic["closures"], traffic["readings"]) == (1, observed["readings"])
    assert opened == closed


def test_the_profile_shown_can_be_read(tmp_path: Path) -> None:
    (shown,) = blocks(ROOT / "docs" / "travel.md", "toml")
    path = tmp_path / "rush-hour.toml"
    path.write_text(shown, encoding="utf-8")
    profile = read_profile(path, CLASSES)
    assert profile.factor.min() == 0.6
