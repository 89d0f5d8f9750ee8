// Making elements. Text always goes in as text: nothing here, or anywhere on the page, parses markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} tag the element's name, with classes after dots: "button.primary.small"
 * @param {object} [props] `on` listeners, `vars` custom CSS properties, `data` data attributes; properties that the
 *   element has are set, others become attributes; null, undefined and false are left out
 * @param {...(Node|string|number|null|false|Array)} children
 */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) set(element, key, value);
  add(element, children);
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  else if (key === "vars") for (const [name, each] of Object.entries(value)) element.style.setProperty(`--${name}`, each);
  else if (key === "data") Object.assign(element.dataset, value);
  else if (key === "class") element.className += ` ${value}`;
  else if (key in element && key !== "list" && key !== "form") element[key] = value;
  else element.setAttribute(key, value === true ? "" : value);
}

/** Add children, nested arrays flattened, empty ones left out. */
export function add(element, children) {
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  return add(element, children);
}

export const by = (id) => document.getElementById(id);

// Drawn on 20 × 20, in strokes of the text's colour.
const ICONS = {
  hash: "M7.5 3 6 17M14 3l-1.5 14M3.5 7.5h14M2.5 12.5h14",
  voice: "M3 8v4h3l4 3.5v-11L6 8zM13 7.5a3.5 3.5 0 0 1 0 5M15.3 5a7 7 0 0 1 0 10",
  thread: "M4 4h12v8H9l-4 3.5V12H4zM7.5 7h6M7.5 9.3h3.5",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0zm0-3v4a2 2 0 0 0 4 0v-1a7 7 0 1 0-3 5.7",
  reply: "M8 5 3 10l5 5M3.5 10H11a6 6 0 0 1 6 6",
  pencil: "m4 16 .8-3.4L13.6 3.8l2.6 2.6-8.8 8.8zM12 5.4 14.6 8",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 11h7.4l.8-11M8.5 9v5M11.5 9v5",
  smile: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0zM7.5 8v.6M12.5 8v.6M7 12a4 4 0 0 0 6 0",
  pin: "m11.5 3 5.5 5.5-3 .8-3 3-.4 3.4L4.3 9.4l3.4-.4 3-3zM7.5 12.5 3.5 16.5",
  more: "M4.2 10h.8M9.6 10h.8M15 10h.8",
  plus: "M10 4v12M4 10h12",
  people: "M9.5 7a2.7 2.7 0 1 1-5.4 0 2.7 2.7 0 0 1 5.4 0zM2.5 16a4.5 4.5 0 0 1 8.6 0M12.5 4.6a2.5 2.5 0 0 1 0 4.8M13.5 12a4.3 4.3 0 0 1 4 4",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  close: "m5 5 10 10M15 5 5 15",
  search: "M13.5 8.5a5 5 0 1 1-10 0 5 5 0 0 1 10 0zM12.2 12.2 17 17",
  leave: "M8 4H4v12h4M8 10h9M13.5 6.5 17 10l-3.5 3.5",
  muted: "M3 8v4h3l4 3.5v-11L6 8zM13.5 8l4 4M17.5 8l-4 4",
  music: "M7.5 15V5l8-1.5v10M7.5 15a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM15.5 13.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0z",
  file: "M5 3h6.5L15 6.5V17H5zM11 3v4h4",
  down: "m5 8 5 5 5-5",
  right: "m8 5 5 5-5 5",
  check: "m4 10.5 4 4 8-9",
  download: "M10 3v10M6 9.5l4 4 4-4M4 16.5h12",
  external: "M8 4H4v12h12v-4M11 4h5v5M16 4l-7 7",
  eye: "M2.5 10c3.5-6 11.5-6 15 0-3.5 6-11.5 6-15 0zM12 10a2 2 0 1 1-4 0 2 2 0 0 1 4 0z",
  clock: "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0zM10 6v4l2.7 1.7",
  copy: "M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z",
  person: "M13 6.5a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM4 17a6 6 0 0 1 12 0",
  slash: "M12.5 3 7.5 17",
  send: "M3 10 17 3.5 12.5 17 9.5 11z",
  door: "M5 17V3h7v14M3 17h14M9.5 10h.010M12 5l3 1v11",
};

/** Draw an icon; it says nothing to screen readers, the control around it does. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 20 20");
  drawing.setAttribute("class", `icon icon-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** Make a button that shows only an icon. */
export function tool(name, label, action, props = {}) {
  const listeners = action ? { click: action } : {};
  return h("button.tool", { type: "button", "aria-label": label, title: label, on: listeners, ...props }, icon(name));
}

/** Compare two ids by age. */
export function older(a, b) {
  return a.length === b.length ? a < b : a.length < b.length;
}
