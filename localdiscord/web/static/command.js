// A slash command being filled in: one field for each option.

import { avatar } from "./avatar.js";
import { combobox } from "./combobox.js";
import { h, tool } from "./dom.js";
import { sendFile } from "./files.js";
import { openForm } from "./forms.js";
import { entityOptions } from "./listbox.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

const STRING = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, NUMBER = 10, ATTACHMENT = 11;
const ENTITIES = { [USER]: ["user"], [CHANNEL]: ["channel"], [ROLE]: ["role"], [MENTIONABLE]: ["user", "role"] };

export class CommandForm {
  /**
   * @param {object} offer the command
   * @param {() => void} leave goes back to writing
   */
  constructor(offer, leave) {
    this.offer = offer;
    this.leave = leave;
    this.channel = store.here;
    this.fields = offer.options.map((option) => this.field(option));
    this.note = h("p.form-note", { role: "alert", hidden: true });
    this.sendButton = tool("send", "Use the command", () => this.send(), { class: "send ready" });
    this.element = h("div.command", { role: "group", "aria-label": `Command /${offer.shown}`, on: { keydown: (event) => this.key(event), chosen: () => this.goOn() } },
      h("header", {}, h("b.command-name", {}, `/${offer.shown}`), h("span.command-about", {}, offer.description), tool("close", "Leave the command", leave)),
      h("div.command-fields", {}, this.fields.map((field) => field.element), this.sendButton),
      this.note,
      h("p.hint", {}, "Enter to send, Escape to leave"));
  }

  focus() {
    // What is optional does not stand in the way: Enter sends at once, and Shift+Tab goes back to the options.
    (this.fields.find((field) => field.option.required)?.box ?? this.sendButton).focus();
  }

  /** After a choice go to the next option that is required and empty, if there is one. */
  goOn() {
    this.fields.find((field) => field.option.required && field.read() === undefined && !field.box.value)?.box.focus();
  }

  field(option) {
    const made = option.choices.length || option.autocomplete || option.type === BOOLEAN || option.type in ENTITIES ? this.chooser(option) : option.type === ATTACHMENT ? fileField(option) : textField(option);
    const label = h("span.option-name", {}, option.shown, option.required && h("span.needed", { "aria-hidden": "true" }, "*"));
    made.box.setAttribute("aria-label", `${option.shown}${option.required ? ", required" : ", optional"}: ${option.description}`);
    made.box.setAttribute("aria-required", String(Boolean(option.required)));
    made.box.title = option.description;
    made.box.placeholder = option.description;
    return { option, ...made, element: h("label.option-field", { class: option.required ? "" : "optional" }, label, made.element) };
  }

  chooser(option) {
    const shared = { label: option.shown, required: option.required, heading: `${option.shown} — ${option.description}` };
    const fitting = (options) => (typed) => options.filter((each) => each.label.toLowerCase().includes(typed.toLowerCase()));
    if (option.choices.length) return combobox({ ...shared, now: true, source: fitting(option.choices.map((choice) => ({ value: choice.value, label: choice.shown }))) });
    if (option.type === BOOLEAN) return combobox({ ...shared, now: true, source: fitting([{ value: true, label: "True" }, { value: false, label: "False" }]) });
    if (option.autocomplete) return combobox({ ...shared, free: true, source: (typed) => this.complete(option, typed) });
    const guild = store.guild();
    const people = guild?.members ?? store.channel().recipients ?? [];
    return combobox({ ...shared, now: true, source: fitting(entityOptions(ENTITIES[option.type], { guild, people, roles: guild?.roles ?? [], channels: guild?.channels ?? [], avatar, channelTypes: option.channel_types })) });
  }

  async complete(option, typed) {
    try {
      const choices = await store.ask("autocomplete", { channel: this.channel, name: this.offer.name, bot: this.offer.bot, option: option.name, typed, options: this.values(false) });
      return choices.map((choice) => ({ value: choice.value, label: choice.name_localizations?.[store.me.locale] ?? choice.name }));
    } catch {
      return [];
    }
  }

  /** Return the values by option; with `strict`, refuse what is missing or unfit, and go there. */
  values(strict) {
    const values = {};
    for (const { option, read, box } of this.fields) {
      const value = read();
      const typed = box.type === "file" ? "" : box.value.trim();
      const problem = value === undefined && typed ? `${option.shown}: “${typed}” is not one of the choices.` : value === undefined && option.required ? `${option.shown} is required.` : problemOf(option, value);
      if (strict && problem) {
        box.focus();
        box.setAttribute("aria-invalid", "true");
        throw new Error(problem);
      }
      box.removeAttribute("aria-invalid");
      if (value !== undefined && !(value instanceof File)) values[option.name] = value;
    }
    return values;
  }

  key(event) {
    const field = this.fields.find((each) => each.box === event.target);
    if (field?.key?.(event)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.leave();
    } else if (event.key === "Enter" && field) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Backspace" && field && !field.box.value && field === this.fields[0]) this.leave();
  }

  async send() {
    if (this.busy) return;
    try {
      const options = this.values(true);
      this.busy = true;
      for (const { option, read } of this.fields) {
        const value = read();
        if (value instanceof File) options[option.name] = (await sendFile(value)).key;
      }
      this.leave();
      const answer = await store.ask("slash", { channel: this.channel, name: this.offer.name, bot: this.offer.bot, options });
      if (answer.form) openForm(answer, document.getElementById("entry"));
    } catch (error) {
      if (this.element.isConnected) {
        this.note.textContent = error.message;
        this.note.hidden = false;
      } else toast(error.message);
    } finally {
      this.busy = false;
    }
  }
}

function problemOf(option, value) {
  if (value === undefined || option.choices.length) return null;
  if (option.type === STRING) {
    const low = option.min_length ?? 0;
    const high = option.max_length ?? 6000;
    if (value.length < low || value.length > high) return `${option.shown} takes ${low} to ${high} characters.`;
  }
  if ((option.type === INTEGER || option.type === NUMBER) && !option.autocomplete) {
    if (!Number.isFinite(value) || (option.type === INTEGER && !Number.isInteger(value))) return `${option.shown} takes a ${option.type === INTEGER ? "whole " : ""}number.`;
    if (value < (option.min_value ?? -Infinity)) return `${option.shown} is at least ${option.min_value}.`;
    if (value > (option.max_value ?? Infinity)) return `${option.shown} is at most ${option.max_value}.`;
  }
  return null;
}

function textField(option) {
  const numeric = option.type !== STRING;
  const box = h("input", { type: "text", inputMode: numeric ? "decimal" : "text", autocomplete: "off" });
  return { element: box, box, read: () => {
    const typed = box.value.trim();
    return typed ? (numeric ? Number(typed.replace(",", ".")) : typed) : undefined;
  } };
}

function fileField() {
  const box = h("input", { type: "file" });
  return { element: box, box, read: () => box.files[0] };
}
