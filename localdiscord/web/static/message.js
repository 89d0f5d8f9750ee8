// One message, as an article.

import { attachmentList } from "./attachments.js";
import { avatar } from "./avatar.js";
import { componentRows } from "./components.js";
import { add, h, icon, tool } from "./dom.js";
import { embedCard, picture } from "./embeds.js";
import { openEmojiPicker } from "./emoji.js";
import { markdown, plainText } from "./markdown.js";
import { emojiOf } from "./media.js";
import { openMessageMenu } from "./menus.js";
import { pollCard } from "./poll.js";
import { store } from "./store.js";
import { clockOf, fullOf, isSameDay, stampOf } from "./time.js";
import { kindly } from "./toast.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const TOGETHER = 7 * 60 * 1000; // messages of one author so close stand under one name
const SPOKEN = new Set([0, 19, 20, 23]);

export const isEphemeral = (message) => Boolean(message.flags & EPHEMERAL);
export const momentOf = (message) => new Date(message.timestamp);
const isHook = (message) => Boolean(message.webhook_id) && message.webhook_id !== message.application_id;
export const isOwn = (message) => message.author.id === store.me.id;

/** Tell whether a message goes on where the one before left off. */
export function continues(message, before) {
  return Boolean(before) && before.author.id === message.author.id && message.type === 0 && SPOKEN.has(before.type) && before.author.username === message.author.username &&
    isEphemeral(message) === isEphemeral(before) && momentOf(message) - momentOf(before) < TOGETHER && isSameDay(momentOf(message), momentOf(before));
}

/**
 * Show a message.
 * @param {object} message
 * @param {object} hooks `reply`, `edit`, `remove`, `dismiss`: what the timeline does for it
 */
export function messageRow(message, hooks) {
  const member = store.member(message.author.id);
  const name = isHook(message) ? message.author.username : member?.name ?? message.author.global_name ?? message.author.username;
  const moment = momentOf(message);
  const row = h("article.message", {
    id: `m-${message.id}`, tabIndex: -1, data: { id: message.id },
    class: [isEphemeral(message) && "ephemeral", store.isMuch(message) && "much", message.pinned && "pinned"].filter(Boolean).join(" "),
    "aria-label": `${name}, ${fullOf(moment)}`,
  });
  const system = SYSTEM[message.type];
  if (system) {
    row.classList.add("system");
    row.append(h("span.system-icon", { "aria-hidden": "true" }, icon(system.icon)), h("p.system-text", {}, system.words(message, name), " ", h("time", { dateTime: message.timestamp, title: fullOf(moment) }, stampOf(moment))));
    return row;
  }
  add(row, [
    context(message),
    h("span.gutter", {}, avatar({ ...message.author, ...member, name }), h("time.side-time", { dateTime: message.timestamp, title: fullOf(moment), "aria-hidden": "true" }, clockOf(moment))),
    h("div.content", {}, heading(message, member, name, moment), body(message), reactions(message), ephemeralNote(message, hooks)),
  ]);
  row.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a, input, textarea, .mention[data-person]") || getSelection().toString()) return;
    event.preventDefault();
    openMessageMenu(message, hooks, { x: event.clientX, y: event.clientY, from: row });
  });
  return row;
}

function quoted(message) {
  return message ? [" of ", h("strong", {}, store.member(message.author.id)?.name ?? message.author.username), `: “${plainText(message.content).slice(0, 160)}”`] : [];
}

const SYSTEM = {
  6: { icon: "pin", words: (_, name) => [h("strong", {}, name), " pinned a message."] },
  7: { icon: "right", words: (_, name) => ["Welcome, ", h("strong", {}, name), "!"] },
  18: { icon: "thread", words: (message, name) => [h("strong", {}, name), " began the thread ", h("strong", {}, message.content), "."] },
  21: { icon: "thread", words: (message) => ["The thread begins with a message", ...quoted(message.referenced_message), "."] },
  46: { icon: "check", words: (message) => [`The poll “${message.embeds[0]?.fields?.find((field) => field.name === "poll_question_text")?.value ?? ""}” has closed.`] },
};

/** Above a message: what it answers, or which command it answers. */
function context(message) {
  const metadata = message.interaction_metadata;
  if (message.type === 19) return replyLine(message.referenced_message);
  if (metadata?.name && (message.type === 20 || message.type === 23)) {
    const asker = store.member(metadata.user.id);
    const name = asker?.name ?? metadata.user.username;
    return h("div.context", {}, avatar({ ...metadata.user, ...asker, name }), h("b", {}, name), " used ", h("span.mention", {}, message.type === 20 ? `/${metadata.name}` : metadata.name));
  }
  return null;
}

function replyLine(original) {
  if (!original) return h("div.context", {}, h("i", {}, "The original message was deleted."));
  const member = store.member(original.author.id);
  const name = member?.name ?? original.author.username;
  const words = plainText(original.content) || (original.embeds?.length ? "an embed" : "an attachment");
  return h("div.context", {}, avatar({ ...original.author, ...member, name }), h("b", {}, name),
    h("button.context-words", { type: "button", data: { jump: original.id }, title: "Go to that message" }, words.slice(0, 160)));
}

function heading(message, member, name, moment) {
  const colour = store.colourOf(member);
  return h("header.head", {},
    h("button.author", { type: "button", vars: colour ? { role: colour } : {}, class: colour ? "coloured" : "", data: { person: message.author.id } }, name),
    message.author.bot && h("span.badge", {}, isHook(message) ? "HOOK" : "APP"),
    h("time", { dateTime: message.timestamp, title: fullOf(moment) }, stampOf(moment)),
    message.pinned && h("span.pin-mark", { title: "Pinned" }, icon("pin")));
}

function body(message) {
  if (message.flags & LOADING) {
    return h("p.thinking", { role: "status" }, h("span.dots", { "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${message.author.username} is thinking…`);
  }
  const text = message.content && h("div.text", { class: isOnlyEmoji(message.content) ? "jumbo" : "" }, markdown(message.content));
  if (text && message.edited_timestamp) (text.lastChild.tagName === "P" ? text.lastChild : text).append(h("span.edited", { title: fullOf(new Date(message.edited_timestamp)) }, "(edited)"));
  return [
    text,
    message.poll && pollCard(message),
    attachmentList(message.attachments ?? []),
    (message.sticker_items ?? []).map((sticker) => h("p.elsewhere", {}, `Sticker: ${sticker.name}`)),
    (message.embeds ?? []).filter((embed) => embed.type !== "poll_result").map((embed) => (embed.type === "image" ? h("div.attachments", {}, picture(embed.thumbnail ?? embed.image)) : embedCard(embed))),
    componentRows(message),
    message.thread && h("button.thread-link", { type: "button", data: { go: message.thread.id } }, icon("thread"), message.thread.name),
  ];
}

const ONLY_EMOJI = /^(?:\s*(?:\p{RGI_Emoji}|<a?:\w+:\d+>)){1,10}\s*$/v;

function isOnlyEmoji(content) {
  return ONLY_EMOJI.test(content);
}

function reactions(message) {
  const given = message.reactions ?? [];
  if (!given.length) return null;
  const addMore = store.can("react") && tool("smile", "Add a reaction", (event) => pickReaction(message, event.currentTarget), { class: "reaction add" });
  return h("div.reactions", { role: "group", "aria-label": "Reactions" }, given.map((each) => reaction(message, each)), addMore);
}

function reaction(message, { emoji, count, me }) {
  const key = emoji.id ? `${emoji.name}:${emoji.id}` : emoji.name;
  const toggle = () => kindly(store.ask(me ? "unreact" : "react", { channel: message.channel_id, message: message.id, emoji: key }));
  return h("button.reaction", { type: "button", class: me ? "mine" : "", "aria-pressed": String(Boolean(me)), data: { key: `reaction ${key}` }, on: { click: toggle }, "aria-label": `${emoji.name}, ${count}` }, emojiOf(emoji), h("span.count", {}, String(count)));
}

export function pickReaction(message, anchor) {
  openEmojiPicker(anchor, (emoji) => kindly(store.ask("react", { channel: message.channel_id, message: message.id, emoji })));
}

function ephemeralNote(message, hooks) {
  if (!isEphemeral(message)) return null;
  return h("p.only-you", {}, icon("eye"), "Only you can see this", h("span.dot", { "aria-hidden": "true" }, "•"),
    h("button.textual", { type: "button", on: { click: () => hooks.dismiss(message) } }, "Dismiss message"));
}

/** Put the tools of a message into its row, when somebody comes to it: until then a thousand rows do without. */
export function showActions(row, message, hooks) {
  if (row.querySelector(":scope > .actions") || isEphemeral(message) || SYSTEM[message.type]) return;
  const tools = h("div.actions", { role: "toolbar", "aria-label": "What to do with this message" },
    store.can("react") && tool("smile", "Add a reaction", (event) => pickReaction(message, event.currentTarget)),
    isOwn(message) && !message.poll && tool("pencil", "Edit", () => hooks.edit(message)),
    store.can("send") && tool("reply", "Reply", () => hooks.reply(message)),
    tool("more", "More", (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      openMessageMenu(message, hooks, { x: box.right, y: box.bottom, from: event.currentTarget });
    }, { "aria-haspopup": "menu" }));
  row.append(tools);
}
