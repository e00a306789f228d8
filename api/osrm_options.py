"""Options of OSRM's HTTP interface, and its errors: read by name, refused by name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from geo.types import LonLat

T = TypeVar("T")

NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ANY_DIRECTION: Final = 180
_CIRCLE: Final = 360


class Osrm(StrEnum):
    """Codes of OSRM's errors."""

    INVALID_URL = "InvalidUrl"
    INVALID_SERVICE = "InvalidService"
    INVALID_VERSION = "InvalidVersion"
    INVALID_OPTIONS = "InvalidOptions"
    INVALID_QUERY = "InvalidQuery"
    INVALID_VALUE = "InvalidValue"
    NO_SEGMENT = "NoSegment"
    NO_ROUTE = "NoRoute"
    TOO_BIG = "TooBig"
    UNAVAILABLE = "Unavailable"
    """Ours: the same question may be answered in a moment."""


class OsrmProblem(Exception):  # noqa: N818  an answer rather than an error of ours
    """An answer that is one of OSRM's errors."""

    def __init__(
        self, code: Osrm, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Options:
    """The options of a query, each read once by its name."""

    def __init__(self, query: str, known: frozenset[str]) -> None:
        self._texts: dict[str, str] = {}
        for name, text in parse_qsl(query, keep_blank_values=True):
            if name not in known:
                raise OsrmProblem(
                    Osrm.INVALID_QUERY,
                    f"Query string malformed: there is no option '{name}' here; there are "
                    f"{', '.join(sorted(known))}",
                )
            if name in self._texts:
                raise OsrmProblem(
                    Osrm.INVALID_QUERY, f"Query string malformed: option '{name}' is given twice"
                )
            self._texts[name] = text

    def read(self, name: str, otherwise: T, parse: Callable[[str], T]) -> T:
        """Return an option's value, `otherwise` when it was not given."""
        text = self._texts.get(name)
        if text is None:
            return otherwise
        try:
            return parse(text)
        except ValueError as error:
            raise OsrmProblem(
                Osrm.INVALID_QUERY, f"Query string malformed: {name}={text[:60]} {error}"
            ) from error

    def each(self, name: str, count: int) -> Iterator[str]:
        """Return the elements of an option that has one for each place; none when not given."""
        text = self._texts.get(name)
        if text is None:
            return
        elements = text.split(";")
        if len(elements) != count:
            raise OsrmProblem(
                Osrm.INVALID_OPTIONS,
                f"Number of elements in {name} size {len(elements)} does not match coordinate "
                f"size {count}",
            )
        yield from elements


def common(options: Options, places: Sequence[LonLat]) -> tuple[float, ...]:
    """Check what makes no difference, refuse what would, and return the radiuses."""
    count = len(places)
    for element in options.each("bearings", count):
        if element and not _is_any_direction(element):
            raise not_offered("bearings", "places are snapped whatever the direction")
    for element in options.each("approaches", count):
        if element not in ("", "unrestricted"):
            raise not_offered(f"approaches={element}", "places are reached from either side")
    for _ in options.each("hints", count):
        pass  # a hint only saves a search that costs us nothing
    if options.read("exclude", "", str):
        raise OsrmProblem(
            Osrm.INVALID_VALUE,
            "Exclude flag combination is not supported: exclude is not offered here; leave it out",
        )
    if options.read("snapping", "default", one_of("default", "any")) == "any":
        raise not_offered("snapping=any", "only roads that the profile may use are snapped to")
    options.read("generate_hints", True, truth)
    given = [_radius(element) for element in options.each("radiuses", count)]
    return tuple(given) or (math.inf,) * count


def not_offered(option: str, why: str) -> OsrmProblem:
    """Return the refusal of an option that would change the answer."""
    return OsrmProblem(Osrm.INVALID_OPTIONS, f"{option} is not offered: {why}; leave it out")


def _is_any_direction(element: str) -> bool:
    try:
        value, spread = (int(part) for part in element.split(","))
    except ValueError as error:
        raise OsrmProblem(
            Osrm.INVALID_QUERY,
            f"Query string malformed: bearing {element!r} is no pair of integers",
        ) from error
    if not (0 <= value <= _CIRCLE and 0 <= spread <= _ANY_DIRECTION):
        raise OsrmProblem(
            Osrm.INVALID_OPTIONS,
            f"bearing {element} is out of 0 to {_CIRCLE}, 0 to {_ANY_DIRECTION}",
        )
    return spread == _ANY_DIRECTION


def _radius(element: str) -> float:
    if element in ("", "unlimited"):
        return math.inf
    if not NUMBER.fullmatch(element) or float(element) < 0:
        raise OsrmProblem(
            Osrm.INVALID_QUERY,
            f"Query string malformed: radius {element!r} is neither a number from 0 nor unlimited",
        )
    return float(element)


def truth(text: str) -> bool:
    """Read `true` or `false`."""
    if text not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text == "true"


def alternatives(text: str) -> int:
    """Read how many alternatives are asked for; `true` says as many as there are."""
    if text in ("true", "false"):
        return 0
    if not text.isdecimal():
        raise ValueError("is neither true, false nor a number")
    return int(text)


def count_from_one(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal():
        raise ValueError("is no whole number")
    if int(text) < 1:
        raise OsrmProblem(Osrm.INVALID_OPTIONS, "number must be >= 1")
    return int(text)


def positive(text: str) -> float:
    """Read a number above 0."""
    if not NUMBER.fullmatch(text):
        raise ValueError("is no number")
    if not 0 < float(text) < math.inf:
        raise OsrmProblem(
            Osrm.INVALID_OPTIONS, f"{text} is not possible: the number must be > 0 and finite"
        )
    return float(text)


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader of one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"is none of {', '.join(words)}")
        return text

    return parse


Word = TypeVar("Word", bound=StrEnum)


def word(words: type[Word]) -> Callable[[str], Word]:
    """Return a reader of a word of an enumeration."""

    def parse(text: str) -> Word:
        try:
            return words(text)
        except ValueError:
            raise ValueError(f"is none of {', '.join(words)}") from None

    return parse


def subset(*words: str, or_truth: bool) -> Callable[[str], frozenset[str]]:
    """Return a reader of a list of words; with `or_truth`, also of all (`true`) or none."""

    def parse(text: str) -> frozenset[str]:
        if or_truth and text in ("true", "false"):
            return frozenset(words) if text == "true" else frozenset()
        given = text.split(",")
        if not set(given) <= set(words):
            raise ValueError(f"is not made of {', '.join(words)}")
        return frozenset(given)

    return parse


def route_annotations(text: str) -> frozenset[str]:
    """Read which annotations of a route are asked for."""
    if "nodes" in text.split(","):
        raise not_offered("annotations=nodes", "a city keeps no numbers of OpenStreetMap nodes")
    words = ("datasources", "distance", "duration", "speed", "weight")
    return subset(*words, or_truth=True)(text)


def indices(text: str, count: int) -> tuple[int, ...]:
    """Read indices of coordinates, `all` for all."""
    if text == "all":
        return tuple(range(count))
    elements = text.split(";")
    if not all(element.isdecimal() for element in elements):
        raise ValueError("is neither all nor a list of indices")
    indices = tuple(int(element) for element in elements)
    if max(indices) >= count:
        raise OsrmProblem(
            Osrm.INVALID_OPTIONS,
            f"index {max(indices)} is out of 0 to {count - 1}: there are {count} coordinates",
        )
    return indices
