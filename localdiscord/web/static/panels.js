// The panels of a channel: its pins and its threads.

import { by, fill, h, icon } from "./dom.js";
import { isThread } from "./kinds.js";
import { closeLayer, openLayer } from "./layer.js";
import { markdown } from "./markdown.js";
import { askThread } from "./menus.js";
import { store } from "./store.js";
import { stampOf } from "./time.js";
import { kindly } from "./toast.js";

export async function openPins(jump) {
  const answer = await kindly(store.ask("pins", { channel: store.here }));
  if (!answer) return;
  const list = answer.messages.map((message) => h("li", {}, h("button.pinned-message", { type: "button", on: { click: () => {
    closeLayer(false);
    jump(message.id);
  } } }, h("span.pinned-head", {}, h("b", {}, store.member(message.author.id)?.name ?? message.author.username), h("time", { dateTime: message.timestamp }, stampOf(new Date(message.timestamp)))),
  h("span.text", {}, message.content ? markdown(message.content, { inline: true }) : message.embeds[0]?.title ?? "An attachment"))));
  open("Pinned messages", by("open-pins"), list.length ? h("ul", {}, list) : empty("pin", "Nothing is pinned here.", "Pin a message from its menu to find it again."));
}

export function openThreads() {
  const channel = store.channel();
  const root = isThread(channel) ? channel.parent : channel.id;
  const threads = store.guild().channels.filter((each) => isThread(each) && each.parent === root);
  const list = threads.map((thread) => h("li", {}, h("a.pinned-message", { href: `#${thread.id}`, data: { go: thread.id } }, icon("thread"), h("b", {}, thread.name), thread.archived && h("span.option-note", {}, "archived"))));
  const begin = store.can("thread") && !isThread(channel) && h("button.button.secondary", { type: "button", on: { click: () => {
    closeLayer(false);
    askThread({ channel: channel.id, message: null });
  } } }, "Begin a thread");
  open("Threads", by("open-threads"), list.length ? h("ul", {}, list) : empty("thread", "There are no threads here.", "A thread keeps a matter together, beside the channel."), begin);
}

function open(title, anchor, ...content) {
  const box = fill(h("section.panel", { "aria-label": title, tabIndex: -1 }), h("h2", {}, title), ...content);
  openLayer(box, { anchor, back: anchor });
  (box.querySelector("a, button") ?? box).focus();
}

function empty(drawn, words, more) {
  return h("div.nothing-yet", {}, icon(drawn), h("p", {}, words), h("p.option-note", {}, more));
}
