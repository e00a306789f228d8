"""What came of a replay as plain JSON: `replay.json`, and the last line of `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from dispatch.codec import LOG, to_rfc3339
from simulations.replays.calibration import Calibration, Coverage, Promises
from simulations.replays.found import Found, WhatIf
from simulations.replays.replay import Outcome
from simulations.replays.whatif import summed_up

FORMAT: Final = "samehour-replay"
FORMAT_VERSION: Final = 1


def as_json(found: Found) -> dict[str, Any]:
    """Return all that was found, without the rows."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "ledger": found.recording.where,
        "zone": found.recording.zone,
        "city": found.city.name,
        "from": to_rfc3339(found.since),
        "to": to_rfc3339(found.until),
        "events": len(found.recording.events),
        "editions": sorted({began.edition for began in found.recording.beginnings}),
        "exact": None if found.exact is None else _exact(found.exact),
        "why_not": found.why_not,
        "figures": found.was.figures,
        "promises": _promises(found.calibration.promises),
        "forecasts": [_forecast(one) for one in found.calibration.forecasts],
        "learned": LOG.unstructure(found.learned),
        "what_if": None if found.what_if is None else _what_if(found.what_if),
    }


def _exact(outcome: Outcome) -> dict[str, Any]:
    return {
        "identical": outcome.is_identical,
        **{
            name: getattr(outcome, name)
            for name in (
                "taken_over",
                "compared",
                "inputs",
                "positions",
                "plans",
                "by_insertion",
                "cut_short",
                "unasked",
                "unkept",
                "versions",
                "starts",
            )
        },
        "same": outcome.identical,
        "differing": dict(outcome.differing),
        "differences": [{**asdict(one), "told_as": str(one)} for one in outcome.differences],
    }


def _forecast(one: Calibration) -> dict[str, Any]:
    return {
        **{
            name: getattr(one, name)
            for name in ("name", "meaning", "cases", "bias_s", "low_s", "high_s", "mae_s")
        },
        "quantiles_s": list(one.quantiles_s),
        "learned_from": one.learned_from,
        "tested_on": one.tested_on,
        "coverage": _coverage(one.coverage),
        "pit": list(one.pit),
        "groups": [group._asdict() for group in one.groups],
    }


def _promises(promises: Promises) -> dict[str, Any]:
    return {
        "kept": None if promises.kept is None else promises.kept._asdict(),
        "undelivered": promises.undelivered,
        "unforeseen": promises.unforeseen,
        "margin_s": promises.margin_s,
        "implied": _coverage(promises.implied),
        "errors": _forecast(promises.errors),
    }


def _coverage(rows: Sequence[Coverage]) -> list[dict[str, Any]]:
    return [
        {"confidence": one.confidence, "margin_s": one.margin_s, **one.share._asdict()}
        for one in rows
    ]


def _what_if(what_if: WhatIf) -> dict[str, Any]:
    return {
        "said": what_if.said,
        "policy": asdict(what_if.policy),
        "replications": len(what_if.before),
        "left_out": dict(what_if.day.left_out),
        "verdict": list(what_if.verdict),
        "differences": {
            name: {
                key: getattr(one, key)
                for key in ("first", "second", "mean", "low", "high", "p_value", "is_clear")
            }
            for name, one in what_if.differences.items()
        },
        "changed": dict(summed_up(what_if.changed)),
    }
