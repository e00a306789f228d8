"""What `samehour replay` does, from a ledger to a report."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dispatch.codec import to_rfc3339
from dispatch.model import Policy
from dispatch.recording import Recording, RecordingError
from geo.city import City
from geo.edition import edition
from geo.errors import GeoError
from geo.progress import shown, stage
from simulations.compiling import compile_all
from simulations.errors import ReplayError, SimulationError
from simulations.load.wanted import checked_url
from simulations.replays.as_json import as_json
from simulations.replays.asked import city_of, moment
from simulations.replays.calibration import calibrate
from simulations.replays.changes import Fleet, changed, parse_fleet
from simulations.replays.cli import ReadLedger
from simulations.replays.day import Day, day_of
from simulations.replays.folder import HOME, ReplayFolder, digest_of
from simulations.replays.found import Found, WhatIf
from simulations.replays.learn import learn
from simulations.replays.learned import Learned, speeds_toml, to_toml
from simulations.replays.replay import Outcome, Replay
from simulations.replays.text import told
from simulations.replays.whatif import as_it_was, changes, lived
from simulations.scenarios.policies import load_policy
from simulations.studies.outcome import Evening
from simulations.studies.statistics import differences
from simulations.studies.verdict import verdict
from simulations.worlds.happenings import Happenings, happenings_of

_CODE: Final = ("geo", "dispatch", "simulations")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be otherwise."""

    policy_name: str | None
    policy: Policy | None
    fleet: Fleet
    reach_s: int | None
    replications: int

    @property
    def is_any(self) -> bool:
        return self.policy is not None or self.fleet != Fleet() or self.reach_s is not None

    @property
    def said(self) -> str:
        parts = [f"policy {self.policy_name}"] if self.policy_name is not None else []
        parts += [f"couriers {self.fleet.said}"] if self.fleet != Fleet() else []
        parts += [f"every store reaching {self.reach_s} s"] if self.reach_s is not None else []
        return ", ".join(parts)


def run(arguments: argparse.Namespace, read_ledger: ReadLedger) -> int:
    """Replay and print; returns 0, 1 when it differs or was stopped, 2 for wrong input."""
    try:
        with shown():
            return _run(arguments, read_ledger)
    except (SimulationError, RecordingError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from there\n")
        return 1


def _run(arguments: argparse.Namespace, read_ledger: ReadLedger) -> int:
    # What can be wrong with the words comes before anything that takes long.
    wish = _Wish(
        policy_name=arguments.policy,
        policy=None if arguments.policy is None else load_policy(arguments.policy),
        fleet=parse_fleet(arguments.couriers),
        reach_s=arguments.reach,
        replications=arguments.replications,
    )
    push_to = None if arguments.push is None else checked_url(arguments.push)
    with stage("reading the ledger"):
        recording = read_ledger(arguments.ledger, arguments.zone)
    city = city_of(arguments.city, recording)
    since = moment(arguments.since, "--from", city.time_zone)
    until = moment(arguments.until, "--to", city.time_zone)
    if since is not None and until is not None and since >= until:
        raise ReplayError(f"--to {arguments.until} is not after --from {arguments.since}")
    key = digest_of(recording.zone, _first(recording), edition(_CODE), since, until)
    folder = ReplayFolder(arguments.out or _home(recording, key), key, recording.events)
    with folder.held(fresh=arguments.fresh):
        found = _find(recording, city, folder, wish, since, until)
        where = _written(found, folder, report=arguments.report)
    sys.stdout.write(told(found))
    if arguments.learn is not None:
        sys.stdout.write(_kept(found.learned, arguments.learn))
    if push_to is not None:
        from simulations.replays.push import push  # noqa: PLC0415 - with it comes the HTTP client

        key_of_service = os.environ.get("SAMEHOUR_API_KEY") or None
        sys.stdout.write(push(found.learned, push_to, key_of_service, recording.zone))
    sys.stdout.write(f"  {where}\n")
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(found)) + "\n")
    return 0 if found.exact is None or found.exact.is_identical else 1


def _find(
    recording: Recording,
    city: City,
    folder: ReplayFolder,
    wish: _Wish,
    since: int | None,
    until: int | None,
) -> Found:
    exact, why_not = None, ""
    try:
        exact = _exactly(recording, city, folder, since, until)
    except ReplayError as error:
        why_not = str(error)
    with stage("what was forecast, and what happened"):
        happened = happenings_of(recording.events)
        begins, ends = recording.events[0].at, recording.events[-1].at
        begins_at, ends_at = max(begins, since or begins), min(ends, until or ends)
        calibration = calibrate(_within(happened, begins_at, ends_at), city.time_zone)
        learned = learn(
            happened,
            f"{recording.where}, {to_rfc3339(happened.begins_at)} to "
            f"{to_rfc3339(happened.ends_at)}",
        )
    what_if = None
    if wish.is_any:
        compile_all(sys.stderr)
        day = day_of(recording, happened, city, learned=learned, since=since, until=until)
        what_if = _what_if(day, recording, city, folder, wish)
    return Found(
        recording=recording,
        city=city,
        since=begins_at,
        until=ends_at,
        exact=exact,
        why_not=why_not,
        was=as_it_was(recording, begins_at, ends_at),
        calibration=calibration,
        learned=learned,
        what_if=what_if,
    )


def _exactly(
    recording: Recording,
    city: City,
    folder: ReplayFolder,
    since: int | None,
    until: int | None,
) -> Outcome:
    replay = Replay(recording, city, since=since, until=until, mark=folder.mark())
    compile_all(sys.stderr)
    with stage("living the day again") as report:
        outcome = replay.run(report, folder.keep)
    folder.finish(replay.mark)
    return outcome


def _what_if(
    day: Day, recording: Recording, city: City, folder: ReplayFolder, wish: _Wish
) -> WhatIf:
    other = changed(day, wish.fleet, wish.reach_s)
    policy = day.policy if wish.policy is None else wish.policy
    base = digest_of(day.starts_at, day.ends_at, day.orders, repr(day.policy), edition(_CODE))
    sides = {
        f"as-it-was-{base}": (day, day.policy),
        f"otherwise-{digest_of(base, repr(policy), wish.said)}": (other, policy),
    }
    runs: dict[str, list[Evening]] = {name: [] for name in sides}
    total = len(sides) * wish.replications
    with stage("the day in a model") as report:
        done = 0
        for seed in range(wish.replications):
            for name, (lives, under) in sides.items():
                evening = folder.run(name, seed)
                if evening is None:
                    evening, _ = lived(
                        lives, recording, city, under, seed, _part(report, done, total)
                    )
                    folder.keep_run(name, evening)
                runs[name].append(evening)
                done += 1
                report(done / total)
    before, after = runs.values()
    found = differences(_figures(before), _figures(after))
    return WhatIf(
        said=wish.said,
        day=day,
        policy=policy,
        before=tuple(before),
        after=tuple(after),
        differences=found,
        verdict=tuple(_worded(sentence) for sentence in verdict(found)),
        changed=changes(before[0], after[0]),
    )


def _part(report: Callable[[float], None], done: int, total: int) -> Callable[[float], None]:
    return lambda share: report((done + share) / total)


def _figures(evenings: Sequence[Evening]) -> dict[str, list[float | None]]:
    return {name: [one.figures[name] for one in evenings] for name in evenings[0].figures}


def _worded(sentence: str) -> str:
    """Return a sentence of a comparison about one day in a model, not about many evenings."""
    return sentence.replace("evenings", "draws").replace("evening", "draw")


def _within(happened: Happenings, since: int, until: int) -> Happenings:
    """Return what was forecast in a span."""
    return Happenings(
        picks=[one for one in happened.picks if since <= one.started_at <= until],
        ways=[one for one in happened.ways if since <= one.left_at <= until],
        handovers=[one for one in happened.handovers if since <= one.begun_at <= until],
        readies=[one for one in happened.readies if since <= one.told_at <= until],
        promises=[one for one in happened.promises if since <= one.made_at <= until],
        stores=happened.stores,
        modes=happened.modes,
        begins_at=since,
        ends_at=until,
    )


# --- what is asked -------------------------------------------------------------------------------


def _first(recording: Recording) -> list[object]:
    first = recording.events[0]
    return [first.at, type(first.event).__name__, *(began.at for began in recording.beginnings[:1])]


def _home(recording: Recording, key: str) -> Path:
    name = Path(recording.where).stem if "://" not in recording.where else "database"
    return HOME / f"{recording.zone}-{name}-{key}"


# --- what is said --------------------------------------------------------------------------------


def _written(found: Found, folder: ReplayFolder, *, report: bool) -> Path:
    runs = []
    if found.what_if is not None:
        runs = [("as it was", one) for one in found.what_if.before]
        runs += [("otherwise", one) for one in found.what_if.after]
    folder.write_orders(found.was, runs)
    folder.write(as_json(found))
    if not report:
        return folder.path
    from simulations.replays.report import write_replay  # noqa: PLC0415 - with it come the charts

    path = folder.path / "report.html"
    write_replay(found, path)
    return path


def _kept(learned: Learned, path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_toml(learned), encoding="utf-8")
        said = f"  learned: {path}"
        speeds = speeds_toml(learned)
        if speeds is not None:
            beside = path.with_name(f"{path.stem}.speeds.toml")
            beside.write_text(speeds, encoding="utf-8")
            said += f" and {beside}"
    except OSError as error:
        raise ReplayError(f"{path} cannot be written: {error.strerror}") from error
    return said + "\n"
