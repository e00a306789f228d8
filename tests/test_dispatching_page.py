"""What the page about overruling the engine shows is run as it stands."""

from __future__ import annotations

import json
from pathlib import Path

from test_documentation import bin_on_path, run_page

__all__ = ["bin_on_path"]


def test_a_dispatcher_does_what_the_page_says(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    said = run_page("dispatching.md", tmp_path, bin_on_path).stdout
    answers, rest, decoder = [], said, json.JSONDecoder()
    while (begin := rest.find("{")) >= 0:
        answer, end = decoder.raw_decode(rest[begin:])
        answers.append(answer)
        rest = rest[begin + end :]
    held, released, assigned, fixed, freed, audit, undone, preview, controls, ended, why = answers
    assert (held["hold"]["owner"], released["hold"]) == ("ops:maria", None)
    assert assigned["lock"]["courier_id"] == "cou_veli"
    assert len(fixed["lock"]["stop_ids"]) == 4
    assert freed["lock"] is None
    assert "The second edit got 412." in said
    kinds = [row["kind"] for row in audit["data"]]
    assert kinds == ["UnlockOrder", "LockOrder", "ReleaseHold", "HoldOrder"]
    assert undone["events"][:2] == ["ActionUndone", "OrderLocked"]
    assert (preview["orders"], preview["lost"], preview["lost_basket_cents"]) == (2, 1, 1290)
    assert "A small basket: below_minimum_basket." in said
    assert [row["kind"] for row in controls["data"]] == ["minimum_basket"]
    assert ended["reason"] == "rain"
    assert [decision["kind"] for decision in why["decisions"]] == ["lock"]
    assert "Locked to veli by ops:maria" in why["sentence"]
