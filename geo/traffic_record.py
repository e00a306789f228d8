"""Versions of the traffic as bytes, to have the very same travel times again another day.

A version is kept as what its times are worked out from: the profile, the readings, the closures.
Written down as the difference from an earlier version it is small: from one minute to the next
little of it is another.  The arrays are a NumPy `.npz`, deflated.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.errors import TrafficError
from geo.network import RoadNetwork
from geo.profiles import SpeedProfile
from geo.traffic_weights import Closed, Live, Makings, TrafficWeights
from geo.types import Mode
from geo.weights import FreeFlow, Weights

_FORMAT: Final = 1
_META: Final = "meta"


def pack(weights: Weights, base: TrafficWeights | None = None) -> bytes:
    """Return a version of the traffic as bytes.

    Parameters
    ----------
    weights
        Of our own network: `TrafficWeights`, or `FreeFlow`.
    base
        An earlier version to say only the difference from; None says all of it.

    Raises
    ------
    TypeError
        The weights are of another kind.
    """
    meta: dict[str, Any] = {"format": _FORMAT, "version": weights.version}
    arrays: dict[str, NDArray[Any]] = {}
    if isinstance(weights, TrafficWeights):
        before = None if base is None else base.makings
        meta |= {"base": None if base is None else base.version}
        _pack_makings(weights.makings, before, meta, arrays)
    elif not isinstance(weights, FreeFlow):
        raise TypeError(f"{type(weights).__name__} are no weights that can be written down")
    arrays[_META] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)  # type: ignore[arg-type]
    return written.getvalue()


def base_of(data: bytes) -> str | None:
    """Return the name of the version that `data` is the difference from, None when it is whole.

    Raises
    ------
    TrafficError
        It cannot be read.
    """
    with _opened(data) as (meta, _):
        base: str | None = meta.get("base")
        return base


def unpack(data: bytes, network: RoadNetwork, base: TrafficWeights | None = None) -> Weights:
    """Return the weights that `pack` wrote down.

    Parameters
    ----------
    network
        The roads they are for.
    base
        The version `base_of` names.

    Raises
    ------
    TrafficError
        It cannot be read, or makes other times with this network: the city was built anew.
    """
    made: Weights
    with _opened(data) as (meta, arrays):
        if "zone" not in meta:
            made = FreeFlow(network)
        else:
            made = _unpacked(meta, arrays, network, None if base is None else base.makings)
        if made.version != meta["version"]:
            raise TrafficError(
                f"the travel times {meta['version']} cannot be had again: this city makes "
                f"{made.version} of them, so it was built anew since"
            )
    return made


# --- the parts -----------------------------------------------------------------------------------


def _pack_makings(
    now: Makings, before: Makings | None, meta: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    meta["zone"] = now.zone
    meta["applied_at"] = now.applied_at
    meta["half_life_s"] = now.half_life_s
    meta["classes"] = list(now.profile.classes)
    meta["closed"] = [
        {"until": one.until, "modes": sorted(one.modes), "edges": one.edges.tolist()}
        for one in now.closed
    ]
    if not now.profile.is_flat:
        factor = now.profile.factor.ravel()
        known = None if before is None else before.profile.factor.ravel()
        if known is None or known.shape != factor.shape:
            known = np.ones_like(factor)
        changed = np.flatnonzero(factor != known)
        arrays["profile.cell"], arrays["profile.factor"] = changed, factor[changed]
        meta["profile"] = list(now.profile.factor.shape)
    meta["live"] = sorted(now.live)
    for mode in now.live:
        _pack_live(now.live[mode], _readings(before, mode), f"live.{mode}", arrays)


def _pack_live(now: Live, known: Live, name: str, arrays: dict[str, NDArray[Any]]) -> None:
    kept, of_now, of_known = np.intersect1d(
        now.arc, known.arc, assume_unique=True, return_indices=True
    )
    same = np.ones(len(kept), dtype=bool)
    for values, before in zip(now[1:], known[1:], strict=True):
        same &= values[of_now] == before[of_known]
    other = np.ones(len(now.arc), dtype=bool)
    other[of_now[same]] = False
    arrays[f"{name}.gone"] = np.setdiff1d(known.arc, now.arc, assume_unique=True)
    for field, values in zip(Live._fields, now, strict=True):
        arrays[f"{name}.{field}"] = values[other]


def _unpacked(
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    network: RoadNetwork,
    before: Makings | None,
) -> TrafficWeights:
    profile = SpeedProfile.flat(meta["classes"])
    if "profile" in meta:
        factor = np.ones(meta["profile"])
        if before is not None and before.profile.factor.shape == factor.shape:
            factor = before.profile.factor.copy()
        factor.reshape(-1)[arrays["profile.cell"]] = arrays["profile.factor"]
        profile = SpeedProfile(factor, tuple(meta["classes"]))
    return TrafficWeights(
        network,
        ZoneInfo(meta["zone"]),
        profile,
        meta["applied_at"],
        meta["half_life_s"],
        {
            Mode(mode): _unpacked_live(arrays, f"live.{mode}", _readings(before, Mode(mode)))
            for mode in meta["live"]
        },
        [
            Closed(
                np.array(one["edges"], dtype=np.int64),
                frozenset(Mode(mode) for mode in one["modes"]),
                one["until"],
            )
            for one in meta["closed"]
        ],
    )


def _unpacked_live(arrays: Mapping[str, NDArray[Any]], name: str, known: Live) -> Live:
    fresh = Live(*(arrays[f"{name}.{field}"] for field in Live._fields))
    stays = ~np.isin(known.arc, np.concatenate([arrays[f"{name}.gone"], fresh.arc]))
    joined = [np.concatenate([old[stays], new]) for old, new in zip(known, fresh, strict=True)]
    ascending = np.argsort(joined[0], kind="stable")
    return Live(*(values[ascending] for values in joined))


def _readings(makings: Makings | None, mode: Mode) -> Live:
    if makings is not None and mode in makings.live:
        return makings.live[mode]
    no_arc = np.zeros(0, dtype=np.int64)
    nothing = np.zeros(0, dtype=np.float64)
    return Live(no_arc, no_arc, nothing, nothing)


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[dict[str, Any], Mapping[str, NDArray[Any]]]]:
    """Open what `pack` wrote; an array is read when it is asked for.

    Raises
    ------
    TrafficError
        Something is wrong with it, whether found at once or by whoever reads it inside.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            yield _meta(arrays), arrays
    except TrafficError:
        raise
    except Exception as error:  # a torn archive fails in dozens of ways
        raise TrafficError(f"a version of the traffic is damaged ({error!r})") from error


def _meta(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads(arrays[_META].tobytes())
    if meta.get("format") != _FORMAT:
        raise TrafficError(
            f"a version of the traffic has format {meta.get('format')}, this samehour reads "
            f"{_FORMAT}; use the samehour that wrote it"
        )
    return meta
