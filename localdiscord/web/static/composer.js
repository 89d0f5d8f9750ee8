// Where one writes: text, files, replies, suggestions, and commands.

import { avatar } from "./avatar.js";
import { CommandForm } from "./command.js";
import { by, fill, h, icon, tool } from "./dom.js";
import { fit } from "./editing.js";
import { findEmoji, openEmojiPicker } from "./emoji.js";
import { sendFile } from "./files.js";
import { iconOf, isCategory } from "./kinds.js";
import { sizeOf } from "./media.js";
import { store } from "./store.js";
import { Suggest } from "./suggest.js";
import { kindly, toast } from "./toast.js";

const LONGEST = 2000;
const TYPING_EVERY = 8000;
const MOST_FILES = 10;

export class Composer {
  constructor(timeline) {
    this.timeline = timeline;
    this.files = [];
    this.replyTo = null;
    this.command = null;
    this.drafts = new Map();
    this.typed = 0;
    this.build();
  }

  build() {
    this.form = by("composer");
    this.entry = h("textarea", { id: "entry", rows: 1, "aria-label": "Message", on: { input: () => this.changed(), keydown: (event) => this.key(event), paste: (event) => this.pasted(event), click: () => this.suggestNow() } });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Files to send", on: { change: () => this.add(this.picker.files) } });
    this.reply = h("div.reply-bar", { hidden: true });
    this.chips = h("ul.chips", { hidden: true, "aria-label": "Files to send" });
    this.slot = h("div.command-slot", { hidden: true });
    this.count = h("span.char-count", { "aria-live": "polite" });
    this.attach = tool("plus", "Attach files", () => this.picker.click());
    this.sendButton = tool("send", "Send", () => this.send(), { class: "send" });
    this.row = h("div.entry-row", {}, this.attach, this.entry, this.count, tool("smile", "Emoji", (event) => openEmojiPicker(event.currentTarget, (sign) => this.insert(sign))), this.sendButton);
    fill(this.form, this.reply, this.chips, h("div.entry-box", {}, this.slot, this.row), this.picker);
    this.suggest = new Suggest(this.entry, this.form, (option) => option.take(), "Suggestions");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.entry.addEventListener("blur", () => this.suggest.hide());
    for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => this.dropped(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
  }

  /** Go along to another channel: what was begun stays with the old one. */
  show(channel, before) {
    if (before) this.drafts.set(before, this.entry.value);
    this.leaveCommand(false);
    this.setReply(null);
    this.files = [];
    this.drawFiles();
    this.entry.value = this.drafts.get(channel.id) ?? "";
    this.refresh();
    this.changed(false);
  }

  refresh() {
    const channel = store.channel();
    const allowed = store.can("send");
    this.form.classList.toggle("shut", !allowed);
    this.entry.disabled = !allowed;
    this.entry.placeholder = allowed ? `Message ${channel.guild ? "#" : ""}${channel.name}` : "You may not write here.";
    this.attach.disabled = !allowed || !store.can("attach");
  }

  // -- text ------------------------------------------------------------------------------------------------------

  changed(byHand = true) {
    fit(this.entry);
    const left = LONGEST - this.entry.value.length;
    this.count.textContent = left < 200 ? String(left) : "";
    this.count.classList.toggle("over", left < 0);
    this.form.classList.toggle("filled", Boolean(this.entry.value.trim() || this.files.length));
    if (!byHand) return;
    this.suggestNow();
    if (this.entry.value.trim() && !this.entry.value.startsWith("/") && Date.now() - this.typed > TYPING_EVERY) {
      this.typed = Date.now();
      store.ask("typing", { channel: store.here }).catch(() => {});
    }
  }

  insert(words) {
    const { selectionStart: from, selectionEnd: to } = this.entry;
    this.entry.setRangeText(words, from, to, "end");
    this.entry.focus();
    this.changed();
  }

  key(event) {
    if (this.looking && this.entry.value.startsWith("/") && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      this.looking.keys.push(event.key); // they are for the offers that are on their way
      return;
    }
    if (this.suggest.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !event.altKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && !this.entry.value && !event.shiftKey) {
      if (this.timeline.editLast()) event.preventDefault();
    } else if (event.key === "Escape") {
      if (this.replyTo) this.setReply(null);
      else this.timeline.toEnd();
    }
  }

  async send() {
    const content = this.entry.value.trim();
    if (!content && !this.files.length) return;
    if (content.length > LONGEST) {
      toast(`A message has at most ${LONGEST} characters; this one has ${content.length}.`);
      return;
    }
    const { files, replyTo } = this;
    const draft = { channel: store.here, content: withMentions(content), files: [], reply: replyTo?.message.id ?? null, ping: replyTo?.ping ?? true };
    const kept = this.entry.value;
    this.entry.value = "";
    this.files = [];
    this.typed = 0;
    this.drawFiles();
    this.setReply(null);
    this.changed(false);
    try {
      draft.files = (await Promise.all(files.map(sendFile))).map((file) => file.key);
      await store.ask("say", draft);
    } catch (error) {
      toast(error.message);
      if (this.entry.value || store.here !== draft.channel) return;
      this.entry.value = kept;
      this.files = files;
      this.drawFiles();
      this.changed(false);
    }
  }

  // -- replies and files --------------------------------------------------------------------------------------------

  setReply(message) {
    this.replyTo = message ? { message, ping: true } : null;
    this.reply.hidden = !message;
    if (!message) return;
    const name = store.member(message.author.id)?.name ?? message.author.username;
    const ping = h("button.textual", { type: "button", "aria-pressed": "true", on: { click: () => {
      this.replyTo.ping = !this.replyTo.ping;
      ping.setAttribute("aria-pressed", String(this.replyTo.ping));
      ping.textContent = this.replyTo.ping ? "@ on" : "@ off";
    } }, title: "Whether they are mentioned" }, "@ on");
    fill(this.reply, icon("reply"), h("span", {}, "Replying to ", h("b", {}, name)), h("span.gap"), ping, tool("close", "Do not reply", () => {
      this.setReply(null);
      this.entry.focus();
    }));
    this.entry.focus();
  }

  add(files) {
    for (const file of files) {
      if (this.files.length >= MOST_FILES) toast(`A message has at most ${MOST_FILES} files.`);
      else this.files.push(file);
    }
    this.picker.value = "";
    this.drawFiles();
    this.changed(false);
    this.entry.focus();
  }

  drawFiles() {
    for (const image of this.chips.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.chips.hidden = !this.files.length;
    fill(this.chips, this.files.map((file) => h("li.chip", {}, file.type.startsWith("image/") ? h("img", { src: URL.createObjectURL(file), alt: "" }) : icon("file"),
      h("span.chip-name", {}, file.name), h("span.chip-size", {}, sizeOf(file.size)), tool("close", `Do not send ${file.name}`, () => {
        this.files.splice(this.files.indexOf(file), 1);
        this.drawFiles();
        this.changed(false);
      }))));
  }

  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || !store.can("attach")) return;
    event.preventDefault();
    this.add(files);
  }

  dropped(event) {
    if (!event.dataTransfer?.types.includes("Files") || !store.here) return;
    event.preventDefault();
    const over = event.type === "dragover";
    document.body.classList.toggle("dropping", over && store.can("attach"));
    if (over) return;
    if (store.can("attach")) this.add(event.dataTransfer.files);
    else toast("You may not send files here.");
  }

  // -- suggestions ----------------------------------------------------------------------------------------------------

  suggestNow() {
    const before = this.entry.value.slice(0, this.entry.selectionStart);
    if (before.startsWith("/") && !before.includes("\n") && store.can("commands")) return this.suggestCommands();
    const found = /(?:^|\s)([@#:])([^\s@#:]*)$/.exec(before);
    const source = found && SOURCES[found[1]];
    const options = source ? source(found[2].toLowerCase()) : [];
    return this.suggest.show(options.slice(0, 10).map((option) => ({ ...option, take: () => this.complete(found[2].length + 1, option.text) })));
  }

  complete(length, text) {
    const at = this.entry.selectionStart;
    this.entry.setRangeText(`${text} `, at - length, at, "end");
    this.changed(false);
  }

  /** Offer the commands of this channel; each time the list opens anew they are asked for, once. */
  suggestCommands() {
    const channel = store.here;
    if (this.offers?.channel === channel && this.suggest.isOpen) return this.showCommands();
    if (this.looking?.channel === channel) return undefined;
    const looking = (this.looking = { channel, keys: [] });
    return kindly(store.ask("commands", { channel })).then((list) => {
      if (this.looking !== looking) return;
      this.looking = null;
      if (!list || store.here !== channel) return;
      this.offers = { channel, list };
      this.showCommands();
      for (const key of looking.keys) {
        if (this.command) key === "Enter" && this.command.send();
        else if (this.suggest.isOpen) this.suggest.take(this.suggest.active);
      }
    });
  }

  /** Show which commands fit what is typed by now. */
  showCommands() {
    if (!this.entry.value.startsWith("/")) return;
    const typed = this.entry.value.slice(1, this.entry.selectionStart);
    const words = typed.toLowerCase().trim();
    const rank = (offer) => (offer.shown.startsWith(words) || offer.name.startsWith(words) ? 0 : offer.shown.includes(words) || offer.name.includes(words) ? 1 : offer.description.toLowerCase().includes(words) ? 2 : 3);
    const fitting = this.offers.list.map((offer) => [rank(offer), offer]).filter(([order]) => order < 3);
    fitting.sort(([a, x], [b, y]) => a - b || x.shown.localeCompare(y.shown));
    this.suggest.show(fitting.map(([, offer]) => ({ label: `/${offer.shown}`, description: offer.description, note: offer.botName, take: () => this.enterCommand(offer) })), { empty: typed.includes(" ") ? undefined : "There is no such command here." });
  }

  // -- commands ---------------------------------------------------------------------------------------------------------

  enterCommand(offer) {
    this.entry.value = "";
    this.changed(false);
    this.command = new CommandForm(offer, () => this.leaveCommand());
    fill(this.slot, this.command.element);
    this.slot.hidden = false;
    this.row.hidden = true;
    this.command.focus();
  }

  leaveCommand(focus = true) {
    if (!this.command) return;
    this.command = null;
    this.slot.hidden = true;
    this.row.hidden = false;
    fill(this.slot);
    if (focus) this.entry.focus();
  }
}

/** Turn names that were typed in full, `@Alice` or `#general`, into mentions; the longest name that fits is meant. */
function withMentions(content) {
  const options = ["@", "#"].flatMap((sign) => SOURCES[sign]("").map(({ label, text }) => [`${sign}${label.replace(/^@/, "")}`, text]));
  const mentions = new Map(options.map(([name, text]) => [name.toLowerCase(), text]));
  const names = [...mentions.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!names.length) return content;
  return content.replace(new RegExp(`(?<![^\\s(])(?:${names.join("|")})(?![\\p{L}\\p{N}_-])`, "giu"), (name) => mentions.get(name.toLowerCase()) ?? name);
}

const SOURCES = {
  "@": (typed) => {
    const guild = store.guild();
    const people = (guild?.members ?? store.channel().recipients ?? []).filter((person) => `${person.name} ${person.username}`.toLowerCase().includes(typed));
    const roles = (guild?.roles ?? []).filter((role) => role.id !== guild.id && role.mentionable && role.name.toLowerCase().includes(typed));
    return [
      ...people.map((person) => ({ label: person.name, note: `@${person.username}`, text: `<@${person.id}>`, mark: () => avatar(person) })),
      ...roles.map((role) => ({ label: `@${role.name}`, note: "role", text: `<@&${role.id}>` })),
    ];
  },
  "#": (typed) => (store.guild()?.channels ?? []).filter((channel) => !isCategory(channel) && channel.name.toLowerCase().includes(typed))
    .map((channel) => ({ label: channel.name, text: `<#${channel.id}>`, mark: () => h("span.option-icon", {}, iconOf(channel)) })),
  ":": (typed) => (typed.length < 2 ? [] : findEmoji(typed).map((each) => ({ label: `:${each.name}:`, text: each.sign, mark: () => h("span.emoji", {}, each.sign) }))),
};
