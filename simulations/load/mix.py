"""What clients do beside the scenario's commands: look at pages, ask for quotes, report places."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from simulations.errors import LoadError


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares and periods; seconds are the service's own, for its agents live by its clock.

    Attributes
    ----------
    positions_every_s
        Between two positions of a courier's device.
    positions_batch
        Couriers whose positions come in one request.
    track_share
        Of the customers, who keep the page of their order open.
    track_every_s
        How often that page asks.
    boards
        Pages of operations that are open.
    board_every_s
        How often each asks.
    quotes_per_order
        People who only look, for each who orders: they ask for a quote for the same basket.
    healthz_per_s
        Requests that cost the service nothing, per second of the wall: the floor under the others.
    """

    positions_every_s: float = 10.0
    positions_batch: int = 25
    track_share: float = 0.5
    track_every_s: float = 20.0
    boards: int = 1
    board_every_s: float = 10.0
    quotes_per_order: float = 1.0
    healthz_per_s: float = 2.0


_MOST: Final = {"track_share": 1.0, "quotes_per_order": 100.0, "healthz_per_s": 10_000.0}
_LEAST: Final = {
    "positions_every_s": 0.1,
    "positions_batch": 1.0,
    "track_every_s": 0.1,
    "board_every_s": 0.1,
}
_WHOLE: Final = frozenset({"positions_batch", "boards"})


def mix_of(texts: list[str]) -> Mix:
    """Return the mix that `KEY=VALUE`s make of the usual one.

    Raises
    ------
    LoadError
        Names every key that is unknown and every value that cannot be.
    """
    known = {field.name for field in fields(Mix)}
    chosen: dict[str, float | int] = {}
    problems: list[str] = []
    for text in texts:
        key, sign, said = text.partition("=")
        if not sign or key not in known:
            problems.append(
                f"--mix {text}: write KEY=VALUE; the keys are {', '.join(sorted(known))}"
            )
            continue
        low, high = _LEAST.get(key, 0.0), _MOST.get(key, 1e6)
        try:
            value = float(said)
        except ValueError:
            value = -1.0
        if not low <= value <= high or (key in _WHOLE and value != int(value)):
            kind = "a whole number" if key in _WHOLE else "a number"
            problems.append(f"--mix {text}: {key} is {kind} from {low:g} to {high:g}")
            continue
        chosen[key] = int(value) if key in _WHOLE else value
    if problems:
        raise LoadError("\n".join(problems))
    return Mix(**chosen)  # type: ignore[arg-type]
