"use strict";

/* Maps with symbols: a choice of layers, a closer look, and numbers for pointer and keyboard. */
(() => {
  const STEPS = {
    ArrowLeft: { x: -1, y: 0 },
    ArrowRight: { x: 1, y: 0 },
    ArrowUp: { x: 0, y: -1 },
    ArrowDown: { x: 0, y: 1 },
  };

  const place = (symbol) => {
    const { e, f } = symbol.transform.baseVal.getItem(0).matrix;
    return { x: e, y: f };
  };

  /** The nearest symbol in a direction: what lies aside of it counts double. */
  const nearest = (symbols, from, step) => {
    const at = place(from);
    let best = null;
    let least = Infinity;
    for (const symbol of symbols) {
      const { x, y } = place(symbol);
      const ahead = (x - at.x) * step.x + (y - at.y) * step.y;
      const aside = Math.abs((x - at.x) * step.y) + Math.abs((y - at.y) * step.x);
      if (ahead > 1 && ahead + 2 * aside < least) {
        best = symbol;
        least = ahead + 2 * aside;
      }
    }
    return best;
  };

  const enliven = (box) => {
    const svg = box.querySelector("svg.map");
    const readout = box.querySelector(".readout");
    const layers = [...box.querySelectorAll("[data-symbols]")];
    const buttons = [...box.querySelectorAll("[data-layer]")];
    const hint = readout.textContent;
    const { width, height } = svg.viewBox.baseVal;
    const view = new samehour.View(width, height, () => {
      svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
      svg.classList.toggle("closer", !view.isWhole);
    });
    samehour.handle(box.querySelector(".stage"), svg, view);

    const shown = () => layers.find((layer) => !layer.hasAttribute("hidden"));
    const tell = (symbol) => {
      for (const other of box.querySelectorAll(".symbol.told")) {
        other.classList.remove("told");
      }
      symbol?.classList.add("told");
      readout.textContent = symbol ? symbol.getAttribute("aria-label") : hint;
    };
    /** One symbol of a layer can be reached with the Tab key; the arrows go on from it. */
    const makeReachable = (layer, chosen) => {
      for (const symbol of layer.children) {
        symbol.setAttribute("tabindex", symbol === chosen ? "0" : "-1");
      }
    };
    for (const layer of layers) {
      makeReachable(layer, layer.children[0]);
      layer.addEventListener("pointerover", (event) => tell(event.target.closest(".symbol")));
      layer.addEventListener("click", (event) => tell(event.target.closest(".symbol")));
      layer.addEventListener("focusin", (event) => tell(event.target.closest(".symbol")));
      layer.addEventListener("keydown", (event) => {
        const step = STEPS[event.key];
        if (!step) {
          return;
        }
        event.preventDefault();
        const next = nearest(layer.children, document.activeElement, step);
        if (next) {
          makeReachable(layer, next);
          next.focus();
        }
      });
    }
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const each of buttons) {
          each.setAttribute("aria-pressed", String(each === button));
        }
        for (const layer of layers) {
          layer.toggleAttribute("hidden", layer.dataset.symbols !== button.dataset.layer);
        }
        for (const legend of box.querySelectorAll("[data-legend]")) {
          legend.hidden = legend.dataset.legend !== button.dataset.layer;
        }
        tell(null);
        makeReachable(shown(), shown().children[0]);
      });
    }
  };

  document.querySelectorAll(".symbol-map").forEach(enliven);
})();
