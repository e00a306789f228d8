/** The strip of five figures, each with its last hour as a line. */

import { h, s, setAttribute, setText } from "./dom.js";
import { minutes, percent } from "./format.js";
import { isOpen } from "./rail.js";

const WIDTH = 96;
const HEIGHT = 32;
const MARGIN = 3;
/** What couriers do when nothing is to be brought. */
const AT_REST = new Set(["idle", "on_break", "stranded"]);

const FIGURES = [
  {
    key: "open",
    label: "Open orders",
    value: ({ kpis }) => String(kpis.open),
    line: (point) => point.open,
    floor: 0,
  },
  {
    key: "at_risk",
    label: "At risk",
    value: ({ kpis }) => String(kpis.at_risk),
    note: ({ late }) => (late ? `${late} late` : ""),
    level: ({ kpis, late }) => (late ? "late" : kpis.at_risk ? "risk" : null),
    line: (point) => point.at_risk,
    floor: 0,
    leastSpan: 4,
  },
  {
    key: "on_time",
    label: "On time",
    value: ({ kpis }) => percent(kpis.on_time_share),
    line: (point) => point.on_time_share,
    leastSpan: 0.1,
    ceiling: 1,
  },
  {
    key: "click_to_door",
    label: "Click to door, median",
    value: ({ kpis }) => minutes(kpis.click_to_door_p50_s),
    line: (point) => point.click_to_door_p50_s,
    leastSpan: 600,
  },
  {
    key: "busy",
    label: "Couriers busy",
    value: ({ busy }) => String(busy),
    note: ({ onShift }) => `of ${onShift}`,
    line: (point) => point.couriers_busy,
    floor: 0,
    leastSpan: 4,
  },
];

/** Build the strip into a `<dl>`; returns a function that shows a board in it. */
export function createFigures(list) {
  const rows = FIGURES.map((figure) => {
    const value = h("span.value", {}, "–");
    const note = h("span.note");
    const path = s("path.trend");
    const dot = s("circle.last", { r: 2.5 });
    const line = s(
      "svg.sparkline.is-empty",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img" },
      path,
      dot,
    );
    const row = h(
      "div.figure",
      { "data-figure": figure.key },
      h("dt", {}, figure.label),
      h("dd", {}, h("span.reading", {}, value, note), line),
    );
    list.append(row);
    return { figure, row, value, note, line, path, dot };
  });

  const seen = [];
  return (board) => {
    const onShift = board.couriers.filter((courier) => courier.on_shift);
    const busy = onShift.filter((courier) => !AT_REST.has(courier.activity)).length;
    const facts = {
      kpis: board.kpis,
      late: board.orders.filter((order) => order.late && isOpen(order)).length,
      busy,
      onShift: onShift.length,
    };
    const hour = withBusy(board, busy, seen);
    for (const { figure, row, value, note, line, path, dot } of rows) {
      setText(value, figure.value(facts));
      setText(note, figure.note?.(facts) ?? "");
      const level = figure.level?.(facts) ?? null;
      row.classList.toggle("is-late", level === "late");
      row.classList.toggle("is-risk", level === "risk");
      draw(figure, hour, { line, path, dot });
    }
  };
}

/** The history, its busy couriers filled in from what this page saw itself where it has none. */
function withBusy(board, busy, seen) {
  const minute = Math.floor(Date.parse(board.now) / 60_000);
  if (seen.at(-1)?.minute === minute) seen.at(-1).busy = busy;
  else seen.push({ minute, busy });
  if (seen.length > 60) seen.shift();
  const known = new Map(seen.map((point) => [point.minute, point.busy]));
  return board.history.map((point) => ({
    ...point,
    minute: Math.floor(Date.parse(point.at) / 60_000),
    couriers_busy: point.couriers_busy ?? known.get(Math.floor(Date.parse(point.at) / 60_000)),
  }));
}

function draw(figure, hour, { line, path, dot }) {
  const values = hour.map(figure.line);
  const known = values.filter((value) => value !== null && value !== undefined);
  line.classList.toggle("is-empty", known.length < 2);
  if (known.length < 2) {
    setAttribute(line, "aria-label", "Its last hour is not known yet");
    setAttribute(path, "d", `M${MARGIN} ${HEIGHT - MARGIN}H${WIDTH - MARGIN}`);
    return;
  }
  let low = figure.floor ?? Math.min(...known);
  let high = Math.max(...known, figure.ceiling ?? -Infinity);
  if (high - low < (figure.leastSpan ?? 1)) {
    if (figure.ceiling === undefined) high = low + (figure.leastSpan ?? 1);
    else low = high - figure.leastSpan;
  }
  // An hour is the full width: a young service draws its few minutes at the right end.
  const end = hour.at(-1).minute;
  let pen = "M";
  let d = "";
  let last = null;
  hour.forEach((point, i) => {
    if (values[i] === null || values[i] === undefined) {
      pen = "M";
      return;
    }
    const x = WIDTH - MARGIN - ((end - point.minute) / 59) * (WIDTH - 2 * MARGIN);
    if (x < 0) return;
    const y = HEIGHT - MARGIN - ((values[i] - low) / (high - low)) * (HEIGHT - 2 * MARGIN);
    d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    last = [x, y];
  });
  setAttribute(path, "d", d);
  if (last) {
    setAttribute(dot, "cx", last[0].toFixed(1));
    setAttribute(dot, "cy", last[1].toFixed(1));
  }
  const [from, to] = [known[0], known.at(-1)].map((value) => Math.round(value * 100) / 100);
  setAttribute(line, "aria-label", `Last hour: from ${from} to ${to}`);
}
