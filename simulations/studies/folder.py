"""A study on disk: written piece by piece, so that what is done is never lost.

study.json                     what it is: variant, scenario, policy, city, code, seeds
replications/seed-7/           one evening: orders, couriers and minutes as Parquet,
                               replication.json; log and playback until the middle is known
orders.parquet, ...            all evenings together, once they are done
middle-7/                      log and playback of the evening nearest the middle
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from dispatch.codec import event_from_json, event_to_json
from dispatch.events import Recorded
from simulations.errors import SimulationError, StudyMismatchError
from simulations.folders import LOCK, held, write_json
from simulations.studies import parquet
from simulations.studies.identity import JSON, SHOWN_ONLY, Identity
from simulations.studies.outcome import CourierSpan, Evening, Minute, OrderRow
from simulations.studies.study import Playback, Ran, Replication, Study, Table
from simulations.studies.summing_up import distributions_of, estimates_of, middle_of

FORMAT: Final = "samehour-study"
FORMAT_VERSION: Final = 1
HOME: Final = Path(".samehour") / "studies"
"""Where studies are kept unless a folder is named."""

_ABOUT: Final = "study.json"
_OURS: Final = (_ABOUT, "replications", "middle-*", ".middle-*", "*.parquet", "report.html")
_VALUE_LENGTH: Final = 60
_DIFFERENCES_SHOWN: Final = 5
_TABLES: Final[Mapping[str, parquet.Columns]] = {
    "orders": parquet.ORDERS,
    "couriers": parquet.COURIERS,
    "minutes": parquet.MINUTES,
}


class StudyFolder:
    """A folder that one process writes a study into."""

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self.identity = identity

    # --- beginning -----------------------------------------------------------------------------

    @contextmanager
    def held(self, *, fresh: bool) -> Iterator[None]:
        """Hold the folder for as long as it is worked in.

        Parameters
        ----------
        fresh
            Forget what is there.

        Raises
        ------
        StudyMismatchError
            Another study is in it; the message names what differs.
        SimulationError
            It cannot be written, another process works in it, or it holds something else.
        """
        with held(self.path, "--out"):
            self._begin(fresh=fresh)
            yield

    def _begin(self, *, fresh: bool) -> None:
        about = self.path / _ABOUT
        others = [path.name for path in self.path.iterdir() if path.name != LOCK]
        if others and not about.exists():
            raise SimulationError(
                f"{self.path} has other things in it ({min(others)}); name an empty folder with "
                "--out"
            )
        if fresh:
            for pattern in _OURS:
                for path in self.path.glob(pattern):
                    _remove(path)
        if about.exists():
            self._check(_about(self.path))
        else:
            self._write_about(wanted=0, first_seed=0, middle=None, failed={})
        for left in self.path.glob("replications/.*"):
            _remove(left)

    def _check(self, found: dict[str, Any]) -> None:
        mine = self.identity.as_json()
        theirs = found["identity"]
        differs = [
            f"{key}: {_short(a)}, now {_short(b)}"
            for key, (a, b) in _differences(theirs, mine)
            if key not in SHOWN_ONLY
        ]
        if differs:
            more = len(differs) - _DIFFERENCES_SHOWN
            shown = "; ".join(differs[:_DIFFERENCES_SHOWN]) + (
                f"; and {more} more" if more > 0 else ""
            )
            raise StudyMismatchError(
                f"the study in {self.path} is another one ({shown}). Begin anew with --fresh, or "
                "keep both: name another folder with --out"
            )

    def _write_about(
        self, *, wanted: int, first_seed: int, middle: int | None, failed: Mapping[int, str]
    ) -> None:
        write_json(
            self.path / _ABOUT,
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "digest": self.identity.digest,
                "wanted": wanted,
                "first_seed": first_seed,
                "middle": middle,
                "failed": {str(seed): text for seed, text in sorted(failed.items())},
                "identity": self.identity.as_json(),
            },
        )

    # --- evening by evening --------------------------------------------------------------------

    def is_done(self, seed: int) -> bool:
        """Tell whether an evening is there, whole."""
        return (_place(self.path, seed) / "replication.json").is_file()

    def keep(self, ran: Ran) -> None:
        """Write an evening; it is there whole or not at all."""
        place = _place(self.path, ran.evening.seed)
        partial_place = place.with_name(f".{place.name}-{os.getpid()}")
        partial_place.mkdir(parents=True)
        rows: dict[str, Sequence[Any]] = {
            "orders": ran.evening.orders,
            "couriers": ran.evening.spans,
            "minutes": ran.evening.minutes,
        }
        for name, columns in _TABLES.items():
            parquet.write(parquet.table_of(rows[name], columns), partial_place / f"{name}.parquet")
        _write_log(partial_place / "log.jsonl.zst", ran.log)
        _write_packed(partial_place / "playback.json.zst", JSON.unstructure(ran.playback))
        write_json(partial_place / "replication.json", JSON.unstructure(ran.replication))
        if place.exists():
            _remove(place)
        partial_place.rename(place)

    def has_log(self, seed: int) -> bool:
        """Tell whether the log of an evening is kept."""
        return any((place / "log.jsonl.zst").is_file() for place in _log_places(self.path, seed))

    # --- the end -------------------------------------------------------------------------------

    def middle(self, seeds: Sequence[int]) -> int:
        """Return the seed of the evening nearest the middle of those that are done."""
        return middle_of([_replication(self.path, seed) for seed in seeds])

    def finish(self, wanted: Sequence[int], failed: Mapping[int, str]) -> None:
        """Put all evenings together, and keep the log of the one nearest the middle only.

        Parameters
        ----------
        wanted
            All seeds asked for, ascending; the log of the middle one must be there.
        failed
            What went wrong, by seed.
        """
        seeds = [seed for seed in wanted if self.is_done(seed)]
        middle = self.middle(seeds)
        # A report of what was here before would be none of what is here now.
        (self.path / "report.html").unlink(missing_ok=True)
        for name in _TABLES:
            tables = [parquet.read(_place(self.path, seed) / f"{name}.parquet") for seed in seeds]
            parquet.write(parquet.merged(tables, seeds), self.path / f"{name}.parquet")
        done = [_replication(self.path, seed) for seed in seeds]
        parquet.write(
            parquet.figures_table([one.figures for one in done], seeds),
            self.path / "figures.parquet",
        )
        kept = self.path / f"middle-{middle}"
        if not kept.exists():
            for other in self.path.glob("middle-*"):
                _remove(other)
            partial_place = self.path / f".middle-{os.getpid()}"
            partial_place.mkdir()
            for name in ("log.jsonl.zst", "playback.json.zst"):
                shutil.copyfile(_place(self.path, middle) / name, partial_place / name)
            partial_place.rename(kept)
        self._write_about(wanted=len(wanted), first_seed=wanted[0], middle=middle, failed=failed)
        for place in self.path.glob("replications/seed-*"):
            for name in ("log.jsonl.zst", "playback.json.zst"):
                (place / name).unlink(missing_ok=True)


def open_study(path: Path) -> Study:
    """Read a study that has come to its end.

    Raises
    ------
    SimulationError
        There is none, it was stopped before its end, or it is damaged.
    """
    about = _about(path)
    if about["middle"] is None:
        raise SimulationError(
            f"the study in {path} was stopped before its end; run its command again"
        )
    seeds = list(range(about["first_seed"], about["first_seed"] + about["wanted"]))
    done = [seed for seed in seeds if (_place(path, seed) / "replication.json").is_file()]
    replications = tuple(_replication(path, seed) for seed in done)
    identity = JSON.structure(about["identity"], Identity)
    middle = int(about["middle"])
    return Study(
        folder=path,
        variant=identity.variant,
        scenario=identity.scenario,
        policy=identity.policy,
        city=identity.city,
        city_title=identity.city_title,
        time_zone=identity.time_zone,
        attribution=identity.attribution,
        version=identity.version,
        code=identity.code,
        digest=about["digest"],
        wanted=about["wanted"],
        replications=replications,
        failed={int(seed): text for seed, text in about["failed"].items()},
        estimates=estimates_of(replications),
        distributions=distributions_of(
            [parquet.read(_place(path, seed) / "orders.parquet") for seed in done]
        ),
        middle=middle,
        load_evening=partial(_evening, path),
        load_log=partial(_log, path, middle),
        load_playback=partial(_playback, path, middle),
        load_orders=partial(_orders, path),
    )


# --- pieces ------------------------------------------------------------------------------------


def _place(path: Path, seed: int) -> Path:
    return path / "replications" / f"seed-{seed}"


def _log_places(path: Path, seed: int) -> tuple[Path, Path]:
    return _place(path, seed), path / f"middle-{seed}"


def _about(path: Path) -> dict[str, Any]:
    found = read_json(path / _ABOUT)
    if found.get("format") != FORMAT or found.get("format_version") != FORMAT_VERSION:
        raise SimulationError(
            f"{path / _ABOUT} is no study of this version; begin anew with --fresh, or name "
            "another folder with --out"
        )
    return found


def _replication(path: Path, seed: int) -> Replication:
    return JSON.structure(read_json(_place(path, seed) / "replication.json"), Replication)


def _evening(path: Path, seed: int) -> Evening:
    one = _replication(path, seed)
    place = _place(path, seed)
    return Evening(
        seed=seed,
        starts_at=one.starts_at,
        measured_from=one.measured_from,
        measured_until=one.measured_until,
        ends_at=one.ends_at,
        orders=parquet.rows_of(parquet.read(place / "orders.parquet"), OrderRow),
        spans=parquet.rows_of(parquet.read(place / "couriers.parquet"), CourierSpan),
        minutes=parquet.rows_of(parquet.read(place / "minutes.parquet"), Minute),
        figures=dict(one.figures),
        refused_commands=dict(one.refused_commands),
        breaches=one.breaches,
    )


def _orders(path: Path) -> Table:
    return parquet.read(path / "orders.parquet")


def _log(path: Path, middle: int) -> tuple[Recorded, ...]:
    text = _read_packed(path / f"middle-{middle}" / "log.jsonl.zst").decode()
    return tuple(
        Recorded(zone_id, seq, at, event_from_json(name, event))
        for zone_id, seq, at, name, event in map(json.loads, text.splitlines())
    )


def _playback(path: Path, middle: int) -> Playback:
    packed = _read_packed(path / f"middle-{middle}" / "playback.json.zst")
    return JSON.structure(json.loads(packed), Playback)


def _write_log(path: Path, log: Sequence[Recorded]) -> None:
    lines = (
        json.dumps(
            [r.zone_id, r.seq, r.at, type(r.event).__name__, event_to_json(r.event)],
            separators=(",", ":"),
        )
        for r in log
    )
    _write_bytes(path, "\n".join(lines).encode())


def _write_packed(path: Path, value: object) -> None:
    _write_bytes(path, json.dumps(value, separators=(",", ":")).encode())


def _write_bytes(path: Path, text: bytes) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        file.write(text)


def _read_packed(path: Path) -> bytes:
    try:
        with pa.CompressedInputStream(str(path), "zstd") as file:
            return bytes(file.read())
    except (OSError, pa.ArrowInvalid) as error:
        raise SimulationError(f"{path} is missing or damaged; run it anew with --fresh") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises `SimulationError` where there is none, or a damaged one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SimulationError(f"{path} does not exist; is it a study's folder?") from error
    except (OSError, ValueError) as error:
        raise SimulationError(f"{path} is damaged; run it anew with --fresh") from error
    if not isinstance(found, dict):
        raise SimulationError(f"{path} is damaged; run it anew with --fresh")
    return found


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _differences(a: Any, b: Any, key: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield where two JSON values differ, by dotted key."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in {**a, **b}:
            yield from _differences(a.get(name), b.get(name), f"{key}.{name}" if key else name)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _differences(x, y, f"{key}.{index}")
    elif a != b:
        yield key, (a, b)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 1]}…"
