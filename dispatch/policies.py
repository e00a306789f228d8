"""Policies as TOML text: every key named, unknown and impossible ones refused all at once."""

from __future__ import annotations

import tomllib
from dataclasses import fields

from dispatch.errors import InvalidValueError
from dispatch.model import Policy


def policy_from_toml(text: str) -> Policy:
    """Return a policy; keys left out keep their defaults.

    Raises
    ------
    InvalidValueError
        Naming every key that is unknown, of the wrong type or negative.
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
            problems.append(f"{key} is unknown")
        elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            values[key] = float(value)
        elif type(value) is not kind:
            problems.append(f"{key} must be of type {kind.__name__}, not {value!r}")
        else:
            values[key] = value
    problems += [
        f"{key} is {value}; 0 is the least"
        for key, value in values.items()
        if isinstance(value, int | float) and value < 0
    ]
    if problems:
        known_keys = ", ".join(sorted(known))
        raise InvalidValueError("policy", f"{'; '.join(problems)}. Known keys: {known_keys}")
    return Policy(**values)  # type: ignore[arg-type]
