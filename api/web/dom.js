/** Building and keeping page elements; text always goes in as text, never as markup. */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 *
 * @param {string} tag its name, with classes after dots: `div.row.is-late`
 * @param {object} [attributes] `on…` functions become listeners; null and false are left out
 * @param {...(Node|string|number|null|undefined)} children
 */
export function h(tag, attributes, ...children) {
  return build(document.createElement(tag.split(".")[0]), tag, attributes, children);
}

/** Make an SVG element; same arguments as `h`. */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG_NAMESPACE, tag.split(".")[0]);
  return build(element, tag, attributes, children);
}

function build(element, tag, attributes, children) {
  const classes = tag.split(".").slice(1);
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Write text only when it changed, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set or, with null, remove an attribute, only when it changed. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/**
 * Keep a parent's children in step with a list, element by element, by key.
 *
 * Elements stay the same objects while their key stays, so focus and scrolling survive.
 *
 * @param {Element} parent
 * @param {Array} items
 * @param {{key: Function, create: Function, update: Function}} how
 */
export function keep(parent, items, { key, create, update }) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = old.get(name);
    if (child) old.delete(name);
    else {
      child = create(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
}
