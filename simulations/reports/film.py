"""An evening to be played again: the data of it, small, and the page's part that plays it.

Places are whole metres from the map's upper left corner, as recorded; between two of them a
courier is drawn on the straight line.  What is written are steps from one value to the next as
variable-length integers, one column after the other, packed with gzip: a courier's place takes
about two bytes.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dispatch.model import Fulfilment
from simulations.reports.course import Course, lateness
from simulations.reports.gantt import MODES, NAMES, natural
from simulations.reports.map import Paper
from simulations.reports.markup import Markup, tag
from simulations.reports.parts import script
from simulations.reports.scale import Scale, clock
from simulations.reports.symbols import zoom_buttons
from simulations.scenarios.settings import Scenario
from simulations.studies.outcome import Activity, Ending, Evening, OrderRow
from simulations.studies.rows_couriers import BUSY
from simulations.studies.study import Playback, Track

SPEEDS: Final = (10, 30, 60, 120, 300, 600)
USUAL_SPEED: Final = 60

_ACTIVITIES: Final = tuple(Activity)
_ENDINGS: Final = tuple(Ending)
_MORE: Final = 0x80
_BITS: Final = 7
_SPARK_WIDE: Final = 1000
_SPARK_HIGH: Final = 40
_STEP_S: Final = 10


def blocks(
    scenario: Scenario,
    evening: Evening,
    playback: Playback,
    on: Paper,
    zone: dt.tzinfo,
) -> list[Markup]:
    """Return the data of an evening as blocks of a page."""
    about = json.dumps(_about(scenario, evening, playback, on, zone), separators=(",", ":"))
    return [
        script("film", packed(about.encode())),
        script("tracks", packed(tracks_of(playback.tracks, playback, on))),
    ]


def packed(content: bytes) -> str:
    """Return bytes as text: gzip, then base64; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


# --- who was where -------------------------------------------------------------------------------


def tracks_of(tracks: Sequence[Track], playback: Playback, on: Paper) -> bytes:
    """Return all tracks: how many places each has, then steps of time, of x and of y.

    Parameters
    ----------
    playback
        Its couriers say whose track comes when, its beginning is time 0.
    """
    by_courier = {each.courier_id: each for each in tracks}
    counts: list[int] = []
    columns: list[list[NDArray[np.int64]]] = [[], [], []]
    for courier in playback.couriers:
        track = by_courier.get(courier.courier_id)
        counts.append(0 if track is None else len(track.at))
        if track is None or not track.at:
            continue
        places = on.metres(track.lng, track.lat)
        at = np.asarray(track.at, dtype=np.int64) - playback.begins_at
        for column, values in zip(columns, (at, places[:, 0], places[:, 1]), strict=True):
            column.append(np.diff(values, prepend=0))
    whole = [np.array(counts, dtype=np.int64), *(steps for column in columns for steps in column)]
    return varints(np.concatenate(whole))


def varints(values: NDArray[np.int64]) -> bytes:
    """Return integers as bytes of seven bits, least first; the sign is the lowest bit."""
    rest = np.where(values < 0, -2 * values - 1, 2 * values)
    pieces = (rest[:, None] >> (_BITS * np.arange(5))) & (_MORE - 1)
    later = rest[:, None] >> (_BITS * np.arange(1, 6))
    wanted = np.ones_like(pieces, dtype=bool)
    wanted[:, 1:] = later[:, :-1] > 0
    return bytes(np.where(later > 0, pieces + _MORE, pieces)[wanted].astype(np.uint8))


# --- what happened -------------------------------------------------------------------------------


def _about(
    scenario: Scenario, evening: Evening, playback: Playback, on: Paper, zone: dt.tzinfo
) -> dict[str, Any]:
    begins_at = playback.begins_at
    offset = dt.datetime.fromtimestamp(begins_at, zone).utcoffset() or dt.timedelta()
    stores = {each.store_id: nth for nth, each in enumerate(playback.stores)}
    couriers = {each.courier_id: nth for nth, each in enumerate(playback.couriers)}
    rows = [row for row in evening.orders if np.isfinite(row.lng) and np.isfinite(row.lat)]
    places = on.metres(
        [each.location.lon for each in playback.stores],
        [each.location.lat for each in playback.stores],
    )
    return {
        "begins": begins_at + int(offset.total_seconds()),
        "length": playback.ends_at - begins_at,
        "every": playback.every_s,
        "unitsPerMetre": on.frame.px_per_m,
        "width": on.frame.width,
        "height": on.frame.height,
        "stores": [
            [each.name, *place]
            for each, place in zip(playback.stores, places.tolist(), strict=True)
        ],
        "couriers": [
            [each.courier_id, each.name, each.mode.value, MODES[each.mode]]
            for each in playback.couriers
        ],
        "activities": [[each.value, NAMES[each], int(each in BUSY)] for each in _ACTIVITIES],
        "endings": [each.value for each in _ENDINGS],
        "orders": _orders(rows, begins_at, stores, couriers, on),
        "spans": _spans(evening, begins_at, couriers, {r.order_id: n for n, r in enumerate(rows)}),
        "places": _places(scenario, begins_at, zone, playback, on),
    }


def _orders(
    rows: Sequence[OrderRow],
    begins_at: int,
    stores: Mapping[str, int],
    couriers: Mapping[str, int],
    on: Paper,
) -> dict[str, Any]:
    places = on.metres([row.lng for row in rows], [row.lat for row in rows])

    def since(at: int | None) -> int | None:
        return None if at is None else at - begins_at

    return {
        "id": [row.order_id for row in rows],
        "address": [row.address for row in rows],
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "store": [stores.get(row.store_id or "") for row in rows],
        "courier": [couriers.get(row.courier_id or "") for row in rows],
        "brought": [int(row.fulfilment == Fulfilment.DELIVERY.value) for row in rows],
        "asked": [since(row.asked_at) for row in rows],
        "promise": [since(row.promise_latest) for row in rows],
        "start": [since(row.pick_started_at) for row in rows],
        "ready": [since(row.ready_at) for row in rows],
        "picked": [since(row.picked_up_at) for row in rows],
        "ended": [since(row.ended_at) for row in rows],
        "ending": [_ENDINGS.index(row.ending) for row in rows],
    }


def _spans(
    evening: Evening, begins_at: int, couriers: Mapping[str, int], orders: Mapping[str, int]
) -> list[list[int]]:
    """Return each courier's activities: how long after the last, how long, which, what for."""
    rows: list[list[int]] = [[] for _ in couriers]
    before = [0] * len(couriers)
    for span in evening.spans:
        nth = couriers.get(span.courier_id)
        if nth is None:
            continue
        begin = span.begins_at - begins_at
        long = span.ends_at - span.begins_at
        order = orders.get(span.order_id or "", -1)
        rows[nth] += [begin - before[nth], long, _ACTIVITIES.index(span.activity), order]
        before[nth] = begin + long
    return rows


def _places(
    scenario: Scenario, begins_at: int, zone: dt.tzinfo, playback: Playback, on: Paper
) -> list[list[Any]]:
    """Return what happens where: kind, name, from, until, x, y, radius."""

    def since(moment: dt.datetime) -> int:
        return int(moment.replace(tzinfo=zone).timestamp()) - begins_at

    found: list[list[Any]] = []
    for closure in scenario.closures:
        x, y = on.metres([closure.around.lon], [closure.around.lat])[0].tolist()
        span = [since(closure.starts_at), since(closure.ends_at)]
        found.append(["streets", closure.name, *span, x, y, closure.radius_m])
    for surge in scenario.surges:
        span = [since(surge.starts_at), since(surge.ends_at)]
        if surge.around is None:
            found.append(["everywhere", surge.name, *span, 0, 0, 0])
        else:
            x, y = on.metres([surge.around.lon], [surge.around.lat])[0].tolist()
            found.append(["surge", surge.name, *span, x, y, surge.radius_m])
    for shut in scenario.store_closures:
        store = next((s for s in playback.stores if shut.store in {s.name, s.store_id}), None)
        if store is not None:
            x, y = on.metres([store.location.lon], [store.location.lat])[0].tolist()
            span = [since(shut.starts_at), since(shut.ends_at)]
            found.append(["store", f"{store.name} closed", *span, x, y, 0])
    return found


# --- the player ----------------------------------------------------------------------------------


def player(
    evening: Evening, playback: Playback, found: Sequence[Course], on: Paper, zone: dt.tzinfo
) -> Markup:
    """Return the stage, the line of time and what stands beside; `film.js` plays on it."""
    stage = tag(
        "div",
        tag(
            "canvas",
            tabindex=0,
            role="img",
            aria_label="The evening on the map. Space plays and pauses, the arrow keys go on and "
            "back by ten seconds, with Shift by five minutes.",
        ),
        zoom_buttons(),
        tag("p", on.attribution, class_="attribution"),
        class_="stage",
    )
    side = tag(
        "div",
        tag("p", clock(playback.begins_at, zone), class_="clock"),
        tag("p", class_="counts"),
        tag("p", class_="now"),
        tag("label", "Follow", _follow(playback, found), class_="follow"),
        tag("p", class_="followed", aria_live="polite"),
        _legend(),
        class_="side",
    )
    return tag(
        "div",
        tag("div", stage, side, class_="film-top"),
        _bar(evening, playback, zone),
        class_="film screen",
        hidden=True,
    )


def _bar(evening: Evening, playback: Playback, zone: dt.tzinfo) -> Markup:
    speeds = (
        tag(
            "option",
            f"{speed} times life",
            value=speed,
            selected=speed == USUAL_SPEED,
        )
        for speed in SPEEDS
    )
    return tag(
        "div",
        tag("button", "Play", type="button", data_play=True, class_="play"),
        tag("label", "Speed", tag("select", *speeds, data_speed=True), class_="speed"),
        tag(
            "div",
            _spark(evening, playback),
            tag(
                "input",
                type="range",
                min=0,
                max=playback.ends_at - playback.begins_at,
                step=_STEP_S,
                value=0,
                data_time=True,
                aria_label="Time of the evening",
            ),
            tag(
                "div",
                tag("span", clock(playback.begins_at, zone)),
                tag("span", clock(playback.ends_at, zone)),
                class_="ends",
            ),
            class_="line",
        ),
        class_="film-bar",
    )


def _spark(evening: Evening, playback: Playback) -> Markup:
    """Return open and late orders over the evening, small, above the line of time."""
    minutes = [m for m in evening.minutes if playback.begins_at <= m.at <= playback.ends_at]
    if not minutes:
        return tag("svg", class_="spark", aria_hidden="true")
    most = max(1, *(each.open_orders for each in minutes))
    x = Scale(playback.begins_at, playback.ends_at, 0, _SPARK_WIDE)
    y = Scale(0, most, _SPARK_HIGH, 1)

    def area(values: Iterable[int], style: str) -> Markup:
        line = "".join(
            f"L{x.px(each.at):.0f} {y.px(value):.1f}"
            for each, value in zip(minutes, values, strict=True)
        )
        begin, end = x.px(minutes[0].at), x.px(minutes[-1].at)
        return tag(
            "path", class_=style, d=f"M{begin:.0f} {_SPARK_HIGH}{line}L{end:.0f} {_SPARK_HIGH}z"
        )

    return tag(
        "svg",
        area((each.open_orders for each in minutes), "open"),
        area((each.late_open for each in minutes), "over"),
        viewBox=f"0 0 {_SPARK_WIDE} {_SPARK_HIGH}",
        preserveAspectRatio="none",
        class_="spark",
        aria_hidden="true",
    )


def _follow(playback: Playback, found: Sequence[Course]) -> Markup:
    worst = [
        tag("option", f"{each.row.address}, {lateness(each.late_s)}", value=f"o{each.row.order_id}")
        for each in found
    ]
    fleet = [
        tag("option", f"{each.name}, {MODES[each.mode]}", value=f"c{each.courier_id}")
        for each in sorted(playback.couriers, key=lambda card: natural(card.name))
    ]
    return tag(
        "select",
        tag("option", "nobody", value=""),
        tag("optgroup", *worst, label="Worst orders") if worst else None,
        tag("optgroup", *fleet, label="Couriers"),
        data_follow=True,
    )


_MARKS: Final = (
    ("M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0", "waiting", "order waits or is picked"),
    ("M0-6L6 0L0 6L-6 0z", "ready", "ready, waits for a courier"),
    ("M-5-5H5V5H-5z", "way", "on the way"),
    ("M-5-5H5V5H-5z", "late", "past its promise: any of them, filled"),
    ("M-4.5 0L-1.5 3.5L4.5-4", "done", "handed over just now"),
    ("M-4-4L4 4M4-4L-4 4", "refused", "refused or given up just now"),
)
_MODES_DRAWN: Final = (
    ("M0-7L6.5 5H-6.5z", "on foot"),
    ("M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0", "bike"),
    ("M-3.5-6H3.5L7 0L3.5 6H-3.5L-7 0z", "cargo bike"),
    ("M0-7L7 0L0 7L-7 0z", "scooter"),
    ("M-6-5.5H6V5.5H-6z", "car"),
)


def _legend() -> Markup:
    marks = [tag("li", _mark(path, f"film-mark {name}"), told) for path, name, told in _MARKS]
    modes = [tag("li", _mark(path, "film-mark courier"), told) for path, told in _MODES_DRAWN]
    bars = tag("span", tag("i"), tag("i"), tag("i"), class_="queue-key")
    return tag(
        "div",
        tag("ul", *marks, class_="key"),
        tag("ul", *modes, class_="key modes"),
        tag(
            "ul",
            tag("li", bars, "a store: orders waiting, in picking, ready"),
            class_="key",
        ),
        tag(
            "p",
            "A courier's number is the bags carried; hollow: without work; in the colour of late: "
            "with a late bag.",
        ),
        class_="legend",
    )


def _mark(path: str, style: str) -> Markup:
    return tag(
        "svg",
        tag("path", d=path),
        viewBox="-9 -9 18 18",
        width=18,
        height=18,
        class_=style,
        aria_hidden="true",
    )
