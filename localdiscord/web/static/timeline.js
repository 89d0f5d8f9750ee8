// The messages of the channel in view: loading, adding, changing, and where the reader stands among them.

import { by, fill, h, older } from "./dom.js";
import { editBox } from "./editing.js";
import { iconOf, isForum, isThread, isVoice } from "./kinds.js";
import { continues, isOwn, messageRow, momentOf, showActions } from "./message.js";
import { store } from "./store.js";
import { dayOf, isSameDay } from "./time.js";
import { kindly } from "./toast.js";

const PAGE = 50;
const MOST_ROWS = 300; // at the end of a channel older rows go, so that a busy channel stays quick
const NEAR = 600; // pixels from the top at which older messages are loaded

/** Return the title and the words with which a channel begins. */
function startOf(channel) {
  if (!channel.guild) return [channel.name, `Your messages with ${channel.name} begin here.`];
  if (isThread(channel)) return [channel.name, "The thread begins here."];
  const begin = isForum(channel) ? "Its posts are threads." : "The channel begins here.";
  return [`Welcome to ${isVoice(channel) ? "" : "#"}${channel.name}`, channel.topic || begin];
}

export class Timeline {
  constructor() {
    this.scroller = by("scroller");
    this.element = by("log");
    this.rows = new Map();
    this.channel = null;
    this.divider = null;
    this.hooks = {
      reply: (message) => this.onreply?.(message),
      edit: (message) => this.edit(message),
      remove: (message) => kindly(store.ask("delete", { channel: message.channel_id, message: message.id })),
      dismiss: (message) => this.dismiss(message),
    };
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("focusin", (event) => this.rove(event.target.closest(".message")));
    for (const type of ["pointerover", "focusin"]) this.element.addEventListener(type, (event) => this.equip(event.target.closest(".message")));
    by("latest").addEventListener("click", () => this.toEnd());
  }

  get log() {
    return store.log(this.channel);
  }

  get atEnd() {
    return this.scroller.scrollTop > -80;
  }

  /** Show a channel from its end. */
  async show(channel, unreadFrom = null) {
    this.channel = channel;
    this.unreadFrom = unreadFrom;
    this.render();
    this.toEnd();
    if (!this.log.loaded) await this.load();
  }

  render() {
    this.rows.clear();
    this.divider = null;
    this.element.replaceChildren();
    this.drawStart();
    for (let i = 0; i < this.log.items.length; i += 1) this.insert(i);
    this.rove(null);
    this.scrolled();
  }

  async load() {
    const { channel, log } = this;
    if (log.loading || log.whole) return log.loading;
    const before = log.items[0]?.id ?? null;
    log.loading = store.ask("history", { channel, before, limit: PAGE });
    const answer = await kindly(log.loading);
    log.loading = null;
    if (!answer) return undefined;
    log.loaded = true;
    log.whole = answer.whole;
    for (const message of answer.messages) log.put(message);
    if (channel === this.channel) this.prepend(answer.messages.length && before ? answer.messages : null);
    return undefined;
  }

  /** Put loaded history in front; the scroller is anchored at its end, so that nothing moves. */
  prepend(messages) {
    if (!messages) return this.render();
    const before = this.scroller.scrollTop;
    for (const message of messages) this.insert(this.log.items.indexOf(message));
    this.regroup(messages.length);
    this.drawStart();
    this.scroller.scrollTop = before;
    return undefined;
  }

  /** Take a message that is new or has changed. */
  put(message) {
    const log = store.log(message.channel_id);
    if (!log.loaded && !log.items.length) return false;
    const { index, fresh } = log.put(message);
    if (message.channel_id !== this.channel) return fresh;
    if (!fresh) this.replace(message, index);
    else {
      this.insert(index);
      this.regroup(index + 1);
      this.grown = true;
      this.follow ||= isOwn(message);
    }
    return fresh;
  }

  /** Take several pieces of news with one look at the layout: a busy channel costs no more than a quiet one. */
  together(take) {
    this.follow = this.atEnd;
    this.grown = false;
    take();
    if (!this.grown) return;
    if (!this.element.contains(document.activeElement)) this.rove(null); // Tab comes to the newest message
    if (this.follow) this.toEnd();
    if (this.follow && this.rows.size > MOST_ROWS) this.trim(this.rows.size - MOST_ROWS + PAGE);
    this.scrolled();
  }

  drop(channel, ids) {
    const log = store.log(channel);
    for (const id of ids) {
      const index = log.items.indexOf(log.known.get(id));
      if (!log.drop(id) || channel !== this.channel) continue;
      this.rows.get(id)?.remove();
      this.rows.delete(id);
      this.regroup(index);
    }
    this.rove(null);
    if (channel === this.channel) this.drawStart();
  }

  dismiss(message) {
    this.hooks.remove(message);
    this.drop(message.channel_id, [message.id]);
    by("entry")?.focus();
  }

  trim(count) {
    for (const message of this.log.items.slice(0, count)) {
      this.rows.get(message.id)?.remove();
      this.rows.delete(message.id);
    }
    this.log.trim(count);
    this.regroup(0);
    this.drawStart();
  }

  insert(index) {
    const message = this.log.items[index];
    const row = messageRow(message, this.hooks);
    this.rows.set(message.id, row);
    this.group(row, index);
    const next = this.log.items[index + 1];
    this.element.insertBefore(row, next ? this.rows.get(next.id) ?? null : null);
  }

  replace(message, index) {
    const old = this.rows.get(message.id);
    if (!old || old.querySelector(".editing")) return;
    const key = old.contains(document.activeElement) ? document.activeElement.dataset.key ?? "" : null;
    const row = messageRow(message, this.hooks);
    row.tabIndex = old.tabIndex;
    if (old.matches(":hover, :focus-within")) showActions(row, message, this.hooks);
    this.group(row, index);
    this.rows.set(message.id, row);
    old.replaceWith(row);
    if (key !== null) ([...row.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key && !each.disabled) ?? row).focus({ preventScroll: true });
  }

  /** Say how a message stands to the one before it: on a new day, after the unread mark, or in one breath. */
  group(row, index) {
    const message = this.log.items[index];
    const before = this.log.items[index - 1];
    const newDay = (before || this.log.whole) && !(before && isSameDay(momentOf(before), momentOf(message)));
    const unread = this.unreadFrom && !older(message.id, this.unreadFrom) && (!before || older(before.id, this.unreadFrom));
    row.classList.toggle("on", !newDay && !unread && continues(message, before));
    if (row.classList.contains("marked")) row.querySelector(":scope > .mark").remove();
    row.classList.toggle("marked", Boolean(newDay || unread));
    if (newDay || unread) row.prepend(h("div.mark", { class: unread ? "unread" : "", role: "separator" }, h("span", {}, newDay ? dayOf(momentOf(message)) : "New")));
  }

  regroup(index) {
    const message = this.log.items[index];
    const row = message && this.rows.get(message.id);
    if (row) this.group(row, index);
  }

  drawStart() {
    const channel = store.channel(this.channel);
    const start = by("start");
    if (!channel) return fill(start);
    if (!store.can("read", channel)) return fill(start, h("p", {}, "You may not read what was written here before."));
    if (!this.log.whole) return fill(start, h("div.skeleton", { "aria-label": "Loading older messages" }, [72, 48, 90].map((width) => h("i", { vars: { width: `${width}%` } }))));
    const [title, words] = startOf(channel);
    const posts = isForum(channel) ? store.guild(channel).channels.filter((each) => each.parent === channel.id) : [];
    return fill(start, h("span.start-icon", {}, iconOf(channel)), h("h2", {}, title), h("p", {}, words),
      posts.length > 0 && h("ul.posts", {}, posts.map((post) => h("li", {}, h("a.pinned-message", { href: `#${post.id}`, data: { go: post.id } }, iconOf(post), h("b", {}, post.name))))));
  }

  scrolled() {
    const top = this.scroller.scrollHeight - this.scroller.clientHeight + this.scroller.scrollTop;
    if (top < NEAR && this.log.loaded && !this.log.whole) this.load();
    by("latest").hidden = this.scroller.scrollTop > -600;
    if (this.atEnd) this.onend?.();
  }

  toEnd() {
    this.scroller.scrollTop = 0;
  }

  /** Go to a message, loading history until it is here. */
  async jump(id) {
    const { channel } = this;
    while (!this.log.known.has(id) && !this.log.whole && channel === this.channel) {
      const before = this.log.items.length;
      await this.load();
      if (this.log.items.length === before) break;
    }
    const row = this.rows.get(id);
    if (!row) return;
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
    row.classList.remove("found");
    requestAnimationFrame(() => row.classList.add("found"));
  }

  equip(row) {
    const message = row && this.log.known.get(row.dataset.id);
    if (message) showActions(row, message, this.hooks);
  }

  // -- by keyboard -----------------------------------------------------------------------------------------------

  rove(row) {
    const chosen = row ?? this.element.querySelector(".message:last-child");
    for (const each of this.element.querySelectorAll('.message[tabindex="0"]')) each.tabIndex = -1;
    if (chosen) chosen.tabIndex = 0;
  }

  key(event) {
    const row = event.target.closest(".message");
    if (event.target !== row) {
      if (event.key === "Escape" && row && !event.target.closest(".editing")) row.focus();
      return;
    }
    const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    const message = this.log.known.get(row.dataset.id);
    if (step) {
      event.preventDefault();
      (row[step] ?? (event.key === "ArrowDown" ? by("entry") : null))?.focus();
    } else if (event.key === "End" || event.key === "Escape") {
      event.preventDefault();
      this.toEnd();
      by("entry")?.focus();
    } else if (event.key === "r" && store.can("send")) {
      event.preventDefault();
      this.hooks.reply(message);
    } else if (event.key === "e" && isOwn(message)) {
      event.preventDefault();
      this.edit(message);
    } else if (event.key === "Delete" && isOwn(message)) this.hooks.remove(message);
  }

  edit(message) {
    const row = this.rows.get(message.id);
    const text = row.querySelector(":scope > .content > .text") ?? row.querySelector(":scope > .content").appendChild(h("div.text"));
    const box = editBox(message, () => {
      box.remove();
      const index = this.log.items.findIndex((each) => each.id === message.id);
      if (index >= 0) this.replace(this.log.items[index], index);
      by("entry")?.focus();
    });
    text.replaceWith(box);
    row.classList.add("in-edit");
    box.querySelector("textarea").focus();
  }

  /** Edit the last message that the reader wrote. */
  editLast() {
    const last = this.log.items.findLast((message) => isOwn(message) && !message.poll && (message.type === 0 || message.type === 19));
    if (!last) return false;
    this.rows.get(last.id).scrollIntoView({ block: "nearest" });
    this.edit(last);
    return true;
  }
}
