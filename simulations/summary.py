"""A calm summary of the living city in the terminal."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import time
from typing import Any, Final
from zoneinfo import ZoneInfo

from dispatch.codec import from_rfc3339
from simulations.figures import minutes, percent

EVERY_S: Final = 1.0
_LINE_EVERY_S: Final = 10.0
_LINES: Final = 4
_AT_REST: Final = frozenset({"off", "idle", "offered", "on_break", "stranded"})


class Summary:
    """A few lines rewritten in place on a terminal; elsewhere a line now and then."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._is_terminal = sys.stdout.isatty()
        self._is_drawn = False
        self._said_at = 0.0

    def show(self, board: dict[str, Any]) -> None:
        """Show what the operations page shows, in brief."""
        clock = dt.datetime.fromtimestamp(from_rfc3339(board["now"]), self._zone)
        lines = [_orders(board), _couriers(board), _news(board)]
        if self._is_terminal:
            self._rewrite([f"{clock:%A %H:%M:%S}", *lines])
        elif time.monotonic() - self._said_at >= _LINE_EVERY_S:
            self._said_at = time.monotonic()
            told = "; ".join(line for line in lines if line)
            sys.stdout.write(f"{clock:%H:%M} {told}\n")
            sys.stdout.flush()

    def _rewrite(self, lines: list[str]) -> None:
        width = shutil.get_terminal_size().columns - 1
        up = f"\x1b[{_LINES}F" if self._is_drawn else ""
        drawn = "".join(f"\x1b[2K  {line}"[: width + 4] + "\n" for line in lines)
        sys.stdout.write(up + drawn)
        sys.stdout.flush()
        self._is_drawn = True


def _orders(board: dict[str, Any]) -> str:
    kpis = board["kpis"]
    return (
        f"{kpis['open']} open, {kpis['at_risk']} at risk, {kpis['delivered']} delivered, "
        f"{percent(kpis['on_time_share'])} on time"
    )


def _couriers(board: dict[str, Any]) -> str:
    on_shift = [courier for courier in board["couriers"] if courier["on_shift"]]
    busy = sum(courier["activity"] not in _AT_REST for courier in on_shift)
    return (
        f"click to door {minutes(board['kpis']['click_to_door_p50_s'])}, "
        f"{busy} of {len(on_shift)} couriers busy"
    )


def _news(board: dict[str, Any]) -> str:
    return str(board["feed"][0]["text"]) if board["feed"] else ""
