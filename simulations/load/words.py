"""Figures of a load test as people say them."""

from __future__ import annotations

from typing import Final

_SECOND_MS: Final = 1000.0
_TEN: Final = 10.0
_MINUTE_S: Final = 60.0
_PLAIN: Final = frozenset({"count", "orders"})


def ms(value: float | None) -> str:
    """Return milliseconds, or a dash."""
    if value is None:
        return "-"
    if value >= _TEN * _SECOND_MS:
        return f"{value / _SECOND_MS:.1f} s"
    return f"{value:.1f} ms" if value < _TEN else f"{value:,.0f} ms"


def share(value: float | None) -> str:
    """Return a share in per cent, fine where it is small."""
    if value is None:
        return "-"
    percent = 100 * value
    return f"{percent:.3g} %" if percent < 1 else f"{percent:.1f} %"


def amount(value: float | None, unit: str) -> str:
    """Return a figure with its unit, or a dash."""
    if value is None:
        return "-"
    if unit == "ms":
        return ms(value)
    if unit == "share":
        return share(value)
    if unit == "s":
        return f"{value / _MINUTE_S:.1f} min" if value >= _MINUTE_S else f"{value:.0f} s"
    said = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return said if unit in _PLAIN else f"{said} {unit}"
