// Short notes at the edge of the page: what was refused, and why.

import { by, h, tool } from "./dom.js";

const SECONDS = 7;

export function toast(sentence, kind = "bad") {
  const note = h("div.toast", { class: kind }, h("p", {}, sentence), tool("close", "Close this note", () => note.remove()));
  by("toasts").append(note);
  while (by("toasts").children.length > 4) by("toasts").firstChild.remove();
  setTimeout(() => note.remove(), SECONDS * 1000);
}

/** Wait for something; what is refused is shown, and undefined returned (an answer of nothing is null). */
export async function kindly(promise) {
  try {
    return await promise;
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}
