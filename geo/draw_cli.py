"""`samehour city draw`: ways, isochrones and closures drawn on the city's own map."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.modes import Mode

# What is heavy is imported where it is used: `samehour --help` must answer at once.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geo.city import City
    from geo.drawing import Picture
    from geo.travel import NetworkTravelTimes
    from geo.types import LonLat

DONE: Final = 0
WRONG_INPUT: Final = 2
MOST_ROUTES: Final = 50
MOST_MINUTES: Final = 24 * 60

_MINUTE_S: Final = 60
_BY: Final = {
    Mode.WALK: "on foot",
    Mode.BIKE: "by bicycle",
    Mode.CARGO_BIKE: "by cargo bike",
    Mode.SCOOTER: "by scooter",
    Mode.CAR: "by car",
}
_ANY_TIME: Final = 0
"""A city on disk knows no traffic: its times are the same at all hours."""


def add_parser(commands: Any) -> None:
    """Add `draw` to the commands of `samehour city`.

    Parameters
    ----------
    commands
        What `add_subparsers` of `city` returned.  The command sets `handler`, which takes the
        parsed arguments and returns the exit code: 0 done, 2 wrong use or input.
    """
    draw = commands.add_parser(
        "draw",
        help="draw routes, isochrones and closures on the map (SVG)",
        description="Draw travel on the city's own map, as one SVG file: routes from stores to "
        "doors drawn by lot, one route, or what can be reached.",
    )
    # South or west a place begins with a minus sign, which must not make it an option.
    draw._negative_number_matcher = re.compile(r"-\d[\d.,-]*")  # noqa: SLF001 - no public way
    draw.add_argument("city", metavar="DIR|NAME", help="a city's folder or name")
    what = draw.add_mutually_exclusive_group(required=True)
    what.add_argument("--routes", type=_count, metavar="N", help="N routes from stores to doors")
    what.add_argument("--to", type=_place, metavar="LAT,LNG", help="the route from --from to here")
    what.add_argument(
        "--isochrone", type=_minutes, metavar="MINUTES", help="what is reached from --from"
    )
    draw.add_argument("--from", type=_place, metavar="LAT,LNG", dest="origin")
    draw.add_argument(
        "--close",
        type=_place,
        metavar="LAT,LNG",
        action="append",
        default=[],
        help="close the street next to this place, and draw the ways before and after; repeatable",
    )
    draw.add_argument("--seed", type=int, default=1, metavar="N", help="of the lot (default: 1)")
    draw.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.BIKE.value,
        help="how one goes (default: bike)",
    )
    draw.add_argument("--out", type=Path, required=True, metavar="FILE", help="the SVG file")
    draw.set_defaults(handler=_draw)


def _place(text: str) -> LonLat:
    from geo.types import LonLat  # noqa: PLC0415 - see above

    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no place; give latitude,longitude, e.g. 60.1699,24.9384"
        ) from error
    return LonLat(lon, lat)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ROUTES:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no number of routes; give a whole number from 1 to {MOST_ROUTES}"
        )
    return int(text)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes <= MOST_MINUTES:  # NaN fails as well
        raise argparse.ArgumentTypeError(
            f"'{text}' is no number of minutes; give more than 0 and at most {MOST_MINUTES}"
        )
    return minutes


def _draw(args: argparse.Namespace) -> int:
    from geo.errors import GeoError  # noqa: PLC0415 - see above

    try:
        _write(args)
    except GeoError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}; give another file")
    return DONE


def _write(args: argparse.Namespace) -> None:
    from geo.city import load_city  # noqa: PLC0415 - see above
    from geo.drawing import draw  # noqa: PLC0415
    from geo.errors import QuestionError  # noqa: PLC0415

    if args.routes is None and args.origin is None:
        raise QuestionError("a route or an isochrone begins somewhere; give --from LAT,LNG")
    if args.routes is not None and args.origin is not None:
        raise QuestionError("--routes begin at stores drawn by lot; leave --from out")
    city = load_city(args.city)
    picture = _picture(args, city)
    args.out.write_text(draw(picture), encoding="utf-8")
    for number, one in enumerate(picture.routes, start=1):
        before = "" if one.before is None else f" (before {one.before.duration_s} s)"
        sys.stdout.write(
            f"  {number:>2}  {one.route.duration_s:>5} s{before} {one.route.length_m:>6} m  "
            f"{one.label}\n"
        )
    sys.stdout.write(f"{picture.title}: {args.out}\n")


def _picture(args: argparse.Namespace, city: City) -> Picture:
    from geo.drawing import DrawnRoute, Picture  # noqa: PLC0415 - see above
    from geo.travel import NetworkTravelTimes  # noqa: PLC0415

    mode = Mode(args.mode)
    city.network.check_mode(mode)
    free = NetworkTravelTimes(city.network)
    closed, now = None, free
    if args.close:
        closed, now = _closed(args.close, mode, city)
    if args.isochrone is not None:
        whole_s = round(args.isochrone * _MINUTE_S)
        reaches = tuple(
            now.reachable(args.origin, seconds, mode, _ANY_TIME)
            for seconds in (whole_s, whole_s // 2)
        )
        title = f"{city.title}: within {args.isochrone:g} minutes {_BY[mode]}"
        return Picture(city, mode, title, reaches=reaches, closed=closed)
    if args.routes is not None:
        trips = _by_lot(city, mode, args.routes, args.seed)
    else:
        trips = [(f"{_say(args.origin)} to {_say(args.to)}", args.origin, args.to)]
    routes = tuple(
        DrawnRoute(
            label,
            now.route(origin, to, mode, _ANY_TIME),
            free.route(origin, to, mode, _ANY_TIME) if args.close else None,
        )
        for label, origin, to in trips
    )
    what = f"{len(routes)} route{'s' * (len(routes) > 1)} {_BY[mode]}"
    title = f"{city.title}: {what}{', before and after a closure' * bool(args.close)}"
    return Picture(city, mode, title, routes=routes, closed=closed)


def _closed(
    places: Sequence[LonLat], mode: Mode, city: City
) -> tuple[NDArray[np.int64], NetworkTravelTimes]:
    """Return the edges next to some places, and travel times while they are closed."""
    import numpy as np  # noqa: PLC0415 - see above

    from geo.closures import Closure, ClosureShape  # noqa: PLC0415
    from geo.traffic import Traffic  # noqa: PLC0415
    from geo.travel import NetworkTravelTimes  # noqa: PLC0415

    traffic = Traffic(city.network, city.time_zone)
    edges = [
        traffic.close(Closure(_say(place), ClosureShape.POINT, (place,), modes=(mode,)), _ANY_TIME)
        for place in places
    ]
    weights = traffic.weights(_ANY_TIME)
    return np.unique(np.concatenate(edges)), NetworkTravelTimes(city.network, weights)


def _by_lot(city: City, mode: Mode, count: int, seed: int) -> list[tuple[str, LonLat, LonLat]]:
    """Return trips from stores to doors, doors by the people behind them: label, from, to.

    Every store comes up once before one comes up twice.
    """
    import numpy as np  # noqa: PLC0415 - see above

    from geo.errors import NoPlacesError  # noqa: PLC0415
    from geo.snapping import FOUND  # noqa: PLC0415

    network, doors = city.network, city.doors
    places = np.array([store.location for store in city.stores], dtype=np.float64).reshape(-1, 2)
    stores = np.flatnonzero(network.snap_points(places, mode).state == FOUND)
    near = network.snap_points(np.stack([doors.lon, doors.lat], axis=1), mode).state == FOUND
    if not len(stores) or not near.any():
        raise NoPlacesError(
            f"no store or no door of {city.title} is near a road for mode '{mode}'; draw a route "
            "between two places: --from LAT,LNG --to LAT,LNG"
        )
    lot = np.random.default_rng(seed)
    rounds = -(-count // len(stores))
    drawn = np.concatenate([lot.permutation(stores) for _ in range(rounds)])[:count]
    people = np.where(near, doors.people, 0.0)
    ends = lot.choice(len(people), size=count, p=people / people.sum())
    return [
        (
            f"{city.stores[store].name} to {doors.address[door]}",
            city.stores[store].location,
            doors.location(door),
        )
        for store, door in zip(drawn.tolist(), ends.tolist(), strict=True)
    ]


def _say(place: LonLat) -> str:
    return f"{place.lat:.5f},{place.lon:.5f}"


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"samehour: {sentence}\n")
    return WRONG_INPUT
