"""A scenario as TOML that says everything and needs no other file."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

from simulations.scenarios.reading import ANY_TIER
from simulations.scenarios.settings import DAY_S, WEEKDAYS, CourierSettings, Scenario, Surge

_INLINE_WIDTH: Final = 88
_GAP: Final = "\0"
"""Stands for a blank inside an item, where no line is broken."""


def scenario_to_toml(scenario: Scenario) -> str:
    """Return a scenario as one TOML text; reading it gives the same scenario again."""
    return "\n".join(_lines(scenario)) + "\n"


def _lines(scenario: Scenario) -> Iterator[str]:
    yield from _pairs(
        {
            "name": scenario.name,
            "title": scenario.title,
            "family": scenario.root,
            "city": scenario.city,
            "starts_at": scenario.starts_at,
            "seed": scenario.seed,
            **({} if scenario.policy is None else {"policy": scenario.policy}),
        }
    )
    yield from _table("measure", _measure(scenario))
    yield from _table("demand", _demand(scenario))
    yield from _table("baskets", asdict(scenario.baskets))
    yield from _table("customers", asdict(scenario.customers))
    yield from _table("handover", asdict(scenario.handover))
    for kind, store in scenario.stores.items():
        pickers = store.pickers[0] if len(set(store.pickers)) == 1 else store.pickers
        yield from _table(f"stores.{_key(kind)}", asdict(store) | {"pickers": pickers})
    restock_at = [clock(at) for at in scenario.picking.restock_at]
    yield from _table("picking", asdict(scenario.picking) | {"restock_at": restock_at})
    yield from _table("travel", asdict(scenario.travel))
    yield from _table("mishaps", asdict(scenario.mishaps))
    yield from _table("planning", asdict(scenario.planning))
    for surge in scenario.surges:
        yield from _table("[surges]", _surge(surge))
    for closure in scenario.closures:
        yield from _table("[closures]", _placed(asdict(closure)))
    for shut in scenario.store_closures:
        yield from _table("[store_closures]", asdict(shut))
    for _, crew in groupby(scenario.couriers, lambda one: replace(one, courier_id="", name="")):
        yield from _table("[couriers]", _crew(list(crew)))
    for article in scenario.catalogue:
        values = asdict(article)
        yield from _table("[articles]", values if article.group else _without(values, "group"))


def _measure(scenario: Scenario) -> dict[str, object]:
    measure = scenario.measure
    return {
        "lasts": _duration(measure.lasts_s),
        "warm_up": _duration(measure.warm_up_s),
        "cool_down": _duration(measure.cool_down_s),
    }


def _demand(scenario: Scenario) -> dict[str, object]:
    values = asdict(scenario.demand)
    return _without(values, "payday_days", "payday_factor") | {
        "weekday_factor": dict(zip(WEEKDAYS, scenario.demand.weekday_factor, strict=True)),
        "payday": {"days": values["payday_days"], "factor": values["payday_factor"]},
        "tiers": {tier.window_id or ANY_TIER: tier.share for tier in scenario.demand.tiers},
    }


def _surge(surge: Surge) -> dict[str, object]:
    return _placed(asdict(surge)) | {
        "pace": {mode.value: factor for mode, factor in surge.pace.items()}
    }


def _placed(values: dict[str, Any]) -> dict[str, object]:
    around = values["around"]
    if around is None:
        return _without(values, "around")
    lon, lat = around
    return values | {"around": {"lat": lat, "lng": lon}}


def _crew(couriers: Sequence[CourierSettings]) -> dict[str, object]:
    one = couriers[0]
    values = _without(asdict(one), "courier_id", "name", "break_after_s", "break_s") | {
        "mode": one.mode.value,
        "shift": [clock(second % DAY_S) for second in one.shift],
        "break_lasts": _duration(one.break_s),
    }
    if one.break_after_s is not None:
        # Each has their own time already.
        values |= {"break_after": _duration(one.break_after_s), "break_spread": _duration(0)}
    return {"names": [courier.name for courier in couriers]} | values


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}


# --- TOML --------------------------------------------------------------------------------------


def _table(name: str, values: Mapping[str, object]) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    yield from _pairs(values)


def _pairs(values: Mapping[str, object]) -> Iterator[str]:
    for key, value in values.items():
        line = f"{_key(key)} = {_value(value)}"
        if len(line) > _INLINE_WIDTH and isinstance(value, list | tuple):
            items = ", ".join(_value(item).replace(" ", _GAP) for item in value)
            yield f"{_key(key)} = ["
            for part in wrap(items, _INLINE_WIDTH, break_long_words=False, break_on_hyphens=False):
                yield f"  {part.replace(_GAP, ' ')}"
            yield "]"
        else:
            yield line


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _value(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, str):
        # A JSON text is a TOML text, but for the one control character that JSON lets pass.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(str(key))} = {_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(value)


def clock(second: int) -> str:
    """Return a second of the day as `07:30`."""
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
