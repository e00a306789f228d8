"use strict";

/* Playing an evening: time, keyboard, whom to follow; and the same numbers for the couriers' rows. */
(async () => {
  const LONGEST_STEP_S = 0.1;
  const KEY_STEP_S = 10;
  const LARGE_STEP_S = 300;
  const CALM_STEP_S = 30;
  const TELL_EVERY_MS = 250;

  const film = await samehour.film;
  const box = document.querySelector(".film");
  if (!film || !box) {
    return;
  }

  /* --- the stage ------------------------------------------------------------------------------ */

  box.hidden = false;
  document.querySelector(".film-missing").hidden = true;
  const canvas = box.querySelector("canvas");
  const slider = box.querySelector("[data-time]");
  const speed = box.querySelector("[data-speed]");
  const playButton = box.querySelector("[data-play]");
  const follow = box.querySelector("[data-follow]");
  const said = (name) => box.querySelector(`.${name}`);
  const state = { t: 0, isPlaying: false, chosen: null, drawnAt: 0, toldAt: 0 };
  let isWanted = false;

  let stage = null;
  const view = new samehour.View(film.width, film.height, () => {
    if (stage) {
      stage.isTownOld = true;
      want();
    }
  });
  stage = new samehour.Stage(canvas, film, view);
  samehour.handle(box.querySelector(".stage"), canvas, view);

  /** Have the moment drawn once more, as soon as the screen is ready for it. */
  function want() {
    if (!isWanted) {
      isWanted = true;
      requestAnimationFrame(frame);
    }
  }

  function frame(now) {
    isWanted = false;
    if (state.isPlaying) {
      // After a while in the background the evening goes on where it was left.
      const elapsed = Math.min((now - state.drawnAt) / 1000, LONGEST_STEP_S);
      go(state.t + elapsed * Number(speed.value), false);
      if (state.t >= film.length) {
        play(false);
      }
      want();
    }
    state.drawnAt = now;
    keepInSight();
    const isGliding = !samehour.isCalm();
    const t = isGliding ? state.t : Math.floor(state.t / CALM_STEP_S) * CALM_STEP_S;
    stage.draw(t, state.chosen, isGliding);
    if (now - state.toldAt > TELL_EVERY_MS || !state.isPlaying) {
      state.toldAt = now;
      tell();
    }
  }

  /** Somebody who is followed does not leave the stage. */
  function keepInSight() {
    if (state.chosen?.kind !== "c" || view.isWhole) {
      return;
    }
    const at = film.place(state.chosen.index, state.t, true);
    if (at) {
      view.centre(at.x * film.unitsPerMetre, at.y * film.unitsPerMetre);
    }
  }

  function tell() {
    const { t } = state;
    const counts = film.counts(t);
    said("clock").textContent = film.clock(t, true);
    said("counts").textContent =
      `${counts.open} orders open, ${counts.late} late; ` +
      `${counts.busy} of ${counts.onShift} couriers busy`;
    said("now").textContent = film.now(t).map(([, name]) => name).join(", ");
    slider.value = String(Math.round(t));
    slider.setAttribute("aria-valuetext", film.clock(t));
    const { chosen } = state;
    const words = chosen
      ? chosen.kind === "c" ? film.tellCourier(chosen.index, t) : film.tellOrder(chosen.index, t)
      : "";
    if (said("followed").textContent !== words) {
      said("followed").textContent = words;
    }
  }

  /* --- time ----------------------------------------------------------------------------------- */

  function go(t, isDrawn = true) {
    state.t = Math.min(Math.max(0, t), film.length);
    if (isDrawn) {
      want();
    }
  }

  function play(isPlaying) {
    if (isPlaying && state.t >= film.length) {
      go(0);
    }
    state.isPlaying = isPlaying;
    state.drawnAt = performance.now();
    playButton.textContent = isPlaying ? "Pause" : "Play";
    playButton.setAttribute("aria-pressed", String(isPlaying));
    want();
  }

  playButton.addEventListener("click", () => play(!state.isPlaying));
  slider.addEventListener("input", () => go(Number(slider.value)));
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? LARGE_STEP_S : KEY_STEP_S;
    const acts = {
      " ": () => play(!state.isPlaying),
      ArrowLeft: () => go(state.t - step),
      ArrowRight: () => go(state.t + step),
      Home: () => go(0),
      End: () => go(film.length),
      "+": () => view.zoom(1.6),
      "-": () => view.zoom(1 / 1.6),
      0: () => view.all(),
      Escape: () => choose(null),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  /* --- whom to follow ------------------------------------------------------------------------- */

  function choose(chosen) {
    state.chosen = chosen;
    const ids = chosen?.kind === "c" ? film.couriers[chosen.index][0] : null;
    const value = chosen ? `${chosen.kind}${ids ?? film.orders.id[chosen.index]}` : "";
    const isListed = [...follow.options].some((option) => option.value === value);
    follow.value = isListed ? value : "";
    want();
  }

  function find(value) {
    const id = value.slice(1);
    const kind = value.slice(0, 1);
    const index = kind === "c"
      ? film.couriers.findIndex(([courierId]) => courierId === id)
      : film.orders.id.indexOf(id);
    return index < 0 ? null : { kind, index };
  }

  follow.addEventListener("change", () => {
    const chosen = follow.value ? find(follow.value) : null;
    if (chosen?.kind === "o") {
      showFromClick(chosen.index);
    }
    choose(chosen);
  });

  /** Go to where the order begins, unless it is under way already. */
  function showFromClick(k) {
    const { asked, ended } = film.orders;
    if (state.t < asked[k] || (ended[k] !== null && state.t > ended[k])) {
      go(asked[k]);
    }
  }

  let pressed = null;
  canvas.addEventListener("pointerdown", (event) => {
    pressed = { x: event.clientX, y: event.clientY };
  });
  canvas.addEventListener("click", (event) => {
    const isDrag = pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 6;
    if (!isDrag) {
      choose(stage.at(event.offsetX, event.offsetY, state.t, true));
    }
  });

  for (const button of document.querySelectorAll("[data-watch]")) {
    const chosen = find(`o${button.dataset.watch}`);
    button.hidden = chosen === null;
    button.addEventListener("click", () => {
      go(film.orders.asked[chosen.index]);
      choose(chosen);
      document.getElementById("playback").scrollIntoView();
      canvas.focus({ preventScroll: true });
      play(true);
    });
  }

  /* --- the page changes ----------------------------------------------------------------------- */

  const fit = () => {
    if (!canvas.clientHeight) {
      return;
    }
    view.shape(canvas.clientWidth / canvas.clientHeight);
    stage.look();
    want();
  };
  fit();
  new ResizeObserver(fit).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    stage.look();
    want();
  });
  samehour.player = { state, film, stage, view, go, play, choose };
  tell();
  want();

  /* --- the couriers' rows --------------------------------------------------------------------- */

  const rows = document.querySelector("#couriers .gantt");
  const readout = document.querySelector("#couriers .readout");
  if (!rows) {
    return;
  }
  const hint = readout.textContent;
  const spots = new Map();
  const indexOf = new Map(film.couriers.map(([id], i) => [id, i]));

  const showSpan = (day, k) => {
    const courier = indexOf.get(day.dataset.courier);
    const span = film.spans[courier][k];
    readout.textContent = span
      ? `${film.couriers[courier][1]}: ${film.tellSpan(span)}.`
      : hint;
    spots.set(day, k);
  };
  rows.addEventListener("pointermove", (event) => {
    const day = event.target.closest(".day");
    if (!day) {
      return;
    }
    const frameOf = day.getBoundingClientRect();
    const t = ((event.clientX - frameOf.left) / frameOf.width) * film.length;
    const spans = film.spans[indexOf.get(day.dataset.courier)];
    showSpan(day, spans.findIndex((span) => span.begin <= t && t < span.end));
  });
  rows.addEventListener("focusin", (event) => {
    const day = event.target.closest(".day");
    if (day) {
      showSpan(day, spots.get(day) ?? 0);
    }
  });
  rows.addEventListener("keydown", (event) => {
    const day = event.target.closest(".day");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (day && step) {
      event.preventDefault();
      const last = film.spans[indexOf.get(day.dataset.courier)].length - 1;
      showSpan(day, Math.min(last, Math.max(0, (spots.get(day) ?? 0) + step)));
    }
  });
})();
