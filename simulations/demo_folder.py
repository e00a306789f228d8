"""Where a demo keeps its ledger, and whose ledger it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from simulations.errors import LedgerMismatchError
from simulations.folders import held, write_json

DEFAULT: Final = Path(".samehour") / "demo"
_LEDGER: Final = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "demo.json")


@contextmanager
def demo_folder(
    wanted: Path | None, scenario: str, seed: int, *, fresh: bool
) -> Iterator[tuple[Path, bool]]:
    """Hold a folder for one demo; yields it, and whether its ledger goes on from before.

    Parameters
    ----------
    wanted
        None for one that is gone afterwards.
    fresh
        Forget the ledger that is there.

    Raises
    ------
    LedgerMismatchError
        The ledger in it is of another scenario or seed.
    SimulationError
        It cannot be written, or another demo is at work in it.
    """
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="samehour-demo-") as temporary:
            yield Path(temporary), False
        return
    with held(wanted, "--data-dir"):
        if fresh:
            for name in _LEDGER:
                (wanted / name).unlink(missing_ok=True)
        yield wanted, _goes_on(wanted, scenario, seed)


def _goes_on(folder: Path, scenario: str, seed: int) -> bool:
    about = folder / "demo.json"
    mine = {"scenario": scenario, "seed": seed}
    if not (folder / "ledger.db").exists():
        write_json(about, mine)
        return False
    try:
        found = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if found == mine:
        return True
    whose = "another run"
    if isinstance(found, dict):
        whose = f"{found.get('scenario')} with seed {found.get('seed')}"
    raise LedgerMismatchError(
        f"the ledger in {folder} is of {whose}, not of {scenario} with seed {seed}. Begin anew "
        "with --fresh, or keep both: name another folder with --data-dir."
    )
