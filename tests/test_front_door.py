"""The command line as a whole: what it imports, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("fastapi", "geopandas", "httpx", "maplibre", "numpy", "ortools", "osmnx", "pyrosm")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samehour", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, samehour; samehour.build_parser().format_help(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_command() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for command in ("demo", "serve", "simulate", "city"):
        assert f"\n    {command}" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("demo", "--speed", "0"),
        ("demo", "--headless", "--for", "soon"),
        ("simulate", "no-such-scenario"),
        ("simulate", "helsinki-friday", "--policy", "no-such-policy.toml"),
        ("serve", "--city", "no-such-city"),
        ("serve", "--speed", "-1"),
        ("city", "show", "no-such-city"),
        ("city", "build", "--out", "somewhere"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_said_in_a_sentence_and_ends_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_the_last_line() -> None:
    done = run("city", "show", "helsinki", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["counts"]["stores"] == 15
