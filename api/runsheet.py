"""Run sheets to print: a courier's stops and a store's pick list, for when there is no network.

Each stop has a code that a phone reads, and that can be typed as it stands: the text message that
says it is done.  The pages need no other file and have no script, so that they print from
wherever they were kept; paper of any size.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

import segno

from api.live import Live
from api.picking_views import queue
from api.shapes import picking
from api.sms_phrases import local, place_name
from api.sms_words import code_of
from api.views import upcoming
from dispatch.codec import from_rfc3339
from dispatch.model import StopKind, Visit
from dispatch.rules.stops import required_proofs
from dispatch.state import CourierState, OrderState, StoreState

_STYLE: Final = """
@page { margin: 12mm }
* { box-sizing: border-box; margin: 0 }
body { color: #000; background: #d8dce0; font: 10.5pt/1.35 system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums }
main { max-width: 190mm; margin: 6mm auto; padding: 8mm; background: #fff }
header { display: flex; justify-content: space-between; gap: 6mm; align-items: flex-end;
  padding-bottom: 3mm; border-bottom: .6mm solid #000 }
h1 { font-size: 20pt; line-height: 1.1 }
.facts { text-align: right; font-size: 9.5pt }
.stop { display: grid; grid-template-columns: 17mm 1fr 28mm 42mm; gap: 4mm;
  padding: 3mm 0; border-bottom: .2mm solid #000; break-inside: avoid }
.when { font-size: 15pt; font-weight: 700; line-height: 1.1 }
.count { display: block; font-size: 9pt; font-weight: 400 }
.kind { font-size: 9pt; font-weight: 700; text-transform: uppercase; letter-spacing: .04em }
.place { font-size: 13pt; font-weight: 700; line-height: 1.2; overflow-wrap: anywhere }
.code { font: 700 13pt/1 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace;
  letter-spacing: .06em }
.say { text-align: center; font: 9pt/1.2 ui-monospace, "Cascadia Mono", Menlo, Consolas,
  monospace; white-space: nowrap }
.qr { display: block; width: 26mm; height: 26mm; margin: 0 auto }
.marks { font-weight: 700 }
.note { margin-top: 1mm; overflow-wrap: anywhere }
.facts-line { margin-top: 1.2mm } .whole { white-space: nowrap }
.box { display: flex; align-items: flex-end; gap: 2mm; height: 9mm; font-size: 8.5pt }
.box::after { content: ""; flex: 1; border-bottom: .25mm solid #000 }
table { width: 100%; border-collapse: collapse }
td, th { padding: 1mm 2mm 1mm 0; text-align: left; vertical-align: top }
td.tick { width: 7mm } td.tick::before { content: ""; display: block; width: 4.2mm;
  height: 4.2mm; border: .3mm solid #000 }
td.shelf { width: 24mm; font-weight: 700 } td.amount { width: 12mm; text-align: right;
  font-weight: 700 } td.left { width: 38mm; font-size: 9pt }
.order { padding: 3mm 0 5mm; border-bottom: .2mm solid #000; break-inside: avoid }
.order > .top { display: grid; grid-template-columns: 1fr 26mm; gap: 4mm; align-items: start }
.empty { padding: 10mm 0; font-size: 13pt }
footer { padding-top: 4mm; font-size: 9pt; break-inside: avoid }
@media print { body { background: #fff } main { margin: 0; padding: 0; max-width: none } }
@media (max-width: 170mm) and (not print) { .stop { grid-template-columns: 17mm 1fr 28mm }
  .boxes { grid-column: 2 / -1 } }
"""

_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy of the pages: nothing is loaded, and only their own style holds."""

_SAYS: Final = {StopKind.PICKUP: "GOT", StopKind.DROPOFF: "DONE", StopKind.RETURN: "BACK"}
_NAMES: Final = {
    StopKind.PICKUP: "Fetch",
    StopKind.DROPOFF: "Bring",
    StopKind.RETURN: "Bring back",
    StopKind.BREAK: "Break",
}
_KG: Final = 1000


def courier_sheet(live: Live, found: CourierState) -> str:
    """Return a courier's route as it stands, as a page to print; on the engine's thread."""
    visits = [visit for visit in upcoming(found) if visit.stop.kind is not StopKind.BREAK]
    rows = "".join(_stop(live, number, visit) for number, visit in enumerate(visits, 1))
    printed = _day_and_time(live)
    shift = ""
    if found.shift_end is not None and found.on_shift(live.clock.now()):
        shift = f"On shift until {local(live, found.shift_end)}<br>"
    facts = (
        f"{shift}Route {found.route_version}, printed {printed}<br>"
        f"{len(visits)} stop{'' if len(visits) == 1 else 's'}"
    )
    foot = (
        "<footer>No network? Write the time at each stop. Later, text the line under its code "
        "with the time, and the PIN where one is asked for: <b>DONE 7QX2P 4711 18:05</b>. "
        "Nobody there: <b>FAIL 7QX2P 18:05 nobody home</b>. A newer route makes this sheet old; "
        "what was done is taken in all the same.</footer>"
    )
    empty = '<p class="empty">Nothing to do now.</p>'
    title = f"{found.courier.name}, {found.courier.mode.value.replace('_', ' ')}"
    return _page(title, facts, (rows + foot) if rows else empty)


def _stop(live: Live, number: int, visit: Visit) -> str:
    stop = visit.stop
    order = live.engine.state.order(stop.order_id)
    code = code_of(order.order_id)
    say = f"{_SAYS[stop.kind]} {code}"
    wanted = {kind.value for kind in required_proofs(order)}
    is_door = stop.kind is StopKind.DROPOFF
    pin = _box("PIN") if is_door and "pin" in wanted else ""
    signature = _box("Name") + _box("Signature") if is_door else ""
    note = order.order.note if is_door else ""
    return f"""<section class="stop">
<div><span class="when">{local(live, visit.arrive_at)}</span>
<span class="count">stop {number}</span></div>
<div><p class="kind">{_NAMES[stop.kind]}</p>
<p class="place">{escape(place_name(live, stop))}</p>
<p class="facts-line"><span class="code">{code}</span> {_facts(live, order, stop.kind)}</p>
{_marks(order, at_door=is_door)}
{f'<p class="note">{escape(note)}</p>' if note else ""}</div>
<div>{_qr(say)}<p class="say">{say}</p></div>
<div class="boxes">{_box("Time")}{pin}{signature}</div>
</section>
"""


def _facts(live: Live, order: OrderState, kind: StopKind) -> str:
    bought = order.order
    parts = [f"{bought.weight_g / _KG:.1f} kg"]
    if kind is StopKind.PICKUP:
        ready_at = order.ready_at if order.ready_at is not None else order.ready_forecast
        if order.ready_at is not None:
            parts.append("ready")
        elif ready_at is not None:
            parts.append(f"ready about {local(live, ready_at)}")
    if kind is StopKind.DROPOFF:
        promise = order.promise
        window = f"{local(live, promise.earliest)}&ndash;{local(live, promise.latest)}"
        parts.append(f'<span class="whole">promised {window}</span>')
        if bought.phone:
            parts.append(escape(bought.phone))
    return ", ".join(parts)


def _marks(order: OrderState, *, at_door: bool) -> str:
    bought = order.order
    marks = ["Keep cold"] if bought.chilled else []
    if at_door and bought.age_limit:
        marks.append(f"Look at a document: {bought.age_limit} or older")
    if at_door and bought.pin_required:
        marks.append("Ask for the PIN")
    return f'<p class="marks">{" · ".join(marks)}</p>' if marks else ""


def store_sheet(live: Live, found: StoreState) -> str:
    """Return what a store has to pick, in the order of work, as a page to print."""
    rows = queue(live, found)
    orders = live.engine.state.orders
    body = "".join(
        _pick(live, orders[row["order_id"]], row, number) for number, row in enumerate(rows, 1)
    )
    facts = (
        f"Pick list, printed {_day_and_time(live)}<br>"
        f"{len(rows)} order{'' if len(rows) == 1 else 's'}"
    )
    foot = "<footer>The code is the parcel's; its label shows the end of it.</footer>"
    empty = '<p class="empty">Nothing to pick now.</p>'
    return _page(found.store.name, facts, (body + foot) if body else empty)


def _pick(live: Live, order: OrderState, row: picking.TimedPick, number: int) -> str:
    lines = row["lines"]
    cells = "".join(_line(line) for line in lines) if isinstance(lines, list) else ""
    start, ready = (local(live, from_rfc3339(str(row[name]))) for name in ("start_by", "ready_by"))
    kind = order.order.fulfilment.value
    goes = escape(order.order.note)
    weight = f"{order.order.weight_g / _KG:.1f} kg"
    return f"""<section class="order">
<div class="top"><div><p class="kind">{number}. {kind}, begin by {start}, ready by {ready}</p>
<p class="facts-line"><span class="code">{code_of(order.order_id)}</span> {weight}</p>
{_marks(order, at_door=False)}
{f'<p class="note">{goes}</p>' if goes else ""}
<table>{cells}</table></div>
<div>{_qr(order.parcel_id)}</div></div>
<div class="box">Picked by</div>
</section>
"""


def _line(line: picking.PickLine) -> str:
    name = str(line["name"] or line["sku"])
    about = " · ".join(
        part
        for part in (
            str(line["sku"]) if line["name"] else "",
            "keep cold" if line["chilled"] else "",
            f"{line['age_limit']}+" if line["age_limit"] else "",
        )
        if part
    )
    return (
        f'<tr><td class="tick"></td><td class="shelf">{escape(str(line["shelf"] or ""))}</td>'
        f'<td class="amount">{line["quantity"]} &times;</td><td>{escape(name)}</td>'
        f'<td class="left">{escape(about)}</td></tr>'
    )


def _day_and_time(live: Live) -> str:
    there = datetime.fromtimestamp(live.clock.now(), UTC).astimezone(ZoneInfo(live.city.time_zone))
    return f"{there:%a} {there.day} {there:%b}, {there:%H:%M}"


def _box(label: str) -> str:
    return f'<div class="box">{label}</div>'


def _qr(text: str) -> str:
    code = segno.make_qr(text, error="m")
    return code.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None, title=text)


def _page(title: str, facts: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Run sheet: {escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header><h1>{escape(title)}</h1><p class="facts">{facts}</p></header>
{body}</main>
</body>
</html>
"""
