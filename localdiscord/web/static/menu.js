// A menu: arrow keys, Home, End, first letters, Escape.

import { h, icon } from "./dom.js";
import { closeLayer, openLayer } from "./layer.js";

/**
 * Open a menu.
 * @param {Array<{label: string, run: () => void, icon?: string, danger?: boolean}|null|false>} entries null draws a line
 * @param {{x: number, y: number, from?: HTMLElement}} place
 */
export function openMenu(entries, { x, y, from, label = "Actions" }) {
  const menu = h("div.menu", { role: "menu", "aria-label": label }, tidy(entries).map((entry) => (entry ? item(entry) : h("hr", { role: "separator" }))));
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      items.at(next % items.length).focus();
    } else if (event.key === "Tab") closeLayer();
    else if (event.key.length === 1) {
      const letter = event.key.toLowerCase();
      [...items.slice(at + 1), ...items].find((each) => each.textContent.trim().toLowerCase().startsWith(letter))?.focus();
    }
  });
  openLayer(menu, { x, y, back: from });
  items[0]?.focus();
}

function tidy(entries) {
  const wanted = entries.filter((entry) => entry !== false && entry !== undefined);
  return wanted.filter((entry, i) => entry || (i > 0 && wanted[i - 1] && wanted.slice(i).some(Boolean)));
}

function item({ label, run, icon: drawn, danger, note }) {
  const act = () => {
    closeLayer();
    run();
  };
  return h("button.menu-item", { type: "button", role: "menuitem", class: danger ? "danger" : "", on: { click: act } }, h("span.menu-label", {}, label), note && h("span.menu-note", {}, note), drawn && icon(drawn));
}
