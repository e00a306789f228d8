"""Labels for parcels: what staff and couriers must know of one, on 62 x 100 mm of paper.

No name and no telephone number is on it: a parcel is seen by many.  The page needs no other file,
so that it prints from wherever it was kept, and has no script.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

import segno

from api.live import Live
from api.news import short
from dispatch.model import Fulfilment
from dispatch.state import OrderState, family

_KINDS: Final = {
    Fulfilment.DELIVERY: "Delivery",
    Fulfilment.COLLECTION: "Collection",
    Fulfilment.CURBSIDE: "Curbside",
}

_LONG_ADDRESS: Final = 48
"""Signs from which on an address is set smaller."""

_STYLE: Final = """
@page { size: 62mm 100mm; margin: 0 }
* { box-sizing: border-box; margin: 0 }
body { background: #d8dce0; color: #000;
  font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
.label { width: 62mm; height: 100mm; margin: 6mm auto; padding: 3mm; background: #fff;
  display: flex; flex-direction: column; overflow: hidden }
.top { display: flex; justify-content: space-between; align-items: baseline; gap: 2mm;
  padding-bottom: 1.4mm; border-bottom: .5mm solid #000; font-size: 3.1mm; line-height: 1.2 }
.top .store { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.top .kind { font-weight: 700; white-space: nowrap }
.short { padding: 1.2mm 0 .4mm; font-size: 12mm; line-height: 1; font-weight: 800;
  white-space: nowrap; font-variant-numeric: tabular-nums }
.middle { display: flex; gap: 1mm; align-items: center; justify-content: center }
.qr { width: 40mm; height: 40mm; flex: none; margin-left: -3mm }
.plain .qr { margin-left: 0 }
.marks { flex: 1; display: flex; flex-direction: column; gap: 2.6mm }
.mark { text-align: center; font-size: 2.8mm; font-weight: 700; line-height: 1.15 }
.mark svg { display: block; width: 13.5mm; height: 13.5mm; margin: 0 auto .5mm }
.door { font-size: 4.7mm; line-height: 1.2; font-weight: 700; overflow: hidden;
  overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical;
  -webkit-line-clamp: 3 }
.door.long { font-size: 3.4mm; -webkit-line-clamp: 4 }
.due { margin-top: 1mm; font-size: 3.8mm; line-height: 1.25 }
.part { align-self: flex-start; margin-top: 1.4mm; padding: .5mm 1.8mm; border: .5mm solid #000;
  border-radius: 1mm; font-size: 3.8mm; line-height: 1.2; font-weight: 700 }
.foot { margin-top: auto; padding-top: 1.2mm; border-top: .2mm solid #000; display: flex;
  justify-content: space-between; gap: 2mm; font-size: 2.6mm; line-height: 1.2 }
.foot code { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace }
@media screen { .label { box-shadow: 0 1mm 4mm rgb(0 0 0 / .25) } }
@media print { body { background: #fff } .label { margin: 0; page-break-after: always } }
"""

_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy of the page: nothing is loaded, and only its own style holds."""

# A hexagon for cold and a diamond for age: told apart at arm's length, in black on any printer.
_COLD: Final = (
    '<div class="mark"><svg viewBox="0 0 26 26" aria-hidden="true">'
    '<path d="M13 1.2 23.2 7.1v11.8L13 24.8 2.8 18.9V7.1z" fill="none" stroke="#000" '
    'stroke-width="1.8"/>'
    '<path d="M13 5.5v15M6.5 9.25l13 7.5M19.5 9.25l-13 7.5M11 6.8l2 1.6 2-1.6M11 19.2l2-1.6 2 1.6'
    "M6.9 12l2.3-1.1-.3-2.5M19.1 14l-2.3 1.1.3 2.5M19.1 12l-2.3-1.1.3-2.5M6.9 14l2.3 1.1-.3 2.5"
    '" fill="none" stroke="#000" stroke-width="1.2"/></svg>Keep cold</div>'
)
_AGE: Final = (
    '<div class="mark"><svg viewBox="0 0 26 26" aria-hidden="true">'
    '<path d="M13 .8 25.2 13 13 25.2.8 13z" fill="#000"/>'
    '<text x="13" y="15.7" text-anchor="middle" font-size="{size}" font-weight="700" fill="#fff">'
    "{limit}+</text></svg>Check age</div>"
)
_TWO_DIGITS: Final = 99


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says.

    Attributes
    ----------
    door
        Where it goes, as a courier reads it; None for what its customer comes for.
    due
        When it should be there, in local time.
    part, parts
        Which of how many parcels of the same customer's order.
    """

    parcel_id: str
    short: str
    kind: str
    store: str
    door: str | None
    due: str
    pieces: int
    chilled: bool
    age_limit: int
    part: int
    parts: int


def label_of(live: Live, found: OrderState) -> Label:
    """Return the label of an order's parcel; on the engine's thread."""
    state, bought = live.engine.state, found.order
    articles = [state.catalogue.get(line.sku) for line in bought.lines]
    known = [article for article in articles if article is not None]
    kind = "Return" if bought.return_of is not None else _KINDS[bought.fulfilment]
    parcels = [part.order_id for part in family(state, found)]
    return Label(
        parcel_id=found.parcel_id,
        short=short(found.order_id),
        kind=kind,
        store=state.store(found.shelf_store_id).store.name,
        door=bought.address if bought.fulfilment is Fulfilment.DELIVERY else None,
        due=_due(found, live.city.time_zone),
        pieces=sum(line.quantity for line in bought.lines),
        chilled=bought.chilled or any(article.chilled for article in known),
        age_limit=max([bought.age_limit, *(article.age_limit for article in known)]),
        part=parcels.index(found.order_id) + 1,
        parts=len(parcels),
    )


def _due(found: OrderState, time_zone: str) -> str:
    zone = ZoneInfo(time_zone)
    earliest, latest = (
        datetime.fromtimestamp(at, UTC).astimezone(zone)
        for at in (found.promise.earliest, found.promise.latest)
    )
    return f"{latest:%a} {latest.day} {latest:%b} · {earliest:%H:%M} to {latest:%H:%M}"


def qr_svg(parcel_id: str) -> bytes:
    """Return the parcel's QR code alone, an SVG document with the quiet zone around it."""
    out = BytesIO()
    _qr(parcel_id).save(out, kind="svg", border=4, omitsize=True, svgclass=None, lineclass=None)
    return out.getvalue()


def _qr(parcel_id: str) -> segno.QRCode:
    # A quarter of it may be wet or torn, and it can still be read.
    return segno.make_qr(parcel_id, error="q")


def page(label: Label) -> str:
    """Return the label as a page of its own, to be printed without margins."""
    code = _qr(label.parcel_id).svg_inline(
        border=4, omitsize=True, svgclass="qr", lineclass=None, title=label.parcel_id
    )
    marks = (_COLD if label.chilled else "") + (_age(label.age_limit) if label.age_limit else "")
    middle = f'<div class="middle">{code}<div class="marks">{marks}</div></div>'
    if not marks:
        middle = f'<div class="middle plain">{code}</div>'
    part = f'<p class="part">Parcel {label.part} of {label.parts}</p>' if label.parts > 1 else ""
    door = ""
    if label.door is not None:
        size = "door long" if len(label.door) > _LONG_ADDRESS else "door"
        door = f'<p class="{size}">{escape(label.door)}</p>'
    pieces = "1 piece" if label.pieces == 1 else f"{label.pieces} pieces"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Label {escape(label.short)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main class="label">
<div class="top"><span class="store">{escape(label.store)}</span>
<span class="kind">{label.kind}</span></div>
<p class="short">{escape(label.short)}</p>
{middle}
{door}
<p class="due">{label.due}</p>
{part}
<div class="foot"><code>{escape(label.parcel_id)}</code><span>{pieces}</span></div>
</main>
</body>
</html>
"""


def _age(limit: int) -> str:
    return _AGE.format(limit=limit, size=7.6 if limit <= _TWO_DIGITS else 6)
