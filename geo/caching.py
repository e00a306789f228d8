"""Where this user's caches are kept: what can be made again at the cost of time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """Return samehour's folder in the user's caches, which need not exist yet.

    In `$XDG_CACHE_HOME`, else in `~/.cache`, as the XDG Base Directory Specification has it; None
    for a user without a home.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):  # noqa: PTH117 - the standard has us pass over relative ones
        home = os.path.expanduser("~")  # noqa: PTH111 - which does not raise without a home
        if not os.path.isabs(home):  # noqa: PTH117
            return None
        cache = f"{home}/.cache"
    return Path(cache, "samehour")
