"""What decides what comes out of a study, and how it is written down."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from cattrs import Converter

from dispatch.model import Policy
from geo.city import City
from geo.types import LonLat
from simulations.scenarios.settings import Scenario

_DIGEST_LENGTH: Final = 10
_NAME_LENGTH: Final = 60
SHOWN_ONLY: Final = frozenset({"variant", "city_title", "attribution"})
"""Fields of an identity that decide nothing."""


def _converter() -> Converter:
    converter = Converter(prefer_attrib_converters=True)
    converter.register_unstructure_hook(dt.datetime, lambda at: at.isoformat())
    converter.register_structure_hook(dt.datetime, lambda at, _: dt.datetime.fromisoformat(at))
    converter.register_unstructure_hook(LonLat, list)
    converter.register_structure_hook(LonLat, lambda pair, _: LonLat(*pair))
    return converter


JSON: Final = _converter()
"""Converts any type of a study to plain JSON and back."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What decides what comes out of a study, but for the seeds.

    Attributes
    ----------
    city_checksum
        SHA-256 of the city's files.
    code
        Digest of the source that decides.
    """

    variant: str
    scenario: Scenario
    policy: Policy
    city: str
    city_title: str
    time_zone: str
    attribution: str
    city_checksum: str
    version: str
    code: str

    @classmethod
    def of(cls, variant: str, scenario: Scenario, policy: Policy, city: City) -> Identity:
        """Return the identity of a variant in a city, under this code."""
        return cls(
            variant=variant,
            scenario=scenario,
            policy=policy,
            city=city.name,
            city_title=city.title,
            time_zone=city.time_zone,
            attribution=city.attribution,
            city_checksum=city.checksum,
            version=version("samehour"),
            code=code_digest(),
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        # Through text and back: what is read from a folder has lists where we have tuples.
        found: dict[str, Any] = json.loads(json.dumps(JSON.unstructure(self)))
        return found

    @property
    def digest(self) -> str:
        """Return SHA-256 over all of it, hexadecimal."""
        decisive = {key: value for key, value in self.as_json().items() if key not in SHOWN_ONLY}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    @property
    def folder_name(self) -> str:
        """Return what a folder of it is called."""
        return named_folder([self.variant], self.digest)


def named_folder(variants: Sequence[str], digest: str) -> str:
    """Return what a folder is called after variants and all that decides."""
    names = (re.sub(r"[^A-Za-z0-9.]+", "-", each).strip("-.") for each in variants)
    return f"{'-vs-'.join(names)[:_NAME_LENGTH]}-{digest[:_DIGEST_LENGTH]}"


@cache
def code_digest() -> str:
    """Return a digest of the source that decides what happens in an evening."""
    root = Path(__file__).resolve().parents[2]
    files = [*root.glob("geo/**/*.py"), *root.glob("dispatch/**/*.py")]
    # Reports and command lines only show what came of it.
    files += [
        path
        for path in root.glob("simulations/**/*.py")
        if not {"benchmarks", "load", "reports"} & {*path.parts} and not path.stem.endswith("cli")
    ]
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(path.relative_to(root).as_posix().encode() + b"\0")
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
