"""Policies by name: those in the box, or a file."""

from __future__ import annotations

import sys
from pathlib import Path

from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml
from simulations.errors import ScenarioError


def box(kind: str) -> tuple[Path, ...]:
    """Return the folders in which `scenarios` or `policies` are looked for, in this order."""
    return (
        Path("data") / kind,
        Path(__file__).parents[2] / "data" / kind,
        Path(sys.prefix) / "share" / "samehour" / kind,
    )


def find_policy(name_or_path: str, beside: Path | None = None) -> Path:
    """Return the file of a policy.

    Parameters
    ----------
    beside
        A folder in which a `.toml` file is looked for, too.

    Raises
    ------
    ScenarioError
        There is none; the message lists the names there are.
    """
    if name_or_path.endswith(".toml"):
        for path in (Path(name_or_path), (beside or Path()) / name_or_path):
            if path.is_file():
                return path
    for folder in box("policies"):
        candidate = folder / f"{name_or_path}.toml"
        if candidate.is_file():
            return candidate
    names = sorted({path.stem for folder in box("policies") for path in folder.glob("*.toml")})
    raise ScenarioError(
        f"policy {name_or_path!r}",
        [f"there is no such file; name a .toml file or one of: {', '.join(names) or '(none)'}"],
    )


def load_policy(name_or_path: str | None) -> Policy:
    """Read a policy; None gives the engine's own.

    Raises
    ------
    ScenarioError
        There is no such file, or it is no policy; with all that is wrong with it.
    """
    return Policy() if name_or_path is None else read_policy(find_policy(name_or_path))


def read_policy(path: Path) -> Policy:
    """Read the file of a policy; raises `ScenarioError` with all that is wrong with it."""
    try:
        return policy_from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, InvalidValueError) as error:
        raise ScenarioError(f"policy {path}", [str(error)]) from error
