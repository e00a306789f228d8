/** Making room: glyphs that stand at one place step aside so that each can be seen and pressed. */

/** Centres closer than this, in px, hide each other. */
const APART_PX = 27;
/** Where to try, nearest first: rings of places around the true one. */
const TRIED = [[0, 0], ...ring(APART_PX, 8), ...ring(APART_PX * 2, 14)];

function ring(radius, count) {
  return Array.from({ length: count }, (_, i) => {
    const angle = (Math.PI * 2 * i) / count + Math.PI / 4;
    return [Math.cos(angle) * radius, Math.sin(angle) * radius];
  });
}

/**
 * Offsets that keep standing glyphs off fixed ones and off each other.
 *
 * @param {Array<{x: number, y: number}>} fixed glyphs that stay where they are
 * @param {Array<{id: string, x: number, y: number}>} standing in an order that stays the same,
 *   so that nobody changes places without need
 * @returns {Map<string, number[]>} offset in px by id; the true place when there is no room
 */
export function spread(fixed, standing) {
  const taken = [...fixed];
  const offsets = new Map();
  for (const { id, x, y } of standing) {
    const free = TRIED.find(([right, down]) =>
      taken.every((other) => Math.hypot(other.x - x - right, other.y - y - down) >= APART_PX - 1),
    );
    const [right, down] = free ?? [0, 0];
    offsets.set(id, [right, down]);
    taken.push({ x: x + right, y: y + down });
  }
  return offsets;
}
