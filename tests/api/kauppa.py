"""Two tenants with three zones in one service, and keys for everybody: what access tests share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
from conftest import Town
from served import ran

SETTINGS = """\
clock_start = "2026-11-20T14:00:00Z"
speed = 60

[zones.north]
tenant = "kauppa"
city = "helsinki"

[zones.east]
tenant = "kauppa"
city = "helsinki"

[zones.market]
tenant = "tori"
city = "la-serena"
"""


class Kauppa(Town):
    """A running service of the tenants `kauppa` (north, east) and `tori` (market)."""

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        super().__init__(folder)
        self.settings = folder / "samehour.toml"
        self.settings.write_text(f"ledger = {json.dumps(self.ledger)}\n{settings}", "utf-8")

    def command(self, *more: str) -> list[str]:
        return [
            *(sys.executable, "-m", "samehour", "serve"),
            *("--settings", str(self.settings), "--port-file", str(self.folder / "port")),
            *(more or ("--port", "0")),
        ]

    def keys(self, *words: str, code: int = 0) -> str:
        """Run `samehour keys`; returns what it printed."""
        done = ran(["keys", *words, "--settings", str(self.settings)], self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip() if code == 0 else done.stderr.strip()

    def key(self, role: str, *more: str, tenant: str = "kauppa") -> str:
        return self.keys("create", "--tenant", tenant, "--role", role, *more)

    def ask(
        self, key: str | None, method: str, path: str, zone: str | None = None, **more: Any
    ) -> httpx.Response:
        """Ask with a key, for a zone."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if zone is not None:
            headers["Samehour-Zone"] = zone
        # What is started when it is first wanted takes its time on a busy machine.
        return self.http.request(method, path, headers=headers, timeout=120, **more)
