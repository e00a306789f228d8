"""Hold the committed files to what a repository that others clone may contain."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST_BYTES = 20_000_000
TEXT = {".py", ".js", ".html", ".css", ".md", ".toml", ".txt", ".json", ""}
RULES = {
    "a path of somebody's machine": re.compile(r"(?<![\w.:/<])/(?:home|Users|root|work)/\w"),
    "a download address": re.compile(r"https?://[^\s\"')]*(?:pypi\.org|pythonhosted|npmjs\.org)"),
    "a private key": re.compile(r"-----BEGIN (?:\w+ )?PRIVATE KEY-----"),
}


def problems_of(path: Path) -> list[str]:
    """Return what is wrong with one file, each with its place."""
    name = path.relative_to(ROOT).as_posix()
    if path.stat().st_size > LARGEST_BYTES:
        return [f"{name}: larger than {LARGEST_BYTES} bytes"]
    if path.suffix not in TEXT:
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{name}:{number}: {what}"
        for number, line in enumerate(lines, start=1)
        for what, pattern in RULES.items()
        if pattern.search(line)
    ]


def main() -> int:
    """Return 0 when every committed file is fit to be cloned."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    found = [line for path in paths if path.is_file() for line in problems_of(path)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
