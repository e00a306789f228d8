"""What is in the box: scenarios and policies by name, or by the path of a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from simulations.errors import ScenarioError


def box(kind: str) -> tuple[Path, ...]:
    """Return the folders in which `scenarios` or `policies` are looked for, in this order."""
    return (
        Path("data") / kind,
        Path(__file__).parents[2] / "data" / kind,
        Path(sys.prefix) / "share" / "samehour" / kind,
    )


def find_file(what: str, name_or_path: str, folders: Sequence[Path], beside: Path) -> Path:
    """Return the TOML file of a name in one of some folders, or of a path.

    Parameters
    ----------
    what
        What it is of, for the message: `scenario`, `policy`.
    beside
        A folder in which a path is looked for, too.

    Raises
    ------
    ScenarioError
        There is none; the message lists the names there are.
    """
    if name_or_path.endswith(".toml"):
        for path in (Path(name_or_path), beside / name_or_path):
            if path.is_file():
                return path
    for folder in folders:
        candidate = folder / f"{name_or_path}.toml"
        if candidate.is_file():
            return candidate
    names = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise ScenarioError(
        f"{what} {name_or_path!r}",
        [f"there is no such file; name a .toml file or one of: {', '.join(names) or '(none)'}"],
    )
