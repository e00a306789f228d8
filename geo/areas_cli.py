"""`samehour city areas`: which doors the stores of a city would serve, and which they share."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.modes import Mode

# What is heavy is imported where it is used: `samehour --help` must answer at once.
if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.areas import Coverage, Overlap, ServiceAreas
    from geo.city import City, CityStore
    from geo.service_area import ServiceArea

DONE: Final = 0
WRONG_INPUT: Final = 2

_MINUTE_S: Final = 60
_MOST_PAIRS: Final = 10
"""Overlaps printed, the largest ones; all are in the JSON."""

_ANY_TIME: Final = 0
"""A city on disk knows no traffic: its times are the same at all hours."""


def add_parser(commands: Any) -> None:
    """Add `areas` to the commands of `samehour city`.

    Parameters
    ----------
    commands
        What `add_subparsers` of `city` returned.  The command sets `handler`, which takes the
        parsed arguments and returns the exit code: 0 done, 2 wrong use or input.
    """
    areas = commands.add_parser(
        "areas",
        help="which doors the stores serve, and which they share",
        description="Count the doors and people that the stores of a city would serve.",
    )
    areas.add_argument("city", metavar="DIR|NAME", help="a city's folder or name")
    kind = areas.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--minutes", type=_minutes, metavar="N", help="the shape reached in N minutes"
    )
    kind.add_argument("--metres", type=int, metavar="N", help="doors within N metres of road")
    kind.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="JSON: one service area for all stores, or areas by store id",
    )
    areas.add_argument(
        "--mode", choices=[mode.value for mode in Mode], help="how couriers go (default: bike)"
    )
    areas.add_argument("--geojson", type=Path, metavar="OUT", help="write the areas as GeoJSON")
    areas.add_argument("--json", action="store_true", help="last line: the figures as JSON")
    areas.set_defaults(handler=_areas)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not math.isfinite(minutes):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of minutes; give e.g. 10")
    return minutes


def _areas(args: argparse.Namespace) -> int:
    from geo.errors import GeoError  # noqa: PLC0415 - see above

    try:
        return _report(args)
    except GeoError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}; give another file")


def _report(args: argparse.Namespace) -> int:
    from geo.areas import ServiceAreas, coverage, overlaps  # noqa: PLC0415 - see above
    from geo.city import load_city  # noqa: PLC0415
    from geo.service_area import Site  # noqa: PLC0415
    from geo.travel import NetworkTravelTimes  # noqa: PLC0415

    city = load_city(args.city)
    wanted = _wanted(args, city)
    stores = [store for store in city.stores if store.store_id in wanted]
    sites = [Site(store.location, wanted[store.store_id]) for store in stores]
    index = ServiceAreas(sites, NetworkTravelTimes(city.network), _ANY_TIME)
    doors = city.doors
    served = index.serves(doors.lon, doors.lat)
    shared = overlaps(served, doors.people)
    reached = coverage(served, doors.people)
    if args.geojson is not None:
        drawn = _geojson(index, stores, served, city)
        args.geojson.write_text(json.dumps(drawn, ensure_ascii=False), encoding="utf-8")
    _describe(city, index, stores, served, shared, reached)
    if args.json:
        figures = _figures(city, index, stores, served, shared, reached)
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
    return DONE


def _wanted(args: argparse.Namespace, city: City) -> Mapping[str, ServiceArea]:
    """Return the areas asked for, by store id."""
    from geo.errors import AreaError  # noqa: PLC0415 - see above
    from geo.service_area import AreaKind, ServiceArea, from_json  # noqa: PLC0415

    ids = [store.store_id for store in city.stores]
    if args.file is None:
        mode = Mode(args.mode or Mode.BIKE)
        if args.minutes is not None:
            seconds = round(args.minutes * _MINUTE_S)
            area = ServiceArea(AreaKind.ISOCHRONE, duration_s=seconds, mode=mode)
        else:
            area = ServiceArea(AreaKind.ROAD_DISTANCE, distance_m=args.metres, mode=mode)
        return dict.fromkeys(ids, area)
    if args.mode is not None:
        raise AreaError("", "of a file says its own mode; leave --mode out")
    try:
        value = json.loads(args.file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AreaError("", f"in {args.file} is not JSON ({error}); correct it") from error
    if not isinstance(value, dict) or "kind" in value:
        return dict.fromkeys(ids, from_json(value))
    for store_id in value:
        if store_id not in ids:
            raise AreaError(
                f"/{store_id}", f"is of no store of {city.name}; `samehour city show` has them"
            )
    found = {}
    for store_id, each in value.items():
        try:
            found[store_id] = from_json(each)
        except AreaError as error:
            raise AreaError(f"/{store_id}{error.pointer}", error.problem) from error
    return found


def _geojson(
    index: ServiceAreas, stores: list[CityStore], served: NDArray[Any], city: City
) -> dict[str, Any]:
    """Return a feature per store; an area by distance is drawn as the doors it serves."""
    import numpy as np  # noqa: PLC0415 - see above
    import shapely  # noqa: PLC0415

    from geo.service_area import as_json  # noqa: PLC0415

    doors = np.column_stack([city.doors.lon, city.doors.lat])
    features = []
    for row, store in enumerate(stores):
        shape = index.outline(row)
        if shape is None:
            shape = shapely.MultiPoint(doors[served[row]])
        properties = {
            "store_id": store.store_id,
            "name": store.name,
            "service_area": as_json(index.sites[row].area),
            "doors": int(served[row].sum()),
            "people": round(float(city.doors.people[served[row]].sum())),
        }
        features.append(
            {
                "type": "Feature",
                "id": store.store_id,
                "geometry": json.loads(shapely.to_geojson(shape)),
                "properties": properties,
            }
        )
    return {"type": "FeatureCollection", "attribution": city.attribution, "features": features}


def _figures(
    city: City,
    index: ServiceAreas,
    stores: list[CityStore],
    served: NDArray[Any],
    shared: tuple[Overlap, ...],
    reached: Coverage,
) -> dict[str, Any]:
    from geo.service_area import as_json  # noqa: PLC0415 - see above

    return {
        "city": city.name,
        "stores": [
            {
                "store_id": store.store_id,
                "service_area": as_json(index.sites[row].area),
                "doors": int(served[row].sum()),
                "people": round(float(city.doors.people[served[row]].sum())),
            }
            for row, store in enumerate(stores)
        ],
        "overlaps": [
            asdict(pair)
            | {"first": stores[pair.first].store_id, "second": stores[pair.second].store_id}
            for pair in shared
        ],
        "coverage": asdict(reached),
    }


def _describe(
    city: City,
    index: ServiceAreas,
    stores: list[CityStore],
    served: NDArray[Any],
    shared: tuple[Overlap, ...],
    reached: Coverage,
) -> None:
    people = city.doors.people
    lines = [f"{city.title}: {len(stores)} stores, {len(people)} doors"]
    width = max((len(store.name) for store in stores), default=0)
    for row, store in enumerate(stores):
        lines.append(
            f"  {store.name:<{width}}  {int(served[row].sum()):>7} doors "
            f"{people[served[row]].sum():>9.0f} people  {index.sites[row].area.describe()}"
        )
    lines.append(f"  overlaps: {len(shared)} pairs" + (", most people first" if shared else ""))
    for pair in shared[:_MOST_PAIRS]:
        first, second = stores[pair.first].name, stores[pair.second].name
        lines.append(
            f"    {first} / {second}: {pair.doors} doors, {pair.people:.0f} people; "
            f"{pair.share_of_first:.0%} / {pair.share_of_second:.0%} of theirs"
        )
    if len(shared) > _MOST_PAIRS:
        lines.append(f"    and {len(shared) - _MOST_PAIRS} more; --json has them all")
    lines.append("  doors by the number of stores that serve them")
    for count, (doors, heads) in enumerate(zip(reached.doors, reached.people, strict=True)):
        share = doors / len(people) if len(people) else 0.0
        lines.append(
            f"    {count or 'none':>4}  {doors:>7} doors {heads:>9.0f} people  {share:.1%}"
        )
    lines.append(f"  data: {city.attribution}, {city.licence}")
    sys.stdout.write("\n".join(lines) + "\n")


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"samehour: {sentence}\n")
    return WRONG_INPUT
