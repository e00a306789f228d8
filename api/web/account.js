/** Who is signed in at the board, and which of their zones it shows. */

import { ask } from "./client.js";
import { h } from "./dom.js";

/**
 * Offer the other zones where there are several, and the way out where somebody signed in.
 *
 * @param {HTMLSelectElement} zones
 * @param {HTMLAnchorElement} out
 * @param {string} shown the zone on the board
 */
export async function showAccount(zones, out, shown) {
  const session = await ask("/v1/session");
  out.hidden = !session.by_session;
  zones.hidden = session.zones.length < 2;
  zones.replaceChildren(
    ...session.zones.map((zone) => h("option", { value: zone, selected: zone === shown }, zone)),
  );
  zones.addEventListener("change", () => {
    location.assign(`${location.pathname}?zone=${encodeURIComponent(zones.value)}`);
  });
}
