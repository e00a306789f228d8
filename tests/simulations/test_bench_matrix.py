"""The benchmark of travel times: it compares before it times, and says what it misses."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat
from simulations.benchmarks import matrix
from simulations.benchmarks.matrix import DifferentAnswerError, Row
from simulations.benchmarks.tiling import tiled


@pytest.mark.soak
def test_the_benchmark_runs_on_a_city_and_its_exit_code_is_that_of_its_gates() -> None:
    command = [sys.executable, "-m", "samehour", "bench", "matrix", "--city", "helsinki"]
    done = subprocess.run(
        [*command, "--mode", "bike", "--rounds", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    rows = {(row["what"], row["peer"]): row for row in figures["rows"]}
    gates = {(what, peer): row["gate"] for (what, peer), row in rows.items() if row["gate"]}
    assert gates == {
        ("table 1000 x 1000, times", "scipy Dijkstra"): 60,
        ("table 1000 x 1000, times", "routingkit-cch"): 4,
        ("all weights anew", "routingkit-cch"): 0.5,
        ("20 stores x 1000 doors", "scipy Dijkstra"): 8,
        ("10000 snaps", "shapely STRtree"): 10,
        ("loading the city", "OSMnx, GraphML"): 500,
    }
    missed = any(row["ratio"] < row["gate"] for row in rows.values() if row["gate"])
    assert done.returncode == int(missed), done.stderr
    assert done.stdout.count("MISSED") == sum(
        row["ratio"] < row["gate"] for row in rows.values() if row["gate"]
    )
    assert figures["facts"]["states"] > figures["facts"]["junctions"] / 2
    assert all(figures["facts"][part] > 0 for part in ("roads_mb", "hierarchy_mb", "weights_mb"))


def test_a_city_that_is_not_there_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "samehour", "bench", "matrix", "--city", "atlantis"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no city 'atlantis'" in done.stderr


def test_a_peer_that_is_not_installed_is_named() -> None:
    script = (
        "import sys; sys.modules['routingkit_cch'] = None; import samehour; "
        "sys.exit(samehour.main(['bench', 'matrix', '--city', 'helsinki', '--rounds', '1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs routingkit_cch, which is not installed" in done.stderr


def test_other_answers_than_a_peer_s_are_no_benchmark() -> None:
    ours, theirs = np.array([[1, 2]], np.int32), np.array([[1, 3]], np.int32)
    with pytest.raises(DifferentAnswerError, match="1 of 2 times differ from those of scipy"):
        matrix._compare(ours, theirs, "scipy")


@pytest.mark.parametrize(("peer_ms", "is_missed"), [(100.0, False), (99.0, True), (None, True)])
def test_a_gate_is_missed_below_its_ratio(peer_ms: float | None, is_missed: bool) -> None:
    assert Row("x", 10.0, "peer", peer_ms, gate=10).is_missed is is_missed


def test_a_tiled_city_is_one_connected_city(helsinki: City) -> None:
    one = helsinki.network
    four = tiled(one, 4, one.classes.index("tertiary"))
    assert four.node_count == 4 * one.node_count
    assert four.modes == one.modes
    low, high = one.arrays.node_e7.min(axis=0), one.arrays.node_e7.max(axis=0)
    step = (high - low) / 1e7 + 0.002
    here = helsinki.doors.location(0)
    far = LonLat(here.lon + step[0], here.lat + step[1])
    travel = NetworkTravelTimes(four)
    for mode in sorted(four.modes):
        there_and_back = travel.matrix([here, far], [far, here], mode, 0).duration_s
        assert there_and_back.max() < UNREACHABLE_S
        within = travel.matrix([here], [helsinki.doors.location(9)], mode, 0).duration_s[0, 0]
        alone = NetworkTravelTimes(one).matrix([here], [helsinki.doors.location(9)], mode, 0)
        assert within <= alone.duration_s[0, 0]
