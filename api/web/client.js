/** Talking to the service: JSON in, JSON out, refusals as errors that say why. */

/** The service did not answer: no network, no service, or too slow. */
export class OfflineError extends Error {}

/** The service answered with a refusal (problem+json). */
export class RefusedError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The service answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
  }
}

/** Pages that nobody signs in for. */
const OPEN_PAGES = /^\/(t\/|sign-in)/;

/** The zone that this page is about, where its address names one of several. */
const zone = new URLSearchParams(location.search).get("zone");

/** Go where a key is asked for, and come back; or to the first of several zones. */
function lead(status, problem) {
  if (OPEN_PAGES.test(location.pathname)) return;
  if (status === 401) {
    const here = encodeURIComponent(location.pathname + location.search);
    location.assign(`/sign-in?next=${here}`);
  } else if (problem.code === "zone_needed" && problem.zones?.length) {
    location.replace(`${location.pathname}?zone=${encodeURIComponent(problem.zones[0])}`);
  }
}

/**
 * Ask the service.
 *
 * @param {string} path such as `/v1/board`
 * @param {{method?: string, body?: object|Blob, headers?: object, timeoutMs?: number}} [options] a blob goes as it is
 * @returns {Promise<object>} the answer's JSON
 * @throws {OfflineError} when there is no answer in time, or the service is not ready (502-504)
 * @throws {RefusedError} when the answer is a refusal
 */
export async function ask(path, { method = "GET", body, headers = {}, timeoutMs = 6000 } = {}) {
  const isFile = body instanceof Blob;
  const type = isFile ? body.type : "application/json";
  const told = { ...headers };
  if (zone) told["Samehour-Zone"] = zone;
  if (body) told["Content-Type"] = type;
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method,
      headers: told,
      body: body && !isFile ? JSON.stringify(body) : body,
      signal: AbortSignal.timeout(timeoutMs),
      cache: "no-store",
    });
    text = await answer.text();
  } catch (error) {
    throw new OfflineError("The service does not answer.", { cause: error });
  }
  if (answer.status >= 502 && answer.status <= 504) {
    throw new OfflineError(`The service is not ready (${answer.status}).`);
  }
  const content = parse(text);
  if (!answer.ok) {
    lead(answer.status, content ?? {});
    throw new RefusedError(answer.status, content ?? {});
  }
  if (content === null) throw new OfflineError(`${path} did not answer with JSON.`);
  return content;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The service's clock, carried on between answers at the service's speed. */
export class ServiceClock {
  constructor() {
    this.atMs = null;
    this.speed = 1;
    this.heardMs = 0;
  }

  /** Set it by an answer that says `now` and `speed`. */
  hear(now, speed) {
    this.atMs = Date.parse(now);
    this.speed = speed ?? 1;
    this.heardMs = performance.now();
  }

  /** Service time in ms since 1970; stands still after 3 s of real silence. */
  now() {
    if (this.atMs === null) return Date.now();
    return this.atMs + Math.min(performance.now() - this.heardMs, 3000) * this.speed;
  }

  /** Service time in ms that goes on without end: for devices that may be offline for long. */
  running() {
    if (this.atMs === null) return Date.now();
    return this.atMs + (performance.now() - this.heardMs) * this.speed;
  }
}

/** `2026-11-20T15:00:00Z` for ms since 1970. */
export function rfc3339(ms) {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
