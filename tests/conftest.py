"""What holds for all tests: in which order they begin."""

from __future__ import annotations

import os

import pytest
from dealt import dealt


@pytest.hookimpl(trylast=True)  # after those that are not to run were taken out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long tests begin first, whatever the number of workers."""
    items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
