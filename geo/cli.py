"""`samehour city build` and `samehour city show`: the arguments, and what is printed."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo import areas_cli, draw_cli, progress

# What is heavy is imported where it is used: `samehour --help` must answer at once.
if TYPE_CHECKING:
    from geo.city import City

DONE: Final = 0
WRONG_INPUT: Final = 2
MOST_SITES: Final = 10_000


def add_parser(subparsers: Any) -> None:
    """Add `city` with its commands to a command line.

    Parameters
    ----------
    subparsers
        What `ArgumentParser.add_subparsers` returned.  Each command sets `handler`, a callable
        that takes the parsed arguments and returns the exit code: 0 done, 2 wrong use or input.
    """
    city = subparsers.add_parser("city", help="build a city from OpenStreetMap, or describe one")
    commands = city.add_subparsers(dest="city_command", metavar="COMMAND", required=True)

    build = commands.add_parser(
        "build",
        help="make a city on disk",
        description="Make a city on disk: roads for every mode, stores, doors and the map.",
    )
    # West of Greenwich a box begins with a minus sign, which must not make it an option.
    build._negative_number_matcher = re.compile(r"-\d[\d.,-]*")  # noqa: SLF001 - no public way
    source = build.add_mutually_exclusive_group(required=True)
    source.add_argument("--pbf", type=Path, metavar="FILE", help="an OSM extract (.osm.pbf)")
    source.add_argument(
        "--place", metavar="NAME", help="a place on OpenStreetMap, e.g. 'Tampere, Finland' (online)"
    )
    source.add_argument("--bbox", type=_bbox, metavar="W,S,E,N", help="a box in degrees (online)")
    source.add_argument("--graphml", type=Path, metavar="FILE", help="a graph saved by OSMnx")
    source.add_argument(
        "--aequilibrae",
        type=Path,
        metavar="FILE",
        help="an AequilibraE project_database.sqlite, a zip with one, or AequilibraE's own wheel",
    )
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="the city's folder")
    build.add_argument("--name", help="short name (default: the folder's)")
    build.add_argument("--title", help="name for people")
    build.add_argument("--time-zone", metavar="TZ", help="e.g. Europe/Helsinki (default: by place)")
    build.add_argument(
        "--stores",
        type=Path,
        metavar="FILE",
        help="stores to use instead of the map's: CSV (name,lat,lon[,kind,opening_hours,address]) "
        "or GeoJSON",
    )
    build.add_argument(
        "--sites",
        type=_sites,
        metavar="N",
        help="with --aequilibrae: how many provisional stores to place among the people "
        "(default: 40)",
    )
    build.add_argument("--force", action="store_true", help="replace the city that is there")
    build.add_argument("--json", action="store_true", help="last line: the figures as JSON")
    build.set_defaults(handler=_build)

    areas_cli.add_parser(commands)
    draw_cli.add_parser(commands)

    show = commands.add_parser("show", help="check a city and say what is in it")
    show.add_argument("city", metavar="DIR|NAME", help="a city's folder or name")
    show.add_argument("--json", action="store_true", help="last line: the figures as JSON")
    show.set_defaults(handler=_show)


def _bbox(text: str) -> tuple[float, float, float, float]:
    parts = text.split(",")
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no box; give four numbers: west,south,east,north"
        ) from error
    return west, south, east, north


def _sites(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SITES:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no number of stores; give a whole number from 1 to {MOST_SITES}"
        )
    return int(text)


def _build(args: argparse.Namespace) -> int:
    from geo.errors import CityError, GeoError  # noqa: PLC0415 - see above

    try:
        with progress.shown():
            city = _build_from(args)
    except ModuleNotFoundError as error:
        return _refuse(
            f"building a city needs {error.name}, which is not installed; install it: "
            "pip install 'samehour[city]'"
        )
    except GeoError as error:
        return _refuse(str(error))
    except MemoryError:
        return _refuse(str(CityError("the input does not fit into memory; choose a smaller area")))
    _describe(city, as_json=args.json)
    return DONE


def _build_from(args: argparse.Namespace) -> City:
    from geo import build  # noqa: PLC0415 - see above

    request = build.Request(
        args.out, args.name, args.title, args.time_zone, args.stores, args.force
    )
    if args.pbf is not None:
        return build.build_from_pbf(args.pbf, request)
    if args.aequilibrae is not None:
        sites = {} if args.sites is None else {"sites": args.sites}
        return build.build_from_aequilibrae(args.aequilibrae, request, **sites)
    if args.graphml is not None:
        return build.build_from_graphml(args.graphml, request)
    if args.bbox is not None:
        return build.build_from_bbox(args.bbox, request)
    return build.build_from_place(args.place, request)


def _show(args: argparse.Namespace) -> int:
    from geo.city import load_city  # noqa: PLC0415 - see above
    from geo.errors import GeoError  # noqa: PLC0415 - see above

    try:
        city = load_city(args.city)
    except GeoError as error:
        return _refuse(str(error))
    _describe(city, as_json=args.json)
    return DONE


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"samehour: {sentence}\n")
    return WRONG_INPUT


def _describe(city: City, *, as_json: bool) -> None:
    meta = city.meta
    counts = meta["counts"]
    west, south, east, north = city.bounds
    lines = [
        f"{city.title} ({city.name}) in {city.path}",
        f"  from       {city.source}",
        f"  area       {west:.4f},{south:.4f},{east:.4f},{north:.4f}, {city.time_zone}",
        (
            f"  stores     {counts['stores']}, "
            f"{counts['stores_with_opening_hours']} with opening hours"
        ),
        f"  doors      {counts['doors']} for about {counts['people']} people",
        f"  turns      {counts['restrictions']} restrictions; {counts['signals']} signals",
        f"  roads      {counts['nodes']} nodes, {counts['edges']} edges; connected, by mode:",
    ]
    for mode, road in meta["roads"].items():
        kept = (
            f"{road['nodes']} nodes, {road['edges']} edges, {road['length_m'] / 1000:.1f} km kept; "
            f"{road['left_out_edges']} edges, {road['left_out_length_m'] / 1000:.1f} km left out"
        )
        lines.append(f"    {mode:<10} {kept if road['edges'] else 'no roads'}")
    lines += [f"  left out   {count} {what}" for what, count in meta["left_out"].items()]
    lines.append(f"  data       {city.attribution}, {city.licence}")
    sys.stdout.write("\n".join(lines) + "\n")
    if as_json:
        figures = {key: meta[key] for key in ("name", "title", "time_zone", "bounds", "counts")}
        figures |= {key: meta[key] for key in ("roads", "left_out", "source", "checksum")}
        sys.stdout.write(json.dumps(figures | {"path": str(city.path)}, ensure_ascii=False) + "\n")
