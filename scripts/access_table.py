"""Print who may do what, as docs/access.md shows it; `--write` puts it there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from api.access_table import table
from api.routes import ROUTERS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "access.md"


def main() -> int:
    """Print the table, or write it."""
    made = table(ROUTERS)
    if sys.argv[1:] == ["--write"]:
        text = DOCUMENT.read_text(encoding="utf-8")
        written = re.sub(
            r"\| endpoint \| needs .*?\n(?!\|)", lambda _: made, text + "\n", flags=re.DOTALL
        )
        DOCUMENT.write_text(written.rstrip() + "\n", encoding="utf-8")
    else:
        sys.stdout.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
