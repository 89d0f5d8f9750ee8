// A list to choose from: one or several, with a filter where it is long.

import { add, fill, h, icon } from "./dom.js";
import { closeLayer, openLayer } from "./layer.js";

const LONG = 8;
let serial = 0;

/**
 * Open a list at a control.
 * @param {object} choice
 * @param {HTMLElement} choice.anchor
 * @param {string} choice.label
 * @param {Array<{value: string, label: string, description?: string, mark?: () => Node}>} choice.options
 * @param {string[]} choice.chosen values
 * @param {number} choice.min
 * @param {number} choice.max
 * @param {(values: string[]) => void} choice.done told what was chosen, when the list is left
 */
export function openList({ anchor, label, options, chosen, min, max, done }) {
  const id = `list-${++serial}`;
  const multiple = max > 1;
  const picked = new Set(chosen);
  let active = 0;
  let shown = options;
  let finished = false;

  const list = h("div.options", { role: "listbox", id, "aria-label": label, "aria-multiselectable": String(multiple), tabIndex: -1 });
  const filter = h("input.filter", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": id, "aria-autocomplete": "list", "aria-label": `Search: ${label}`, placeholder: "Search", readOnly: options.length <= LONG });
  const finish = () => {
    finished = true;
    closeLayer();
    done([...picked]);
  };
  const ready = h("button.primary.small", { type: "button", on: { click: finish } }, "Done");
  const count = h("span.count-note");
  const box = h("div.listbox", { class: options.length <= LONG ? "short" : "" }, filter, list, multiple && h("footer", {}, count, ready));

  const toggle = (option) => {
    if (!multiple) {
      picked.clear();
      picked.add(option.value);
      return finish();
    }
    if (picked.has(option.value)) picked.delete(option.value);
    else if (picked.size < max) picked.add(option.value);
    return draw();
  };
  const draw = () => {
    fill(list, shown.length ? shown.map(row) : h("p.nothing", {}, "Nothing fits."));
    filter.setAttribute("aria-activedescendant", shown.length ? `${id}-${active}` : "");
    list.querySelector(".active")?.scrollIntoView({ block: "nearest" });
    ready.disabled = picked.size < min;
    count.textContent = min === max ? `${picked.size} of ${max}` : `${picked.size} chosen, ${min} to ${max}`;
  };
  const row = (option, i) => {
    const on = picked.has(option.value);
    return h("div.option", { role: "option", id: `${id}-${i}`, "aria-selected": String(on), class: `${i === active ? "active" : ""} ${on ? "on" : ""}`,
      on: { click: () => toggle(option), pointermove: () => { if (active !== i) { active = i; draw(); } } } },
      option.mark?.(), h("span.option-words", {}, h("span.option-label", {}, option.label), option.description && h("span.option-note", {}, option.description)),
      multiple ? h("span.tick", {}, on && icon("check")) : on && h("span.tick.bare", {}, icon("check")));
  };
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase();
    shown = options.filter((option) => `${option.label} ${option.description ?? ""}`.toLowerCase().includes(words));
    active = 0;
    draw();
  });
  box.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in moves && shown.length) {
      event.preventDefault();
      active = Math.abs(moves[event.key]) === 1 ? (active + moves[event.key] + shown.length) % shown.length : Math.max(0, Math.min(shown.length - 1, active + moves[event.key]));
      draw();
    } else if ((event.key === "Enter" || (event.key === " " && filter.readOnly)) && event.target === filter) {
      event.preventDefault();
      if (event.key === "Enter" && multiple && (event.ctrlKey || picked.has(shown[active]?.value)) && picked.size >= min) finish();
      else if (shown[active]) toggle(shown[active]);
    }
  });
  draw();
  openLayer(box, { anchor, back: anchor, closed: () => {
    const changed = picked.size !== chosen.length || chosen.some((value) => !picked.has(value));
    if (!finished && multiple && changed && picked.size >= min) done([...picked]);
  } });
  filter.focus();
}

/** Return what may be chosen from in a menu of people, roles or channels. */
export function entityOptions(kinds, { guild, people, roles, channels, avatar, channelTypes }) {
  const options = [];
  if (kinds.includes("user")) for (const person of people) options.push({ value: person.id, label: person.name, description: `@${person.username}`, mark: () => avatar(person) });
  if (kinds.includes("role")) {
    for (const role of roles) {
      if (role.id === guild?.id) continue;
      options.push({ value: role.id, label: role.name, description: "role", mark: () => h("span.role-dot", { vars: role.color ? { role: `#${role.color.toString(16).padStart(6, "0")}` } : {} }) });
    }
  }
  if (kinds.includes("channel")) {
    for (const channel of channels) {
      if (channelTypes?.length && !channelTypes.includes(channel.type)) continue;
      options.push({ value: channel.id, label: channel.name, mark: () => add(h("span.option-icon"), [icon(channel.type === 2 ? "voice" : channel.type > 9 && channel.type < 13 ? "thread" : channel.type === 4 ? "down" : "hash")]) });
    }
  }
  return options;
}
