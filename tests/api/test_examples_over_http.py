"""The API document's examples are true: the day they are of is lived again, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest
from companies import running_company
from conftest import over
from receiver import receiving
from told_asking import Day, started
from told_day import live

from api.examples import Example, examples

Operation = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Lived:
    """What was asked and answered today, and the document of the service that answered."""

    told: dict[str, Example]
    document: dict[str, Any]

    @property
    def operations(self) -> list[Operation]:
        return [
            (f"{method.upper()} {path}", operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]

    def problems_of(self, schema: dict[str, Any], value: Any) -> list[str]:
        """Return where a value is not as a schema of the document says."""
        whole = {**schema, "components": self.document.get("components", {})}
        return [
            f"{error.instance_path}: {error.message[:200]}"
            for error in jsonschema_rs.validator_for(whole).iter_errors(value)
        ]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("day")
    with running_company(folder) as company, receiving() as receiver:
        town = started(folder, company)
        try:
            day = Day(town, receiver.url())
            live(day)
            document = town.get("/openapi.json")
            day.http.close()
            yield Lived(day.told, document)
            over(town)
        finally:
            town.kill()


MAPS = {"/answer/terms"}
"""Where keys are names of things, of which there are some on one day and others on the next."""


def differences(shown: Any, real: Any, where: str = "") -> list[str]:
    """Return where two values have not the same keys or kinds; null stands for anything."""
    if shown is None or real is None:
        return []
    if isinstance(shown, dict) and isinstance(real, dict):
        others = set() if where in MAPS else shown.keys() ^ real.keys()
        found = [f"{where}/{name}" for name in sorted(others)]
        for name in shown.keys() & real.keys():
            found += differences(shown[name], real[name], f"{where}/{name}")
        return found
    if isinstance(shown, list) and isinstance(real, list):
        return differences(shown[0], real[0], f"{where}/0") if shown and real else []
    return [] if kind(shown) == kind(real) else [f"{where}: {shown!r} {real!r}"]


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_every_operation_is_asked_and_answered_in_the_document_and_today(lived: Lived) -> None:
    operations = {operation for operation, _ in lived.operations}
    assert len(operations) > 100
    again = "write them anew: python scripts/api_examples.py --write"
    assert sorted(operations ^ lived.told.keys()) == [], "tell of it in tests/api/told_day.py"
    assert sorted(operations ^ examples().keys()) == [], again


def test_every_operation_shows_what_it_needs_and_what_it_answers(lived: Lived) -> None:
    lacking = []
    for name, operation in lived.operations:
        lacking += [
            f"{name}: parameter {parameter['name']}"
            for parameter in operation.get("parameters", [])
            if parameter["required"] and "example" not in parameter
        ]
        bodies = operation.get("requestBody", {}).get("content", {})
        is_text = any(kind.startswith(("application/", "text/")) for kind in bodies)
        if is_text and not any("example" in content for content in bodies.values()):
            lacking.append(f"{name}: body")
        known = examples()[name]
        answers = operation["responses"][str(known["status"])].get("content", {})
        if known["answer"] is not None and not any("example" in one for one in answers.values()):
            lacking.append(f"{name}: answer")
    assert lacking == []


def test_what_is_shown_has_the_shape_of_what_was_asked_and_answered_today(lived: Lived) -> None:
    wrong = {}
    for name, today in lived.told.items():
        shown = examples()[name]
        found = differences(shown, today)
        if found:
            wrong[name] = found
    assert wrong == {}


def test_what_is_shown_holds_to_the_schemas_beside_it(lived: Lived) -> None:
    wrong, held = [], 0
    for name, operation in lived.operations:
        known = examples()[name]
        contents = list(operation.get("requestBody", {}).get("content", {}).values())
        contents += operation["responses"][str(known["status"])].get("content", {}).values()
        for content in contents:
            if "example" in content and "schema" in content:
                held += 1
                found = lived.problems_of(content["schema"], content["example"])
                wrong += [f"{name}: {each}" for each in found]
    assert wrong == []
    assert held > 100


def test_every_family_of_operations_shows_how_it_refuses(lived: Lived) -> None:
    families, showing = set(), set()
    for name, operation in lived.operations:
        families.add(operation["tags"][0])
        refusal = examples()[name].get("refusal")
        if refusal is not None:
            showing.add(operation["tags"][0])
            today = lived.told[name]["refusal"]
            assert refusal["status"] == today["status"]
            assert refusal["answer"]["code"] == today["answer"]["code"]
            told = [
                content.get("example")
                for answer in operation["responses"].values()
                for content in answer.get("content", {}).values()
            ]
            assert refusal["answer"] in told
    assert families == showing


def test_no_secret_of_anybody_is_shown() -> None:
    shown = str(examples())
    assert "whsec_" not in shown
    assert "127.0.0.1" not in shown
