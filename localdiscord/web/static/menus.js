// The menus of messages and of people: the page's own entries, then those of the bots.

import { openForm, confirmed, openDialog } from "./forms.js";
import { openShortcuts } from "./shortcuts.js";
import { h } from "./dom.js";
import { openMenu } from "./menu.js";
import { isOwn, pickReaction } from "./message.js";
import { store } from "./store.js";
import { kindly, toast } from "./toast.js";

async function botEntries(kind, run) {
  const { here } = store;
  const offers = await kindly(store.ask("commands", { channel: here, kind }));
  return (offers ?? []).map((offer) => ({ label: offer.shown, note: offer.botName, run: async () => {
    const answer = await kindly(run(offer, here));
    if (answer?.form) openForm(answer, null);
  } }));
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied.`, "good");
  } catch {
    toast("The browser does not let the page copy.");
  }
}

export async function openMessageMenu(message, hooks, place) {
  const where = { channel: message.channel_id, message: message.id };
  const may = (what) => store.can(what);
  const apps = await botEntries(3, (offer) => store.ask("message-command", { ...where, name: offer.name }));
  const own = isOwn(message);
  openMenu([
    may("react") && { label: "Add a reaction", icon: "smile", run: () => pickReaction(message, place.from) },
    may("send") && { label: "Reply", icon: "reply", run: () => hooks.reply(message) },
    own && !message.poll && { label: "Edit", icon: "pencil", run: () => hooks.edit(message) },
    (may("pin") || !store.channel().guild) && { label: message.pinned ? "Unpin" : "Pin", icon: "pin", run: () => kindly(store.ask(message.pinned ? "unpin" : "pin", where)) },
    may("thread") && !message.thread && { label: "Begin a thread", icon: "thread", run: () => askThread(where) },
    null,
    ...apps,
    null,
    { label: "Copy the text", icon: "copy", run: () => copy(message.content, "Text") },
    { label: "Copy the id", icon: "copy", run: () => copy(message.id, "Id") },
    null,
    (own || may("manage")) && { label: "Delete", icon: "trash", danger: true, run: async () => {
      if (await confirmed("Delete the message?", "It cannot be brought back.", "Delete")) hooks.remove(message);
    } },
  ], { ...place, label: "Message" });
}

/** Ask for a thread's name and begin it. */
export function askThread(where) {
  const name = h("input", { required: true, maxLength: 100, "aria-label": "Name of the thread" });
  openDialog({ title: "Begin a thread", body: h("div.field", {}, h("label", {}, "Name"), name), buttons: [h("button.button.primary", { type: "submit" }, "Begin")],
    submit: async () => {
      const { channel } = await store.ask("thread", { ...where, name: name.value.trim() });
      location.hash = `#${channel}`;
    } });
  name.focus();
}

export async function openPersonMenu(id, place) {
  const guild = store.guild();
  const person = store.member(id);
  if (!person) return;
  const me = id === store.me.id;
  const member = guild?.byId.get(id);
  const act = (what, args) => kindly(store.ask(what, { guild: guild.id, user: id, ...args }));
  const ask = async (title, words, action, what) => (await confirmed(title, words, action)) && act(what);
  const apps = member ? await botEntries(2, (offer, channel) => store.ask("user-command", { channel, user: id, name: offer.name })) : [];
  const mayAct = (what) => member && !me && guild.can.includes(what) && id !== guild.owner;
  openMenu([
    !me && { label: "Direct message", icon: "at", run: async () => {
      const answer = await kindly(store.ask("open-direct", { user: id }));
      if (answer) location.hash = `#${answer.channel}`;
    } },
    me && member && { label: "Change nickname", icon: "pencil", run: () => askNick(guild, member) },
    me && { label: "Keyboard shortcuts", run: openShortcuts },
    null,
    me && { label: "Online", run: () => kindly(store.ask("presence", { status: "online" })) },
    me && { label: "Idle", run: () => kindly(store.ask("presence", { status: "idle" })) },
    me && { label: "Do not disturb", run: () => kindly(store.ask("presence", { status: "dnd" })) },
    me && { label: "Invisible", run: () => kindly(store.ask("presence", { status: "offline" })) },
    null,
    ...apps,
    null,
    mayAct("moderate") && (person.timedOut ? { label: "End the time-out", icon: "clock", run: () => act("timeout", { minutes: 0 }) } : { label: "Time out for 10 minutes", icon: "clock", danger: true, run: () => act("timeout", { minutes: 10 }) }),
    mayAct("kick") && { label: "Kick", icon: "leave", danger: true, run: () => ask(`Kick ${person.name}?`, "They leave the server, and may come back.", "Kick", "kick") },
    mayAct("ban") && { label: "Ban", icon: "close", danger: true, run: () => ask(`Ban ${person.name}?`, "They leave the server, and may not come back.", "Ban", "ban") },
    null,
    { label: "Copy the id", icon: "copy", run: () => copy(id, "Id") },
    me && member && id !== guild.owner && { label: "Leave the server", icon: "leave", danger: true, run: () => ask("Leave the server?", "You can come back at the door.", "Leave", "leave-guild") },
  ], { ...place, label: person.name });
}

function askNick(guild, member) {
  const name = h("input", { value: member.name, maxLength: 32, "aria-label": "Nickname" });
  openDialog({ title: "Change nickname", body: h("div.field", {}, h("label", {}, "Nickname in ", guild.name), name), buttons: [h("button.button.primary", { type: "submit" }, "Save")],
    submit: () => store.ask("nick", { guild: guild.id, nick: name.value.trim() || null }) });
  name.select();
}
