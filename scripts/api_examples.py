"""Live a day at a service and write down its requests and answers: examples for the API document.

`python scripts/api_examples.py --write` renews `api/examples.json`; without it the operations are
listed that have no example.  The day is told in `tests/api/told_day.py`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "api" / "examples.json"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "api")]

from companies import running_company  # noqa: E402  a folder of the tests
from receiver import receiving  # noqa: E402
from told_asking import Day, started  # noqa: E402
from told_day import live  # noqa: E402

from api.examples import examples  # noqa: E402


def main() -> int:
    """Return 0 when every operation has an example."""
    with tempfile.TemporaryDirectory() as folder, running_company(Path(folder)) as company:
        town = started(Path(folder), company)
        try:
            with receiving() as receiver:
                day = Day(town, receiver.url())
                live(day)
                day.http.close()
            paths = town.get("/openapi.json")["paths"]
        finally:
            town.kill()
    if sys.argv[1:] == ["--write"]:
        text = json.dumps(day.told, indent=1, ensure_ascii=False, sort_keys=True)
        DOCUMENT.write_text(text + "\n", encoding="utf-8")
        examples.cache_clear()
    operations = {f"{method.upper()} {path}" for path, rows in paths.items() for method in rows}
    lacking = sorted(operations - examples().keys())
    sys.stdout.writelines(f"no example: {operation}\n" for operation in lacking)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
