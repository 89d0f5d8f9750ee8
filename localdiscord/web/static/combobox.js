// A field in which one types to find what is meant.

import { h } from "./dom.js";
import { Suggest } from "./suggest.js";

const PAUSE = 120; // milliseconds without a key before the source is asked

/**
 * Make a field with suggestions.
 * @param {object} field
 * @param {string} field.heading what stands above the suggestions
 * @param {(typed: string) => object[]|Promise<object[]>} field.source returns options `{value, label, ...}`
 * @param {boolean} field.free whether other text than that of an option is taken as it is
 * @param {boolean} field.required whether the first option is marked before anything is typed
 * @returns {{element: HTMLElement, box: HTMLInputElement, read: () => any, key: (event: KeyboardEvent) => boolean}}
 */
export function combobox({ label, heading, placeholder = "", source, free = false, now = false, required = false }) {
  const box = h("input", { type: "text", "aria-label": label, placeholder, autocomplete: "off" });
  const element = h("div.combobox", {}, box);
  let value;
  let timer;
  let round = 0;
  const suggest = new Suggest(box, element, (option) => {
    clearTimeout(timer);
    round += 1; // what was asked before comes too late
    value = option.value;
    box.value = option.label;
    box.setCustomValidity("");
    box.dispatchEvent(new Event("chosen", { bubbles: true }));
  }, label);
  let stale = false; // whether the list is still that of what stood there before
  const look = async () => {
    const mine = ++round;
    const options = await source(box.value);
    if (mine !== round) return;
    stale = false;
    if (document.activeElement === box) suggest.show(options.slice(0, 25).map((option) => ({ heading, ...option })), { first: required || box.value ? 0 : -1, empty: free ? undefined : "Nothing fits." });
  };
  const soon = () => {
    clearTimeout(timer);
    if (now) look();
    else timer = setTimeout(look, PAUSE);
  };
  box.addEventListener("input", () => {
    value = undefined;
    stale = true;
    soon();
  });
  box.addEventListener("focus", soon);
  box.addEventListener("blur", () => {
    clearTimeout(timer);
    round += 1;
    suggest.hide();
  });
  const read = () => {
    if (value !== undefined) return value;
    const typed = box.value.trim();
    if (!typed || free) return typed || undefined;
    const fitting = suggest.options.filter((option) => option.label.toLowerCase() === typed.toLowerCase());
    return fitting.length === 1 ? fitting[0].value : undefined;
  };
  const key = (event) => {
    if (event.key !== "Tab" && !(stale && event.key === "Enter")) return suggest.key(event);
    if (event.key === "Tab" && !event.shiftKey && !stale && suggest.active >= 0) suggest.take(suggest.active); // and goes on
    else suggest.hide(); // what is typed stands
    return false;
  };
  return { element, box, read, key };
}
