// Suggestions at a text box: a list that the arrow keys walk while the focus stays in the box.

import { fill, h } from "./dom.js";

let serial = 0;

export class Suggest {
  /**
   * @param {HTMLElement} box the text box
   * @param {HTMLElement} host what the list is put in
   * @param {(option: object) => void} choose is told what was chosen
   * @param {string} label what is suggested
   */
  constructor(box, host, choose, label) {
    Object.assign(this, { box, choose, options: [], active: 0 });
    this.id = `suggest-${++serial}`;
    this.list = h("div.suggestions", { role: "listbox", id: this.id, "aria-label": label, hidden: true });
    host.append(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.id })) box.setAttribute(name, value);
  }

  get isOpen() {
    return !this.list.hidden;
  }

  /** Show options: `{label, description, note, mark, heading}`; with `first` -1 none is marked until it is gone to. */
  show(options, { first = 0, empty } = {}) {
    this.options = options;
    this.active = Math.min(first, Math.max(0, options.length - 1));
    if (!options.length && !empty) return this.hide();
    let heading = null;
    const rows = [];
    options.forEach((option, i) => {
      if (option.heading && option.heading !== heading) rows.push(h("div.suggest-heading", { role: "presentation" }, (heading = option.heading)));
      rows.push(this.row(option, i));
    });
    fill(this.list, rows, !options.length && h("p.nothing", {}, empty));
    this.list.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    return this.mark();
  }

  row(option, i) {
    return h("div.option", { role: "option", id: `${this.id}-${i}`, data: { index: i }, on: {
      pointerdown: (event) => event.preventDefault(), // the focus stays in the box
      click: () => this.take(i),
      pointermove: () => this.active !== i && this.mark((this.active = i)),
    } }, option.mark?.(), h("span.option-words", {}, h("span.option-label", {}, option.label), option.description && h("span.option-note", {}, option.description)), option.note && h("span.option-side", {}, option.note));
  }

  mark() {
    for (const row of this.list.querySelectorAll("[role=option]")) {
      const on = Number(row.dataset.index) === this.active;
      row.classList.toggle("active", on);
      row.setAttribute("aria-selected", String(on));
      if (on) row.scrollIntoView({ block: "nearest" });
    }
    if (this.active >= 0 && this.options.length) this.box.setAttribute("aria-activedescendant", `${this.id}-${this.active}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  hide() {
    this.list.hidden = true;
    this.list.replaceChildren();
    this.options = [];
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }

  take(i) {
    const option = this.options[i];
    this.hide();
    if (option) this.choose(option);
  }

  /** Take a key; tells whether it was for the list. */
  key(event) {
    if (!this.isOpen || event.isComposing) return false;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && this.options.length) {
      const from = this.active < 0 && event.key === "ArrowUp" ? 0 : this.active;
      this.active = (from + steps[event.key] + this.options.length) % this.options.length;
      this.mark();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && this.active >= 0 && this.options.length) this.take(this.active);
    else if (event.key === "Escape") this.hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
