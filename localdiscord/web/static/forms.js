// Forms that a bot opens, and the page's own questions.

import { selectControl } from "./components.js";
import { h, tool } from "./dom.js";
import { fit } from "./editing.js";
import { sendFile } from "./files.js";
import { markdown } from "./markdown.js";
import { store } from "./store.js";

let serial = 0;

/** Open a dialog; resolves when it is closed. */
export function openDialog({ title, body, buttons = [], opener = document.activeElement, submit, wide }) {
  const id = `dialog-${++serial}`;
  const note = h("p.form-note", { role: "alert", hidden: true });
  const form = h("form", { method: "dialog", noValidate: false },
    h("header", {}, h("h2", { id }, title), tool("close", "Close", () => dialog.close())), h("div.dialog-body", {}, body), note,
    buttons.length > 0 && h("footer", {}, buttons));
  const dialog = h("dialog", { "aria-labelledby": id, class: wide ? "wide" : "" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    note.hidden = true;
    try {
      await submit?.(event.submitter);
      dialog.returnValue = "done";
      dialog.close("done");
    } catch (error) {
      note.textContent = error.message;
      note.hidden = false;
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      // The browser gives the focus back while the page is still inert; Chromium then takes no text until it comes anew.
      const { activeElement: active } = document;
      if (opener?.isConnected && (active === opener || active === document.body)) {
        active.blur();
        opener.focus({ preventScroll: true });
      }
      resolve(dialog.returnValue);
    });
  });
  return { dialog, closed };
}

/** Ask before something that cannot be undone; resolves with whether to go on. */
export async function confirmed(title, words, action) {
  const { closed, dialog } = openDialog({ title, body: h("p", {}, words), submit: () => {}, buttons: [h("button.button.secondary", { type: "button", on: { click: (event) => event.currentTarget.closest("dialog").close() } }, "Cancel"), h("button.button.danger", { type: "submit" }, action)] });
  dialog.querySelector("[type=submit]").focus();
  return (await closed) === "done";
}

/** Open a form of a bot, and send it. */
export function openForm({ form, interaction }, opener) {
  const readers = [];
  const fields = form.components.map((each) => fieldOf(each, readers));
  const cancel = h("button.button.secondary", { type: "button", on: { click: () => dialog.close() } }, "Cancel");
  const submit = async () => {
    const values = Object.fromEntries(await Promise.all(readers.map(async ([custom_id, read]) => [custom_id, await read()])));
    const answer = await store.ask("submit", { interaction, values });
    if (answer.form) openForm(answer, opener);
  };
  const { dialog, closed } = openDialog({ title: form.title, body: fields, opener, submit, buttons: [cancel, h("button.button.primary", { type: "submit" }, "Submit")] });
  dialog.querySelector("input, textarea, .select")?.focus();
  closed.then((how) => {
    if (how !== "done") store.ask("close", { interaction }).catch(() => {});
  });
}

function fieldOf(data, readers) {
  if (data.type === 1) return data.components.map((each) => labelled(each.label, null, each, readers));
  if (data.type === 18) return labelled(data.label, data.description, data.component, readers);
  if (data.type === 10) return h("div.text", {}, markdown(data.content));
  return h("p.elsewhere", {}, `A field of kind ${data.type}, which this page does not show.`);
}

function labelled(label, description, data, readers) {
  const id = `field-${++serial}`;
  const control = CONTROLS[data.type]?.(data, (read) => readers.push([data.custom_id, read]));
  if (!control) return h("p.elsewhere", {}, `A field of kind ${data.type}, which this page does not show.`);
  control.id = id;
  control.setAttribute("aria-label", label);
  return h("div.field", {}, h("label", { htmlFor: id }, label, data.required !== false && h("span.needed", { "aria-hidden": "true" }, " *")), description && h("p.field-note", {}, description), control);
}

const CONTROLS = {
  4: (data, reads) => {
    const limits = { minLength: data.min_length || 0, maxLength: data.max_length ?? 4000 };
    const shared = { value: data.value ?? "", placeholder: data.placeholder ?? "", required: data.required !== false, ...limits, data: { custom: data.custom_id } };
    const box = data.style === 2 ? h("textarea", { rows: 4, ...shared }) : h("input", { type: "text", ...shared });
    if (data.style === 2) box.addEventListener("input", () => fit(box));
    reads(() => box.value);
    return box;
  },
  19: (data, reads) => {
    let keys = []; // of what was sent, or the promise of them
    const box = h("input", { type: "file", required: data.required !== false, multiple: (data.max_values ?? 1) > 1 });
    box.addEventListener("change", () => (keys = Promise.all([...box.files].map(async (file) => (await sendFile(file)).key))));
    reads(() => keys);
    return box;
  },
};

/** Make the boxes of a choice in full view: one of them, or several. */
function boxes(data, kind, reads) {
  const name = `boxes-${++serial}`;
  const inputs = data.options.map((option) => h("input", { type: kind, name, value: option.value, checked: Boolean(option.default) }));
  const chosen = () => inputs.filter((input) => input.checked).map((input) => input.value);
  reads(() => (kind === "radio" ? chosen()[0] ?? null : chosen()));
  return h("div.boxes", { role: kind === "radio" ? "radiogroup" : "group" }, data.options.map((option, i) =>
    h("label", {}, inputs[i], h("span.option-words", {}, option.label, option.description && h("span.option-note", {}, option.description)))));
}

CONTROLS[21] = (data, reads) => boxes(data, "radio", reads);
CONTROLS[22] = (data, reads) => boxes(data, "checkbox", reads);
CONTROLS[23] = (data, reads) => {
  const box = h("input", { type: "checkbox", checked: Boolean(data.default) });
  reads(() => box.checked);
  return box;
};
for (const type of [3, 5, 6, 7, 8]) {
  CONTROLS[type] = (data, reads) => {
    let values = data.type === 3 ? data.options.filter((option) => option.default).map((option) => option.value) : (data.default_values ?? []).map((each) => each.id);
    reads(() => values);
    return selectControl(data, (picked) => (values = picked));
  };
}
