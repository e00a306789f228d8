"""Which program this is, to the letter: what was decided by another one may come out otherwise."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

DECIDING: Final = ("geo", "dispatch")
"""The packages whose code decides."""

_DIGITS: Final = 10


@cache
def edition(packages: tuple[str, ...] = DECIDING) -> str:
    """Return version and digest of the source of packages, as `0.1.0+3f2a90c1d7`.

    Two programs of the same edition decide the same.  It reads some hundred small files, once.
    """
    digest = hashlib.sha256()
    for package in packages:
        spec = find_spec(package)
        roots = spec.submodule_search_locations if spec is not None else None
        for root in sorted(map(Path, roots or ())):
            for path in sorted(root.rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return f"{metadata.version('samehour')}+{digest.hexdigest()[:_DIGITS]}"
