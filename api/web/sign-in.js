/** Asks for a key, and leads back to the page that needed one. */

import { RefusedError, ask } from "./client.js";
import { setText } from "./dom.js";

const part = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const HOMES = { courier: "/courier" };

/** Where to go when signed in: a page of ours, never another site's. */
function next(role) {
  const wanted = query.get("next") ?? "";
  const isOurs = /^\/(?![/\\])/.test(wanted) && !wanted.startsWith("/sign-in");
  return isOurs ? wanted : (HOMES[role] ?? "/ops");
}

/** Someone who is signed in already came here from outside, or may not see what they asked for. */
async function look() {
  let session;
  try {
    session = await ask("/v1/session");
  } catch {
    return; // nobody is: the form is what they need
  }
  if (!query.has("denied") && !query.has("out")) {
    location.replace(next(session.role));
    return;
  }
  const whose = session.bound_to ? `${session.role} ${session.bound_to}` : session.role;
  setText(
    part("hint"),
    query.has("denied")
      ? `Your key (${whose}) is not good for that page. Sign in with another one.`
      : `You are signed in as ${whose}.`,
  );
  part("out").hidden = !session.by_session;
}

async function signIn(event) {
  event.preventDefault();
  part("go").disabled = true;
  part("refusal").hidden = true;
  try {
    const { role } = await ask("/sign-in", { method: "POST", body: { key: part("key").value } });
    location.replace(next(role));
  } catch (error) {
    setText(part("refusal"), error instanceof RefusedError ? error.message : "No connection. Try again.");
    part("refusal").hidden = false;
    part("go").disabled = false;
    part("key").select();
  }
}

async function signOut() {
  await fetch("/sign-out", { method: "POST" });
  location.replace("/sign-in");
}

part("form").addEventListener("submit", signIn);
part("out").addEventListener("click", signOut);
look();
