"""Policies by name: those in the box, or a file."""

from __future__ import annotations

from pathlib import Path

from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml
from simulations.errors import ScenarioError
from simulations.scenarios.box import box, find_file


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
    return find_file("policy", name_or_path, box("policies"), beside or Path())


def policies_in_the_box() -> dict[str, str]:
    """Return what each policy in the box is for, by its name: the first line of its file."""
    found: dict[str, str] = {}
    for folder in reversed(box("policies")):
        for path in folder.glob("*.toml"):
            first = path.read_text(encoding="utf-8").partition("\n")[0]
            found[path.stem] = first.removeprefix("#").strip()
    return dict(sorted(found.items()))


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
