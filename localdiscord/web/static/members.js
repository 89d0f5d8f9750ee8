// The members of the guild in view: by role, those who are there first.

import { avatar } from "./avatar.js";
import { by, fill, h } from "./dom.js";
import { store } from "./store.js";

const AWAY = new Set(["offline", "invisible"]);
const DOING = { 0: "Playing", 1: "Streaming", 2: "Listening to", 3: "Watching", 5: "Competing in" };

export function drawMembers() {
  const aside = by("members");
  const channel = store.channel();
  const guild = store.guild();
  const people = guild ? guild.members : [...(channel?.recipients ?? []), store.me].map((person) => store.member(person.id));
  const groups = new Map();
  const add = (name, member) => groups.set(name, [...(groups.get(name) ?? []), member]);
  const hoisted = (guild?.roles ?? []).filter((role) => role.hoist).sort((a, b) => b.position - a.position);
  for (const role of hoisted) groups.set(role.name, []);
  for (const member of people) {
    const role = hoisted.find((each) => member.roles?.includes(each.id));
    if (AWAY.has(member.status)) add("\uffff", member);
    else add(role ? role.name : !guild ? "In this conversation" : member.bot ? "Bots" : "Members", member);
  }
  const away = groups.get("\uffff");
  groups.delete("\uffff");
  if (away) groups.set("Away", away);
  const scroll = aside.scrollTop;
  fill(aside, [...groups].filter(([, members]) => members.length).map(([name, members]) => section(name, members)));
  aside.scrollTop = scroll;
}

function section(name, members) {
  const sorted = [...members].sort((a, b) => a.name.localeCompare(b.name));
  return h("section", {}, h("h2", {}, name, h("span.count-note", {}, ` ${members.length}`)), h("ul", {}, sorted.map((member) => h("li", {}, card(member)))));
}

function card(member) {
  const colour = store.colourOf(member);
  const activity = member.activities?.[0];
  const doing = activity && (activity.type === 4 ? activity.state : `${DOING[activity.type] ?? ""} ${activity.name}`);
  const note = member.timedOut ? "in time-out" : doing;
  return h("button.member", { type: "button", class: AWAY.has(member.status) ? "away-person" : "", data: { person: member.id } }, avatar(member, { status: member.status }),
    h("span.member-words", {}, h("span.member-name", { class: colour ? "coloured" : "", vars: colour ? { role: colour } : {} }, member.name, member.bot && h("span.badge", {}, "APP")), note && h("span.member-note", {}, note)), h("span.unseen", {}, `, ${member.status ?? "online"}`));
}
