"""Policies as TOML text: every key named, unknown and impossible ones refused all at once."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from difflib import get_close_matches

from dispatch.errors import InvalidValueError
from dispatch.policy import Policy, contradictions, keys, refuse


def policy_from_toml(text: str) -> Policy:
    """Return a policy; keys left out keep their defaults.

    Raises
    ------
    InvalidValueError
        Naming every key that is unknown, of the wrong type, out of bounds or in contradiction.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidValueError("policy", f"is not TOML: {error}") from error
    defaults = Policy()
    known = {field.name: type(getattr(defaults, field.name)) for field in fields(Policy)}
    problems: list[str] = []
    values: dict[str, object] = {}
    for key, value in table.items():
        kind = known.get(key)
        if kind is None:
            like = get_close_matches(key, known, n=1, cutoff=0.0)[0]
            problems.append(f"{key} is unknown; did you mean {like}?")
        elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            values[key] = float(value)
        elif type(value) is not kind:
            problems.append(f"{key} must be of type {kind.__name__}, not {value!r}")
        else:
            values[key] = value
    try:
        found = Policy(**values)  # type: ignore[arg-type]
        refuse(contradictions(found))
    except InvalidValueError as error:
        problems.append(str(error))
    else:
        if not problems:
            return found
    raise InvalidValueError("policy", f"cannot be used: {'; '.join(problems)}")


def policy_to_toml(policy: Policy) -> str:
    """Return a policy as TOML, the unit and the effect of every key beside it."""
    lines = [
        "# Costs are in courier-seconds: what one second of a courier's time is worth, 1.0.",
    ]
    for key in keys():
        lines += [
            "",
            f"# {key.effect} [{key.unit}]",
            f"{key.name} = {_text(getattr(policy, key.name))}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
