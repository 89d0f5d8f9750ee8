// Changing a message where it stands.

import { h } from "./dom.js";
import { store } from "./store.js";
import { kindly } from "./toast.js";

/** Let a text box be as high as its text. */
export function fit(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, innerHeight / 2)}px`;
}

export function editBox(message, done) {
  const box = h("textarea", { value: message.content, rows: 1, maxLength: 2000, "aria-label": "Change your message" });
  const save = async () => {
    const content = box.value.trim();
    if (!content && !message.attachments.length) return;
    if (content !== message.content && (await kindly(store.ask("edit", { channel: message.channel_id, message: message.id, content }))) === undefined) return;
    done();
  };
  box.addEventListener("input", () => fit(box));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      done();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  });
  requestAnimationFrame(() => {
    fit(box);
    box.setSelectionRange(box.value.length, box.value.length);
  });
  return h("div.editing", {}, box, h("p.hint", {}, "Escape to ", h("button.textual", { type: "button", on: { click: done } }, "cancel"), ", Enter to ", h("button.textual", { type: "button", on: { click: save } }, "save")));
}
