"""The worst orders of an evening, each told as it went: what took longer than expected, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dispatch.apply import apply
from dispatch.events import PlanPublished, Recorded
from dispatch.explanation import Stretch
from dispatch.model import Fulfilment
from dispatch.recount import recount, stretches
from dispatch.state import State
from simulations.reports.markup import NOTHING, Content, Markup, joined, tag
from simulations.reports.scale import clock
from simulations.studies.outcome import Ending, Evening, OrderRow

WORST: Final = 10

_MINUTE_S: Final = 60
_OVER_S: Final = 60
"""What took so much longer than foreseen is worth a word."""

_KINDS: Final[Mapping[str, str]] = {
    "waiting for a picker": "queue",
    "picking": "pick",
    "waiting for the courier": "wait",
    "the way to the door": "way",
    "the hand-over": "door",
    "the try in vain": "vain",
    "the way back": "back",
    "bringing it back": "back",
    "handing it back": "back",
}
"""Classes of the stretches every delivery has; any other is `other`."""

LEGEND: Final = (
    ("queue", "waiting for a picker"),
    ("pick", "picking"),
    ("wait", "ready, waiting for the courier"),
    ("way", "on the way to the door"),
    ("door", "hand-over"),
    ("vain", "nobody took it"),
    ("back", "bringing it back"),
    ("other", "anything else"),
)
_PARTED: Final = frozenset({Ending.DELIVERED, Ending.RETURNED, Ending.OPEN})


@dataclass(frozen=True, slots=True)
class Course:
    """How an order went.

    Attributes
    ----------
    late_s
        Past the end of its promise: of one that nobody took, at the door; of any other open one,
        when the run ended.
    said
        Sentences.
    """

    row: OrderRow
    late_s: int
    stretches: tuple[Stretch, ...]
    said: tuple[str, ...]


def worst(evening: Evening) -> list[tuple[OrderRow, int]]:
    """Return the worst deliveries and their lateness in seconds: the latest, then the slowest."""
    found = []
    for row in evening.orders:
        if row.fulfilment != Fulfilment.DELIVERY.value or row.ending not in _PARTED:
            continue
        ended_at = _at_the_door(row) or evening.ends_at
        late_s = max(0, ended_at - row.promise_latest) if row.promise_latest is not None else 0
        found.append((row, late_s, ended_at - row.asked_at))
    found.sort(key=lambda each: (-each[1], -each[2], each[0].order_id))
    return [(row, late_s) for row, late_s, _ in found[:WORST]]


def _at_the_door(row: OrderRow) -> int | None:
    """Return when an order was where it belonged: nobody's being home is not being late."""
    in_vain = row.ending is Ending.RETURNED or (row.ending is Ending.OPEN and row.tries > 0)
    return row.arrived_at if in_vain else row.ended_at


def courses(evening: Evening, log: Iterable[Recorded], zone: dt.tzinfo) -> list[Course]:
    """Return how the worst deliveries of an evening went.

    Parameters
    ----------
    log
        The whole log of that evening; empty when it was not kept: then only times are told.
    """
    chosen = worst(evening)
    ids = frozenset(row.order_id for row, _ in chosen)
    state: State | None = None
    for recorded in log if chosen else ():
        before = State(recorded.zone_id) if state is None else state
        told = about(recorded, ids)
        # A plan that leaves all of them alone is passed over.
        state = replace(before, seq=recorded.seq) if told is None else apply(before, told)
    return [_course(row, late_s, state, zone) for row, late_s in chosen]


def about(recorded: Recorded, ids: frozenset[str]) -> Recorded | None:
    """Return what an event says of some orders; None for a plan that says nothing of them.

    Only plans are cut: they are most of a log, and what else happened bears on one another.
    """
    plan = recorded.event
    if not isinstance(plan, PlanPublished):
        return recorded
    routes = [
        replace(route, visits=visits)
        for route in plan.routes
        if (visits := tuple(visit for visit in route.visits if visit.stop.order_id in ids))
    ]
    ready_at = {key: at for key, at in plan.ready_at.items() if key in ids}
    if not routes and not ready_at:
        return None
    return replace(recorded, event=replace(plan, routes=tuple(routes), ready_at=ready_at))


def _course(row: OrderRow, late_s: int, state: State | None, zone: dt.tzinfo) -> Course:
    said = [_times(row, late_s, state, zone)]
    found: tuple[Stretch, ...] = ()
    if state is not None:
        order = state.order(row.order_id)
        found = stretches(order)
        said += list(_over(found))
        if order.is_closed:
            turns = recount(order, state).turns
            if turns:
                told = [f"{turn.detail} at {clock(turn.at, zone)}" for turn in turns]
                said.append(f"On its way it was {_listed(told)}.")
    return Course(row, late_s, found, tuple(said))


def _times(row: OrderRow, late_s: int, state: State | None, zone: dt.tzinfo) -> str:
    """Return the course of an order by the clock, one sentence."""
    steps = [f"Clicked at {clock(row.asked_at, zone)}"]
    if row.promise_earliest is not None and row.promise_latest is not None:
        window = f"{clock(row.promise_earliest, zone)} to {clock(row.promise_latest, zone)}"
        steps.append(f"promised for {window}")
    if row.pick_started_at is not None and row.ready_at is not None:
        place = _store(row, state)
        steps.append(
            f"picked{place} from {clock(row.pick_started_at, zone)} to {clock(row.ready_at, zone)}"
        )
    if row.picked_up_at is not None:
        steps.append(f"fetched{_courier(row, state)} at {clock(row.picked_up_at, zone)}")
    if row.arrived_at is not None:
        steps.append(f"at the door at {clock(row.arrived_at, zone)}")
    if row.ending is Ending.DELIVERED and row.ended_at is not None:
        steps.append(f"handed over at {clock(row.ended_at, zone)}")
    elif row.ending is Ending.RETURNED and row.ended_at is not None:
        steps.append(f"brought back to the store at {clock(row.ended_at, zone)}")
    else:
        steps.append("and not ended when the run was")
        if late_s <= 0:
            return f"{', '.join(steps)}: not late yet."
    return f"{', '.join(steps)}: {lateness(late_s)}."


def lateness(late_s: int) -> str:
    """Return how late something is in words."""
    if late_s <= 0:
        return "in time"
    return f"{late_s // _MINUTE_S} min late" if late_s >= _MINUTE_S else f"{late_s} s late"


def _store(row: OrderRow, state: State | None) -> str:
    found = state.stores.get(row.store_id or "") if state is not None else None
    return f" at {found.store.name}" if found is not None else ""


def _courier(row: OrderRow, state: State | None) -> str:
    found = state.couriers.get(row.courier_id or "") if state is not None else None
    return f" by {found.courier.name}" if found is not None else ""


def _over(found: Sequence[Stretch]) -> Iterable[str]:
    """Yield which stretches went over their forecast, the worst first."""
    over = [(each.took_s - each.foreseen_s, each) for each in found if each.foreseen_s is not None]
    over = sorted(
        (pair for pair in over if pair[0] >= _OVER_S), key=lambda pair: (-pair[0], pair[1].name)
    )
    for nth, (over_s, each) in enumerate(over):
        name = each.name[:1].upper() + each.name[1:] if nth == 0 else each.name
        foreseen = (each.foreseen_s or 0) / _MINUTE_S
        if nth == 0:
            yield (
                f"{name} took {_minutes(each.took_s)} instead of the {foreseen:.0f} min first "
                f"foreseen, {_minutes(over_s)} more."
            )
        else:
            yield f"Also {name}: {_minutes(over_s)} more."
    if not over and any(each.foreseen_s is not None for each in found):
        yield "No stretch took longer than first foreseen: the first plan was late already."


def _minutes(seconds: int) -> str:
    return f"{seconds / _MINUTE_S:.0f} min"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# --- drawn ---------------------------------------------------------------------------------------


def worst_list(found: Sequence[Course], *, with_film: bool) -> Markup:
    """Return the orders with their sentences and the bars of their stretches, on one scale."""
    longest_s = max(
        (
            max(each.stretches[-1].ended_at, each.row.promise_latest or 0) - each.row.asked_at
            for each in found
            if each.stretches
        ),
        default=1,
    )
    return tag(
        "ol",
        *(
            tag(
                "li",
                tag(
                    "div",
                    tag("h3", f"{each.row.address or 'No address'}, ", _late(each)),
                    _button(each) if with_film else None,
                    class_="course-head",
                ),
                _phases(each, longest_s),
                tag("p", " ".join(each.said)),
                class_="course",
            )
            for each in found
        ),
        class_="courses",
    )


def _late(each: Course) -> Markup:
    if each.row.ending is Ending.OPEN and each.late_s <= 0:
        return tag("span", "not late yet", class_="in-time")
    return tag("span", lateness(each.late_s), class_="late" if each.late_s > 0 else "in-time")


def _button(each: Course) -> Markup:
    told = f"Watch {each.row.address} in the playback"
    return tag(
        "button",
        "Watch it",
        type="button",
        class_="watch screen",
        data_watch=each.row.order_id,
        aria_label=told,
        hidden=True,
    )


def _phases(each: Course, longest_s: int) -> Markup:
    """Return what happened as a bar, below it what was foreseen, and where the promise ended."""
    if not each.stretches:
        return NOTHING
    begins_at = each.row.asked_at

    def spot(at: int) -> str:
        return f"{100 * (at - begins_at) / longest_s:.2f}%"

    bars, foreseen = [], []
    expected_at: int | None = None
    for stretch in each.stretches:
        kind = _KINDS.get(stretch.name, "other")
        long = f"{100 * stretch.took_s / longest_s:.2f}%"
        style = f"left:{spot(stretch.began_at)};width:{long}"
        told = f"{stretch.name}: {_minutes(stretch.took_s)}"
        label = f"{stretch.took_s / _MINUTE_S:.0f}" if stretch.took_s >= _MINUTE_S else ""
        bars.append(tag("span", label, class_=f"phase {kind}", style=style, title=told))
        if stretch.foreseen_s is None:
            expected_at = None
        else:
            # What the first plan no longer had to foresee is not drawn.
            expected_at = stretch.began_at if expected_at is None else expected_at
            long = f"{100 * stretch.foreseen_s / longest_s:.2f}%"
            style = f"left:{spot(expected_at)};width:{long}"
            told = f"foreseen: {stretch.name} {_minutes(stretch.foreseen_s)}"
            foreseen.append(tag("span", class_=f"phase {kind}", style=style, title=told))
            expected_at += stretch.foreseen_s
    promise: Content | None = None
    if each.row.promise_latest is not None:
        promise = tag("span", class_="promise", style=f"left:{spot(each.row.promise_latest)}")
    said = ", ".join(f"{s.name} {_minutes(s.took_s)}" for s in each.stretches)
    return tag(
        "div",
        tag("div", joined(bars), class_="actual"),
        tag("div", joined(foreseen), class_="foreseen"),
        promise,
        class_="phases",
        role="img",
        aria_label=said,
    )


def phases_key() -> Markup:
    """Return what the pieces of the bars mean."""
    return tag(
        "ul",
        *(tag("li", tag("span", class_=f"phase {kind}"), name) for kind, name in LEGEND),
        tag("li", tag("span", class_="promise"), "end of the promise"),
        tag("li", tag("span", class_="below"), "below: as first foreseen"),
        class_="key phase-key",
    )
