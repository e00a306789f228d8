/** The operations board: asks for the board once a second and shows it. */

import { showAccount } from "./account.js";
import { BoardMap } from "./boardmap.js";
import { ServiceClock, ask } from "./client.js";
import { createClosedStreets, streetNames, untilText } from "./closedstreets.js";
import { Closing } from "./closing.js";
import { createControls } from "./desk.js";
import { Details } from "./details.js";
import { h, keep, setText } from "./dom.js";
import { createFigures } from "./figures.js";
import { ZoneTime, speedText } from "./format.js";
import { closedGlyph } from "./glyphs.js";
import { fillKey } from "./key.js";
import { createRail, isOpen } from "./rail.js";

const POLL_MS = 1000;
const HIDDEN_POLL_MS = 10_000;
const LONGEST_WAIT_MS = 15_000;
/** One lost answer is no news; two are. */
const MISSES_BEFORE_BANNER = 2;
const LINK = /^#(order|courier|store):(.+)$/;

const part = (id) => document.getElementById(id);
const clock = new ServiceClock();
const showFigures = createFigures(part("figures"));
const showRail = createRail(document, choose);
const showClosed = createClosedStreets(document, {
  flyTo: (closure) => state.map?.flyTo(closure),
  onOpened: (closure) => hearOf(`Open again: ${streetNames(closure)}.`),
});
const closing = new Closing(part("closing"), {
  clock,
  draw: (chosen) => state.map?.showClosing(chosen),
  onActive: onClosing,
  onClosed: (closure) =>
    hearOf(`Closed ${untilText(closure.until, state.zoneTime)}: ${streetNames(closure)}.`),
});
const showControls = createControls(document);
const details = new Details(part("details"), {
  choose,
  clock,
  close: () => choose(null),
  onDecided: hearOf,
  onRoute,
});

const state = { board: null, zoneTime: null, chosen: null, map: null, misses: 0, timer: 0 };

// --- asking -----------------------------------------------------------------------------------------

async function poll() {
  clearTimeout(state.timer);
  const askedMs = performance.now();
  try {
    const board = await ask("/v1/board");
    state.misses = 0;
    hear(board);
  } catch (error) {
    state.misses += 1;
    showContact(error);
  }
  const pause = document.hidden ? HIDDEN_POLL_MS : POLL_MS;
  const wait = state.misses ? Math.min(LONGEST_WAIT_MS, POLL_MS * 2 ** (state.misses - 1)) : pause;
  clearTimeout(state.timer);
  state.timer = setTimeout(poll, Math.max(100, wait - (performance.now() - askedMs)));
}

function hear(board) {
  clock.hear(board.now, board.speed);
  const first = state.board === null;
  state.board = board;
  if (first || state.zoneTime.timeZone !== board.zone.time_zone) {
    state.zoneTime = new ZoneTime(board.zone.time_zone);
  }
  if (first) {
    document.body.classList.remove("is-loading");
    state.map = new BoardMap(part("map"), board.zone, { choose, clock, chooseClosed });
    part("close-street").hidden = false;
    showAccount(part("zones"), part("out"), board.zone.id).catch(showContact);
    chooseFromLink();
  }
  showContact(null);
  show();
}

// --- showing -----------------------------------------------------------------------------------------

function view() {
  const { board, zoneTime, chosen } = state;
  return { board, zoneTime, chosen, nowMs: clock.now(), names, offline: state.misses > 0 };
}

function show() {
  const { board } = state;
  if (!board) return;
  const now = view();
  setText(part("zone"), board.zone.title || board.zone.city);
  document.title = `${titleMark(board)}${board.zone.title || board.zone.city} · samehour`;
  showFigures(board);
  showRail(now);
  showControls(now);
  showClosed.show(now);
  closing.hear(state.zoneTime);
  showFeed(now);
  details.show(now);
  state.map.show(now);
}

/** What a person in another tab should see: `(2 late)` in front of the title. */
function titleMark(board) {
  const late = board.orders.filter((order) => order.late && isOpen(order)).length;
  return late ? `(${late} late) ` : "";
}

function showFeed({ board, zoneTime }) {
  keep(part("feed"), board.feed.slice(0, 6), {
    key: (item) => `${item.at} ${item.text}`,
    create: (item) =>
      h("li", {}, h("time", { datetime: item.at }, zoneTime.clock(item.at)), h("span", {}, item.text)),
    update: () => {},
  });
}

function showTime() {
  if (!state.board) return;
  setText(part("clock"), state.zoneTime.clock(clock.now()));
  setText(part("speed"), speedText(state.board.speed));
}

function showContact(error) {
  const lost = error !== null && (state.misses >= MISSES_BEFORE_BANNER || !state.board);
  document.body.classList.toggle("is-offline", lost);
  part("banner").hidden = !lost;
  if (!lost) return;
  const since = state.board ? state.zoneTime.clock(state.board.now) : null;
  setText(
    part("banner-text"),
    since
      ? `No contact since ${since}, showing the last known`
      : `${error.message} Trying again by itself.`,
  );
  if (state.board) show();
}

function names(kind, id) {
  const list = { courier: state.board.couriers, store: state.board.stores }[kind] ?? [];
  return list.find((each) => each.id === id)?.name ?? id;
}

// --- choosing ----------------------------------------------------------------------------------------

/** Open the details of something, or with null close them. */
function choose(kind, id) {
  const before = state.chosen;
  state.chosen = kind ? { kind, id } : null;
  history.replaceState(null, "", kind ? `#${kind}:${id}` : location.pathname + location.search);
  part("lists").inert = Boolean(kind);
  details.open(state.chosen);
  state.map?.clearRoute();
  show();
  if (!kind && before) returnFocus(before);
}

/** After closing, the focus goes back to the line the details were opened from. */
function returnFocus({ kind, id }) {
  const row = kind === "order" ? part("orders").querySelector(`[data-key="${CSS.escape(id)}"]`) : null;
  row?.firstElementChild.focus({ preventScroll: true });
}

function onRoute(courierId, route) {
  state.map?.showRoute(courierId, route);
  show();
}

function chooseFromLink() {
  const link = decodeURIComponent(location.hash).match(LINK);
  if (link) choose(link[1], link[2]);
}

// --- closing streets -----------------------------------------------------------------------------------

function onClosing(active) {
  part("close-street").setAttribute("aria-pressed", String(active));
  part("lists").inert = active || Boolean(state.chosen);
  part("details").inert = active || !state.chosen;
  state.map?.setPick(active ? (place) => closing.pick(place) : null);
  if (!active) part("close-street").focus({ preventScroll: true });
}

/** Say it to whoever cannot see it, and show at once what has become of it. */
function hearOf(sentence) {
  setText(part("said"), sentence);
  details.refreshNow();
  poll();
}

function chooseClosed(id) {
  choose(null);
  showClosed.focus(id);
}

// --- starting ----------------------------------------------------------------------------------------

fillKey(part("key"), part("key-body"));
part("close-street").prepend(closedGlyph(20));
part("close-street").addEventListener("click", () => closing.toggle());
part("retry").addEventListener("click", poll);
addEventListener("online", poll);
addEventListener("hashchange", chooseFromLink);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) poll();
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (closing.active) closing.cancel();
  else if (state.chosen) choose(null);
});
setInterval(showTime, 250);
poll();
