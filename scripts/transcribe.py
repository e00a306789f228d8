"""Run the sessions shown in a document against a real service, and write down what it answered.

A session is a ```console block: lines that begin with `$ ` are commands (`> ` continues one), what
follows is the answer.  `python scripts/transcribe.py docs/transcripts.md` runs all commands of the
document in one shell, in order, beside a service of its own, and renews the answers; with
`--check` it compares them instead, ids and times aside, and exits with 1 where they differ.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_BLOCK = re.compile(r"(^```console\n)(.*?)(^```)", re.MULTILINE | re.DOTALL)
_SETUP = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_END = "-- end of answer --"
_IDS = "ord|quo|sto|cou|pnt|act|ctl|stp|pcl|pln|trc|clo|blb"
_MASKS = (
    (re.compile(r", \d+ (more|less) than foreseen"), ""),
    (re.compile(rf"\b({_IDS})_[A-Za-z0-9_.-]+"), r"\1_…"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b\d\d:\d\d\b"), "<hour>"),
    (re.compile(r"\b\d+ min\b"), "<minutes>"),
    (re.compile(r"\b[A-Z2-7]{5}\b"), "<parcel>"),
    (re.compile(r"^(\s+.*?)\b\d+(\.\d+)?\b", re.MULTILINE), r"\1<number>"),
    (re.compile(r'_s": (-?\d+|null)'), '_s": <number>'),
    (re.compile(r'"amount": \d+, "unit": "min"'), '"amount": <number>, "unit": "min"'),
    (re.compile(r"/t/[A-Za-z0-9_.=-]+"), "/t/<token>"),
)  # fmt: skip


def masked(text: str) -> str:
    """Return a text without what differs from one run to the next."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def commands(block: str) -> list[str]:
    """Return the commands of a session."""
    found: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif line.startswith("> ") and found:
            found[-1] += "\n" + line[2:]
    return found


def shown(command: str) -> str:
    """Return a command as it stands in a document."""
    return "$ " + command.replace("\n", "\n> ") + "\n"


def transcribed(text: str, folder: Path) -> str:
    """Return the document with the answers a real service gives now."""
    setup = _SETUP.findall(text)
    serve = shlex.split(next(part for part in setup if "samehour serve" in part))[1:]
    words = "\n".join(part for part in setup if "samehour serve" not in part)
    for option, value in (("--ledger", str(folder / "ledger.db")), ("--port", "0")):
        serve[serve.index(option) + 1] = value
    port_file = folder / "port"
    with (folder / "service.log").open("w") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "samehour", *serve, "--port-file", str(port_file)],
            stdout=log,
            stderr=log,
        )
    try:
        while not (port_file.exists() and port_file.read_text()):
            if service.poll() is not None:
                raise SystemExit((folder / "service.log").read_text())
            time.sleep(0.05)
        here = f"localhost:{port_file.read_text().strip()}"
        answers = iter(_answers(text, words, here, folder))
        return _BLOCK.sub(lambda _: next(answers), text)
    finally:
        service.terminate()
        service.wait(timeout=30)


def _answers(text: str, words: str, here: str, folder: Path) -> list[str]:
    """Return the sessions of a document, as they went."""
    sessions = [commands(block) for _, block, _ in _BLOCK.findall(text)]
    script = [words, f"until curl -sf {here}/readyz >/dev/null; do sleep 0.1; done"]
    for session in sessions:
        for command in session:
            script += [command, f"echo '{_END}'"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script).replace("localhost:8080", here)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        check=False,
    )
    answers = done.stdout.replace(here, "localhost:8080").split(f"{_END}\n")
    if len(answers) != sum(map(len, sessions)) + 1:
        raise SystemExit(f"the shell ended early:\n{done.stdout}")
    rest = iter(answers)
    return [
        "```console\n" + "".join(shown(command) + next(rest) for command in session) + "```"
        for session in sessions
    ]


def main() -> int:
    """Renew or check a document; returns 0, or 1 when it differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    before = arguments.document.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        after = transcribed(before, Path(folder))
    if not arguments.check:
        arguments.document.write_text(after, encoding="utf-8")
        return 0
    difference = list(
        difflib.unified_diff(
            masked(before).splitlines(),
            masked(after).splitlines(),
            "as written",
            "as it went",
            lineterm="",
        )
    )
    sys.stdout.write("".join(f"{line}\n" for line in difference))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
