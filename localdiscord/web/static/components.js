// Buttons, menus and the other components of a message.

import { avatar } from "./avatar.js";
import { h, icon } from "./dom.js";
import { picture } from "./embeds.js";
import { openForm } from "./forms.js";
import { entityOptions, openList } from "./listbox.js";
import { emojiOf, localMedia, safeLink } from "./media.js";
import { markdown } from "./markdown.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary", 6: "primary" };
const KINDS = { 5: ["user"], 6: ["role"], 7: ["user", "role"], 8: ["channel"] };
const PLACEHOLDERS = { 3: "Choose", 5: "Choose people", 6: "Choose roles", 7: "Choose people or roles", 8: "Choose channels" };

export function componentRows(message) {
  const components = message.components ?? [];
  return components.length ? h("div.components", {}, components.map((each) => component(each, message))) : null;
}

function component(data, message) {
  return MAKE[data.type]?.(data, message) ?? h("p.elsewhere", {}, `A component of kind ${data.type}, which this page does not show.`);
}

const inner = (data, message) => (data.components ?? []).map((each) => component(each, message));

const MAKE = {
  1: (data, message) => h("div.row", {}, inner(data, message)),
  2: button,
  3: menu,
  5: menu,
  6: menu,
  7: menu,
  8: menu,
  9: (data, message) => h("div.section", {}, h("div.section-text", {}, inner(data, message)), data.accessory && component(data.accessory, message)),
  10: (data) => h("div.text", {}, markdown(data.content)),
  11: (data) => h("div.embed-thumbnail", {}, picture(data.media, { alt: data.description ?? "", small: true })),
  12: (data) => h("div.attachments", { class: data.items.length > 1 ? "many" : "" }, data.items.map((item) => picture(item.media, { alt: item.description ?? "" }))),
  13: (data) => h("div.file", {}, icon("file"), h("a", { href: localMedia(data.file.url), download: data.name ?? true }, data.name ?? "file")),
  14: (data) => h("hr", { class: data.divider === false ? "unseen" : "" }),
  17: (data, message) => h("div.embed.container", { vars: data.accent_color ? { bar: `#${data.accent_color.toString(16).padStart(6, "0")}` } : {} }, inner(data, message)),
};

/** Tell the bot what was done with a component; the control is busy until it has answered. */
async function use(control, message, data, values) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try {
    const answer = await store.ask(values ? "choose" : "click", { channel: message.channel_id, message: message.id, custom_id: data.custom_id, ...(values && { values }) });
    if (answer.form) openForm(answer, control);
  } catch (error) {
    toast(error.message);
  } finally {
    control.removeAttribute("aria-busy");
  }
}

function button(data, message) {
  const words = [data.emoji && emojiOf(data.emoji), data.label && h("span", {}, data.label)];
  const href = data.style === 5 ? safeLink(data.url) : null;
  if (href && !data.disabled) return h("a.button.secondary", { href, target: "_blank", rel: "noopener noreferrer" }, words, icon("external"));
  const control = h("button.button", { type: "button", class: STYLES[data.style], disabled: Boolean(data.disabled), data: { key: `button ${data.custom_id}` }, "aria-label": data.label ? null : data.emoji?.name }, words);
  control.addEventListener("click", () => use(control, message, data));
  return control;
}

function menu(data, message) {
  const control = selectControl(data, (values) => use(control, message, data, values));
  control.dataset.key = `menu ${data.custom_id}`;
  return control;
}

/** Return what a menu offers. */
export function optionsOf(data) {
  if (data.type === 3) {
    return data.options.map((option) => ({ value: option.value, label: option.label, description: option.description, mark: option.emoji ? () => emojiOf(option.emoji) : undefined }));
  }
  const guild = store.guild();
  const people = guild?.members ?? store.channel().recipients ?? [];
  return entityOptions(KINDS[data.type], { guild, people, roles: guild?.roles ?? [], channels: guild?.channels ?? [], avatar, channelTypes: data.channel_types });
}

/** Make the control of a menu, in a message or a form; `chosen` is told the values. */
export function selectControl(data, chosen) {
  const options = optionsOf(data);
  const defaults = data.type === 3 ? data.options.filter((option) => option.default).map((option) => option.value) : (data.default_values ?? []).map((each) => each.id);
  let values = defaults;
  const words = h("span.select-words");
  const control = h("button.select", { type: "button", disabled: Boolean(data.disabled), "aria-haspopup": "listbox", "aria-expanded": "false" }, words, icon("down"));
  const draw = () => {
    const labels = options.filter((option) => values.includes(option.value)).map((option) => option.label);
    words.textContent = labels.join(", ") || data.placeholder || PLACEHOLDERS[data.type];
    control.classList.toggle("empty", !labels.length);
  };
  control.addEventListener("click", () =>
    openList({ anchor: control, label: data.placeholder || PLACEHOLDERS[data.type], options, chosen: values, min: data.min_values ?? 1, max: data.max_values ?? 1,
      done: (picked) => {
        values = picked;
        draw();
        chosen(picked);
      } }));
  control.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    event.stopPropagation();
    control.click();
  });
  draw();
  return control;
}
