"""`samehour doctor`: what would keep the service from starting or running well, and what to do.

It changes nothing, and may be run beside a service.  One finding never hides another: what hangs on
something that failed is passed over, all else is looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final, TextIO
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from api.settings import Settings, SettingsError, load, read_policy
from api.storage.reading import ZoneInLedger, examine
from dispatch.codec import to_rfc3339
from dispatch.recording import RecordingError
from geo.caching import cache_folder
from geo.city import City, load_city
from geo.errors import GeoError
from geo.profiles import read_profile

_LEAST_FREE_BYTES: Final = 1_000_000_000
"""An evening of a busy zone writes a tenth of it."""

_REACHED_WITHIN_S: Final = 3.0
_AHEAD_S: Final = 60
_LEAST_PYTHON: Final = (3, 11)
_FAILED: Final = 1
_PORTS: Final = {"http": 80, "https": 443}


class Level(StrEnum):
    """How bad something is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    remedy
        What to do; empty where all is well, or where `found` says it.
    """

    level: Level
    what: str
    found: str
    remedy: str = ""


def examined(given: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that a service of these settings stands on, one after the other."""
    yield from _program()
    yield from _cache()
    try:
        settings = load(given, environ)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(Level.FAIL, "settings", problem)
        return
    yield Finding(Level.OK, "settings", f"for http://{settings.host}:{settings.port}")
    yield from _access(settings)
    yield from _port(settings)
    yield from _policy(settings)
    yield from _city(settings)
    yield from _ledger(settings)
    yield from _others(settings)


def run(given: Mapping[str, Any], environ: Mapping[str, str], out: TextIO, as_json: bool) -> int:
    """Print what is found as it is found; returns 0, or 1 when something fails."""
    findings: list[Finding] = []
    for finding in examined(given, environ):
        findings.append(finding)
        if not as_json:
            out.write(_line(finding))
            out.flush()
    count = {level: sum(one.level is level for one in findings) for level in Level}
    if as_json:
        out.write(json.dumps({"findings": [asdict(one) for one in findings], **count}) + "\n")
    else:
        out.write(
            f"{count[Level.OK]} well, {count[Level.WARN]} to look at, {count[Level.FAIL]} to mend\n"
        )
    return _FAILED if count[Level.FAIL] else 0


def _line(finding: Finding) -> str:
    said = f"{finding.level:4}  {finding.what:10}  {finding.found}\n"
    return said + (f"      {'':10}  -> {finding.remedy}\n" if finding.remedy else "")


# --- the machine -------------------------------------------------------------------------------


def _program() -> Iterator[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _LEAST_PYTHON:
        yield Finding(Level.FAIL, "python", running, "install Python 3.11 or newer")
    else:
        yield Finding(Level.OK, "python", running)
    wrong = list(_wrong_packages())
    for name, found, wanted in wrong:
        yield Finding(
            Level.FAIL, "packages", f"{name} {found}, needed is {wanted}", "run `make setup` again"
        )
    if not wrong:
        yield Finding(Level.OK, "packages", f"samehour {version('samehour')} has all it needs")


def _wrong_packages() -> Iterator[tuple[str, str, str]]:
    """Yield each package that is not as needed: name, what there is, what is needed."""
    for text in requires("samehour") or ():
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            yield needed.name, "is not installed", str(needed.specifier)
            continue
        if not needed.specifier.contains(found, prereleases=True):
            yield needed.name, found, str(needed.specifier)


def _cache() -> Iterator[Finding]:
    folder = cache_folder()
    if folder is None:
        yield Finding(
            Level.WARN,
            "kernels",
            "there is no folder for what is compiled: every start takes a minute",
            "set XDG_CACHE_HOME to a folder of the service's own",
        )
        return
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        yield Finding(
            Level.WARN,
            "kernels",
            f"{there} cannot be written: every start compiles for a minute",
            "set XDG_CACHE_HOME to a folder that can be written",
        )
    elif any((folder / "kernels").rglob("*.nbc")):
        yield Finding(Level.OK, "kernels", f"compiled, in {folder}")
    else:
        yield Finding(
            Level.OK, "kernels", "not compiled yet: the first start takes about a minute longer"
        )


def _port(settings: Settings) -> Iterator[Finding]:
    if settings.port == 0:
        return
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        taken = f"{settings.host}:{settings.port} cannot be had: {error.strerror}"
        yield Finding(
            Level.WARN, "port", taken, "a service runs there already, or give another with --port"
        )
    else:
        yield Finding(Level.OK, "port", f"{settings.host}:{settings.port} is free")


# --- what it is told ---------------------------------------------------------------------------


def _access(settings: Settings) -> Iterator[Finding]:
    if settings.api_key is not None:
        yield Finding(Level.OK, "access", "by key")
    else:
        yield Finding(
            Level.WARN,
            "access",
            "open to every program of this machine, and to no other machine",
            "set SAMEHOUR_API_KEY where others have accounts here",
        )


def _policy(settings: Settings) -> Iterator[Finding]:
    try:
        policy = read_policy(settings.policy)
    except SettingsError as error:
        yield Finding(Level.FAIL, "policy", str(error), "mend the file, or leave --policy out")
    else:
        yield Finding(Level.OK, "policy", policy.name)


def _city(settings: Settings) -> Iterator[Finding]:
    try:
        city = load_city(settings.city)
    except GeoError as error:
        yield Finding(Level.FAIL, "city", str(error))
        return
    yield Finding(
        Level.OK, "city", f"{city.title}, whole, {len(city.stores)} stores, {city.attribution}"
    )
    if settings.speed_profile is not None:
        yield from _profile(settings.speed_profile, city)
    if not city.stores:
        yield Finding(
            Level.WARN,
            "stores",
            f"{city.title} has none of its own",
            "register them with PUT /v1/stores/{id}",
        )


def _profile(path: Path, city: City) -> Iterator[Finding]:
    try:
        read_profile(path, city.network.classes)
    except GeoError as error:
        yield Finding(Level.FAIL, "speeds", str(error), "mend the file, or leave it out")
    else:
        yield Finding(Level.OK, "speeds", str(path))


# --- the ledger --------------------------------------------------------------------------------


def _ledger(settings: Settings) -> Iterator[Finding]:
    where = settings.ledger
    if where == ":memory:":
        yield Finding(
            Level.WARN, "ledger", "in memory: all is gone with the service", "name a file"
        )
        return
    if "://" not in where:
        yield from _disk(Path(where))
        if not Path(where).exists():
            yield Finding(Level.OK, "ledger", f"{where} is not there yet and will be made")
            return
    try:
        zones = examine(where)
    except RecordingError as error:
        yield Finding(Level.FAIL, "ledger", str(error))
        return
    known = ", ".join(f"{one.zone} with {one.events} events" for one in zones)
    yield Finding(Level.OK, "ledger", f"whole: {known or 'empty'}")
    for zone in zones:
        yield from _clock(settings, zone)


def _disk(ledger: Path) -> Iterator[Finding]:
    folder = next(path for path in ledger.absolute().parents if path.exists())
    if not os.access(folder, os.W_OK):
        yield Finding(
            Level.FAIL, "disk", f"{folder} cannot be written", "name another file with --ledger"
        )
        return
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free where the ledger is"
    if free < _LEAST_FREE_BYTES:
        yield Finding(
            Level.FAIL, "disk", said, "make room: a full disk stops the service, and loses nothing"
        )
    else:
        yield Finding(Level.OK, "disk", said)


def _clock(settings: Settings, zone: ZoneInLedger) -> Iterator[Finding]:
    """Compare the machine's clock with what happened last; a scaled clock goes on from there."""
    if settings.clock_start is not None or settings.speed != 1:
        return
    ahead_s = zone.last_at - int(time.time())
    if ahead_s > _AHEAD_S:
        yield Finding(
            Level.FAIL,
            "clock",
            f"the last fact of {zone.zone} is of {to_rfc3339(zone.last_at)}, {ahead_s} s ahead of "
            "this machine",
            "set the machine's clock, or give the service the ledger of this clock",
        )
    else:
        yield Finding(Level.OK, "clock", f"after the last fact of {zone.zone}")


# --- others ------------------------------------------------------------------------------------


def _others(settings: Settings) -> Iterator[Finding]:
    """Knock at every server that is asked for something; nobody is asked anything yet."""
    for spec in settings.travel_servers:
        what = f"{spec.kind} server for {spec.mode} at {spec.host}:{spec.port}"
        yield _knock(what, spec.host, spec.port, "our own network answers until it is there")
    for company in settings.courier_companies:
        parts = urlsplit(company.url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        what = f"courier company {company.name} at {host}:{port}"
        yield _knock(what, host, port, "no order can be given to it until then")


def _knock(what: str, host: str, port: int, meanwhile: str) -> Finding:
    try:
        socket.create_connection((host, port), timeout=_REACHED_WITHIN_S).close()
    except OSError as error:
        why = error.strerror or str(error)
        return Finding(Level.WARN, "outside", f"{what} does not answer: {why}", meanwhile)
    return Finding(Level.OK, "outside", f"{what} answers")
