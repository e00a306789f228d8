"""Files for browsers: our own pages, and MapLibre's from its installed wheel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import Request
from starlette.responses import Response

_WEB: Final = Path(__file__).parent / "web"

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

_MAPLIBRE: Final = ("maplibre-gl.js", "maplibre-gl.css")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in memory, with what browsers need to keep it."""

    content: bytes
    media_type: str
    etag: str


def find(name: str) -> Asset | None:
    """Return the file of a name, None when we have none such."""
    if name in _MAPLIBRE:
        path = _maplibre_folder() / name
    elif "/" in name or "\\" in name or name.startswith("."):
        return None
    else:
        path = _WEB / name
    if path.suffix not in _TYPES or not path.is_file():
        return None
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


def answer(request: Request, asset: Asset, *, max_age_s: int = 0) -> Response:
    """Return a file, or 304 when the browser has it."""
    cache_control = f"public, max-age={max_age_s}" if max_age_s else "no-cache"
    headers = {"ETag": asset.etag, "Cache-Control": cache_control}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@cache
def _read(path: Path, _modified_ns: int, _size: int) -> Asset:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    return Asset(content, _TYPES[path.suffix], etag)


@cache
def _maplibre_folder() -> Path:
    """Return where the wheel keeps its JavaScript; importing it would cost a second."""
    spec = find_spec("maplibre")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "The package maplibre is not installed; install samehour with its dependencies."
        )
    return Path(spec.origin).parent / "srcjs"
