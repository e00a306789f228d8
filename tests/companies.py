"""The worked example of an outside courier company, run beside a service."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_STARTS_WITHIN_S = 60


@contextmanager
def running_company(folder: Path, step_s: float = 3600) -> Iterator[str]:
    """Run it, `step_s` from step to step; yields its address."""
    port_file = folder / "company-port"
    told = ["--port", "0", "--port-file", str(port_file), "--step-s", str(step_s)]
    process = subprocess.Popen([sys.executable, "examples/courier_company.py", *told], cwd=ROOT)
    try:
        until = time.monotonic() + _STARTS_WITHIN_S
        while not (port_file.exists() and port_file.read_text(encoding="utf-8").strip()):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port_file.read_text(encoding='utf-8').strip()}"
    finally:
        process.terminate()
        process.wait(timeout=20)
