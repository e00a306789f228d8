"""The longest tests begin first, and no test is lost over it."""

from __future__ import annotations

import pytest
from dealt import dealt


def five_modules(
    request: pytest.FixtureRequest, folder: pytest.TempPathFactory
) -> list[pytest.Item]:
    """Return ten tests of five modules; those of the last two modules are long."""
    found: list[pytest.Item] = []
    for module in "abcde":
        path = folder.getbasetemp() / f"{module}.py"
        of_one = pytest.Module.from_parent(request.session, path=path)
        for name in (f"{module}1", f"{module}2"):
            one = pytest.Function.from_parent(of_one, name=name, callobj=lambda: None)
            if module in "de":
                one.add_marker("long")
            found.append(one)
    return found


@pytest.mark.parametrize(
    ("workers", "order"),
    [
        # One piece: d and e, then the rest.
        (1, "d1 d2 e1 e2 a1 a2 b1 b2 c1 c2"),
        # Two pieces of five.
        (2, "d1 d2 a1 a2 b1 | e1 e2 b2 c1 c2"),
        # Pieces of three, three and four: for the third worker no long test is left.
        (3, "d1 d2 a1 | e1 e2 a2 | b1 b2 c1 c2"),
        # More workers than a piece has room for: the long ones of a module stay together.
        (10, "d1 d2 | e1 e2 | a1 | a2 | b1 | b2 | c1 | c2"),
    ],
)
def test_each_worker_s_piece_begins_with_long_tests(
    workers: int,
    order: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    found = [one.name for one in dealt(five_modules(request, tmp_path_factory), workers)]
    assert found == order.replace("|", "").split()
