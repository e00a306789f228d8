/** The customer's page: when it comes, where it is, and what may still be decided. */

import { OfflineError, RefusedError, ServiceClock, ask } from "./client.js";
import { h, keep, setText } from "./dom.js";
import { ZoneTime, count, relative } from "./format.js";
import { TrackMap } from "./trackmap.js";
import { STEPS, headline, parcelLine, stepOf } from "./trackwords.js";

const POLL_MS = 4000;
/** After the end nothing moves any more. */
const SLOW_POLL_MS = 60_000;
const OVER = new Set(["delivered", "collected", "cancelled", "returned"]);

const PIN_HINTS = {
  delivery: "Say it to the courier at your door.",
  collection: "Say it at the counter.",
  curbside: "Say it to whoever brings it to your car.",
};

const token = location.pathname.split("/").pop();
const path = `/v1/track/${token}`;
const clock = new ServiceClock();
const part = (id) => document.getElementById(id);

let time = null;
let map = null;
let seen = null;
let timer = 0;
/** Whether somebody is typing, so that what they write is left alone. */
let typing = false;

async function look() {
  clearTimeout(timer);
  try {
    show(await ask(path));
    part("contact").hidden = true;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return showNothing(error.code);
    lost(error);
  }
  const pause = seen && OVER.has(seen.status) ? SLOW_POLL_MS : POLL_MS;
  timer = setTimeout(look, pause);
}

function lost(error) {
  const offline = error instanceof OfflineError;
  setText(part("contact"), offline ? "No connection. What you see may be old." : error.message);
  part("contact").hidden = false;
}

function showNothing(code) {
  const over = code === "link_expired";
  setText(part("nothing-title"), over ? "This order is done" : "This link does not work");
  setText(
    part("nothing-text"),
    over
      ? "Its link is over, so there is nothing left to show."
      : "Look for the whole link in the message from your shop.",
  );
  part("order").hidden = true;
  part("nothing").hidden = false;
}

/** Do what a person asked for, and show what came of it. */
async function act(address, method, body, button) {
  button.disabled = true;
  try {
    show(await ask(address, { method, body }));
    part("contact").hidden = true;
    return true;
  } catch (error) {
    lost(error);
    return false;
  } finally {
    button.disabled = false;
  }
}

// --- showing -----------------------------------------------------------------------------------

function show(order) {
  seen = order;
  clock.hear(order.now, order.speed);
  time ??= new ZoneTime(order.time_zone);
  document.title = `Order ${order.number} · samehour`;
  part("order").hidden = false;
  setText(part("number"), order.number);
  setText(part("status"), headline(order, time));
  showTime(order);
  showProgress(order);
  showQuestions(order);
  showMap(order);
  showParcels(order);
  showPin(order);
  showHere(order);
  showNote(order);
  showGoods(order);
}

function showTime(order) {
  const { expected, promise } = order;
  part("range").hidden = expected === null;
  if (expected) setText(part("range"), time.range(expected));
  setText(part("detail"), detail(order));
  part("late").hidden = !order.late;
  if (order.late) {
    setText(
      part("late"),
      expected
        ? `Later than promised (${time.range(promise)}). We are sorry.`
        : `Promised for ${time.range(promise)} and not here yet. ` +
          "We show a time as soon as we know one.",
    );
  }
}

function detail(order) {
  if (order.expected === null) return "";
  const soonest = relative(order.expected.earliest, Date.parse(order.now));
  const what = order.fulfilment === "delivery" ? "" : "ready ";
  const next = order.parcels.every(({ courier }) => !courier?.stops_before);
  const now = next ? "any moment now" : "soon";
  const due = soonest === "now" || soonest.endsWith("ago");
  const words = due ? now : `${soonest} at the earliest`;
  const promised = order.late ? "" : ` · promised by ${time.clock(order.promise.latest)}`;
  return `${what}${words}${promised}`;
}

function showProgress(order) {
  const steps = STEPS[order.fulfilment];
  const now = stepOf(order);
  part("progress").hidden = now === null;
  if (now === null) return;
  keep(part("progress"), steps, {
    key: (step) => step,
    create: (step) => h("li", {}, step),
    update: (item, step) => {
      const at = steps.indexOf(step);
      const past = at < now || OVER.has(order.status);
      item.className = past ? "is-past" : at === now ? "is-now" : "";
      if (at === now) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    },
  });
}

function showQuestions(order) {
  const pending = order.substitutions.filter((offered) => offered.pending);
  part("questions").hidden = pending.length === 0;
  keep(part("questions"), pending, {
    key: (offered) => offered.sku,
    create: question,
    update: (card, offered) => {
      const until = relative(offered.expires_at, Date.parse(order.now));
      const over = Date.parse(offered.expires_at) <= Date.parse(order.now);
      setText(card.querySelector(".until"), over ? "Answer now." : `Please answer ${until}.`);
    },
  });
}

function question(offered) {
  const address = `${path}/substitutions/${encodeURIComponent(offered.sku)}`;
  const answer = (accepted) => (event) => act(address, "POST", { accepted }, event.target);
  return h(
    "article.card.question",
    {},
    h("h2", {}, `${offered.name} is not there`),
    h(
      "p",
      {},
      `Take ${offered.substitute_quantity} × ${offered.substitute_name} ` +
        `instead of ${offered.quantity} × ${offered.name}? `,
      h("span.until.soft"),
    ),
    h(
      "div.buttons",
      {},
      h("button.action", { type: "button", onclick: answer(true) }, "Yes, take it"),
      h("button.secondary", { type: "button", onclick: answer(false) }, "No, leave it"),
    ),
  );
}

function showMap(order) {
  const place = order.dropoff?.location ?? order.store?.location;
  const shown = place !== undefined && !OVER.has(order.status);
  part("stage").hidden = !shown;
  const couriers = order.parcels.map((parcel) => parcel.courier).filter(Boolean);
  if (shown) {
    map ??= new TrackMap(part("map"), order);
    map.show(place, couriers, Date.parse(order.now));
  }
  const nearest = couriers.find((courier) => courier.position);
  const age = nearest ? Date.parse(order.now) - Date.parse(nearest.position.at) : 0;
  part("seen").hidden = !nearest;
  if (nearest) {
    const when = relative(nearest.position.at, Date.parse(order.now));
    setText(
      part("seen"),
      age < 30_000 ? `${nearest.name} is here now.` : `${nearest.name} was seen here ${when}.`,
    );
  }
}

function showParcels(order) {
  const several = order.parcels.length > 1;
  part("parcels").hidden = !several;
  if (!several) return;
  keep(part("parcels"), order.parcels, {
    key: (parcel) => parcel.id,
    create: () => h("li", {}, h("strong"), h("span.soft")),
    update: (item, parcel) => {
      setText(item.firstElementChild, `${count(parcel.lines.length, "article")} from ${parcel.store}`);
      setText(item.lastElementChild, parcelLine(parcel, time));
    },
  });
}

function showPin(order) {
  part("pin-card").hidden = order.pin === null;
  if (order.pin === null) return;
  const delivered = order.fulfilment === "delivery";
  const age = order.age_limit
    ? ` Have a document ready: it is for people of ${order.age_limit} and over.`
    : "";
  setText(part("pin-title"), delivered ? "Your PIN" : "Your code");
  setText(
    part("pin-hint"),
    PIN_HINTS[order.fulfilment] + age,
  );
  setText(part("pin"), order.pin);
}

function showHere(order) {
  part("here").hidden = !order.can.here;
  if (!order.can.here) return;
  const kerb = order.fulfilment === "curbside";
  part("bay-row").hidden = !kerb;
  part("bay").required = kerb;
  setText(
    part("here-hint"),
    order.here_at
      ? `We know since ${time.clock(order.here_at)}${order.bay ? ` (${order.bay})` : ""}.`
      : kerb
        ? "Somebody brings it to your car."
        : "We bring it to the counter.",
  );
  if (order.bay && !typing) part("bay").value = order.bay;
}

function showNote(order) {
  const delivered = order.fulfilment === "delivery";
  part("note-form").hidden = !(delivered && order.can.note);
  if (!typing && delivered) part("note").value = order.dropoff.note;
}

function showGoods(order) {
  const lines = new Map();
  for (const line of order.parcels.flatMap((parcel) => parcel.lines)) {
    const before = lines.get(line.sku)?.quantity ?? 0;
    lines.set(line.sku, { ...line, quantity: before + line.quantity });
  }
  keep(part("lines"), [...lines.values()], {
    key: (line) => line.sku,
    create: () => h("li", {}, h("span"), h("span")),
    update: (item, line) => {
      setText(item.firstElementChild, line.name);
      setText(item.lastElementChild, `${line.quantity} ×`);
    },
  });
  const where = order.dropoff
    ? `To ${order.dropoff.address}`
    : `At ${[order.store.name, order.store.address].filter(Boolean).join(", ")}`;
  setText(part("where"), where);
  const traced = order.parcels.flatMap((parcel) => parcel.traced);
  part("traced").hidden = traced.length === 0;
  keep(part("traced-rows"), traced, {
    key: (item) => [item.trace, item.batch, item.origin, item.best_before].join(" "),
    create: () => h("li", {}, h("a"), h("span.soft")),
    update: (row, item) => {
      const link = row.firstElementChild;
      setText(link, item.name);
      link.href = item.trace;
      const known = [
        item.origin,
        item.batch && `batch ${item.batch}`,
        item.best_before && `best before ${item.best_before}`,
      ];
      setText(row.lastElementChild, known.filter(Boolean).join(" · "));
    },
  });
}

// --- acting ------------------------------------------------------------------------------------

for (const field of [part("note"), part("bay")]) {
  field.addEventListener("input", () => {
    typing = true;
  });
}

part("note-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = part("note-save");
  typing = !(await act(path, "PATCH", { note: part("note").value }, button));
  if (!typing) setText(button, "Saved");
  setTimeout(() => setText(button, "Save"), 2000);
});

part("here").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { bay: part("bay-row").hidden ? "" : part("bay").value };
  typing = !(await act(`${path}/here`, "POST", body, event.submitter));
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});

look();
