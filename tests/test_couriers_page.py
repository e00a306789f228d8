"""What the couriers' page shows is run as it stands."""

from __future__ import annotations

import json
from pathlib import Path

from test_documentation import bin_on_path, run_page

__all__ = ["bin_on_path"]


def test_couriers_do_what_their_page_says(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    said = run_page("couriers.md", tmp_path, bin_on_path).stdout
    answers, rest, decoder = [], said, json.JSONDecoder()
    while (begin := rest.find("{")) >= 0:
        answer, end = decoder.raw_decode(rest[begin:])
        answers.append(answer)
        rest = rest[begin + end :]
    phone = next(row["phone"] for row in answers if "phone" in row)
    assert phone == "+358…67"
    batches = [row for row in answers if "late" in row]
    assert [(row["accepted"], row["late"]) for row in batches] == [(1, 0), (2, 2)]
    offer = next(row["offer"] for row in answers if row.get("offer"))
    assert offer["allowed"] == ["accept", "decline"]
    reports = [row["events"] for row in answers if "events" in row]
    assert reports[0][:2] == ["OfferAccepted", "StopCommitted"]
    assert reports[1][:2] == ["ProofTaken", "ParcelPickedUp"]
    assert reports[2][:4] == ["StopArrived", "ProofTaken", "ProofTaken", "OrderDelivered"]
    seen = next(row for row in answers if "acknowledged_version" in row and "version" in row)
    assert seen["acknowledged_version"] == seen["version"] > 0
    proofs = next(row["data"] for row in answers if "data" in row)
    assert [row["kind"] for row in proofs] == ["note", "pin", "photo"]
    assert (tmp_path / "picture.png").read_bytes() == (tmp_path / "door.png").read_bytes()
    assert "Brought by cou_veli delivered." in said
    stops = [row["stops"] for row in answers if "stops" in row]
    assert stops[-1][0]["name"] == "bag of Aino"
    handed, resting, working, planned = answers[-4:]
    assert (handed["on_board"], handed["stranded"]) == ([], None)
    assert resting["break"]["ends_at"] is not None
    assert working["break"] is None
    assert planned["shift"]["break"]["duration_s"] == 1800
