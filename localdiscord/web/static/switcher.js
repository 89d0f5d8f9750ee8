// Ctrl+K: go to a channel or a person by a few letters of the name.

import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { openDialog } from "./forms.js";
import { iconOf, isCategory } from "./kinds.js";
import { store } from "./store.js";
import { Suggest } from "./suggest.js";
import { kindly } from "./toast.js";

export function openSwitcher() {
  if (document.querySelector("dialog[open]")) return;
  const box = h("input.filter", { type: "text", placeholder: "Where to?", "aria-label": "Where to?", autocomplete: "off" });
  const host = h("div.switcher", {}, box);
  const { dialog } = openDialog({ title: "Go to…", body: host });
  dialog.classList.add("go");
  const suggest = new Suggest(box, host, (option) => {
    dialog.close();
    option.go();
  }, "Channels and people");
  const look = () => suggest.show(destinations(box.value.toLowerCase()).slice(0, 12), { empty: "There is nothing of that name." });
  box.addEventListener("input", look);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return;
    if (!suggest.key(event) && event.key === "Enter") event.preventDefault();
  });
  look();
  box.focus();
}

function destinations(typed) {
  const fits = (name) => name.toLowerCase().includes(typed);
  const unreadFirst = (a, b) => store.unread.has(b.id) - store.unread.has(a.id);
  const channels = [...store.channels.values()].filter((channel) => !isCategory(channel) && fits(channel.name)).sort(unreadFirst);
  const known = new Set(store.town.direct.flatMap((channel) => channel.recipients.map((person) => person.id)));
  const people = [...store.people.values()].filter((person) => person.id !== store.me.id && !known.has(person.id) && fits(person.name));
  return [
    ...channels.map((channel) => ({ label: channel.name, note: store.unread.has(channel.id) ? "unread" : store.guild(channel)?.name ?? "direct message", mark: () => h("span.option-icon", {}, iconOf(channel)), go: () => (location.hash = `#${channel.id}`) })),
    ...people.map((person) => ({ label: person.name, note: "direct message", mark: () => avatar(person), go: async () => {
      const answer = await kindly(store.ask("open-direct", { user: person.id }));
      if (answer) location.hash = `#${answer.channel}`;
    } })),
  ];
}
