// The channels: by guild and category, with who is in voice, then direct messages, and who one is.

import { avatar } from "./avatar.js";
import { by, fill, h, icon, tool } from "./dom.js";
import { iconOf, isCategory, isThread, isVoice } from "./kinds.js";
import { openPersonMenu } from "./menus.js";
import { store } from "./store.js";
import { kindly } from "./toast.js";

const folded = new Set();

export function drawSidebar(leaveTown) {
  const nav = by("channels");
  const focused = nav.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const scroll = nav.querySelector(".side-scroll")?.scrollTop ?? 0;
  fill(nav,
    h("div.side-scroll", {}, store.town.guilds.map(guildList), directList()),
    voiceBar(), ownCard(leaveTown));
  nav.querySelector(".side-scroll").scrollTop = scroll;
  if (focused) [...nav.querySelectorAll("[data-key]")].find((each) => each.dataset.key === focused)?.focus({ preventScroll: true });
}

const inOrder = (a, b) => isVoice(a) - isVoice(b) || a.position - b.position || (a.id < b.id ? -1 : 1);

function guildList(guild) {
  const channels = guild.channels.filter((channel) => !isThread(channel));
  const loose = channels.filter((channel) => !channel.parent && !isCategory(channel)).sort(inOrder);
  const categories = channels.filter(isCategory).sort(inOrder);
  return h("section.guild", {}, h("h2.guild-name", {}, guild.name), list(guild, loose), categories.map((category) => {
    const children = channels.filter((channel) => channel.parent === category.id).sort(inOrder);
    const closed = folded.has(category.id);
    const shown = closed ? children.filter((channel) => channel.id === store.here || store.unread.has(channel.id)) : children;
    const fold = () => {
      if (!folded.delete(category.id)) folded.add(category.id);
      drawSidebar(by("channels").leaveTown);
    };
    return h("section", {}, h("button.category", { type: "button", "aria-expanded": String(!closed), data: { key: `category ${category.id}` }, on: { click: fold } }, icon("down"), category.name), list(guild, shown));
  }));
}

function list(guild, channels) {
  return channels.length > 0 && h("ul", {}, channels.map((channel) => h("li", {}, entry(channel), threadsOf(guild, channel), isVoice(channel) && inVoice(guild, channel))));
}

function threadsOf(guild, channel) {
  const threads = guild.channels.filter((each) => isThread(each) && each.parent === channel.id && !each.archived);
  return threads.length > 0 && h("ul.threads", {}, threads.map((thread) => h("li", {}, entry(thread))));
}

function entry(channel, mark = iconOf(channel)) {
  const mentions = store.unread.get(channel.id);
  const here = channel.id === store.here;
  const unread = mentions !== undefined && !here;
  return h("a.channel", { href: `#${channel.id}`, class: `${here ? "here" : ""} ${unread ? "unread" : ""}`, data: { go: channel.id, key: `channel ${channel.id}` }, "aria-current": here ? "page" : null },
    mark, h("span.channel-name", {}, channel.name), unread && h("span.unseen", {}, mentions ? `, ${mentions} mentions` : ", unread"), unread && mentions > 0 && h("span.mentions", { "aria-hidden": "true" }, String(mentions)));
}

// ---- voice ---------------------------------------------------------------------------------------------------------

function inVoice(guild, channel) {
  const states = guild.voice.filter((state) => state.channel === channel.id);
  return states.length > 0 && h("ul.in-voice", { "aria-label": `In ${channel.name}` }, states.map((state) => {
    const member = guild.byId.get(state.user);
    const silent = state.mute || state.deaf;
    const heard = store.heard.get(guild.id)?.[state.user];
    const plays = heard?.playing;
    return h("li", {}, h("button.speaker", { type: "button", class: plays ? "playing" : "", data: { person: state.user, key: `voice ${state.user}` } }, avatar(member), h("span.channel-name", {}, member.name),
      plays && h("span.plays", { title: `${heard.packets} packets received` }, icon("music"), h("span.unseen", {}, "is playing")),
      silent && h("span.plays", { title: state.deaf ? "hears nothing" : "muted" }, icon("muted"))),
      heard?.packets > 0 && h("p.packets", {}, `${heard.packets.toLocaleString()} packets · ${heard.seconds} s heard`));
  }));
}

function voiceBar() {
  for (const guild of store.town.guilds) {
    const state = guild.voice.find((each) => each.user === store.me.id);
    const channel = state && store.channels.get(state.channel);
    if (!channel) continue;
    const change = (flags) => kindly(store.ask("join-voice", { channel: channel.id, mute: state.mute, deaf: state.deaf, ...flags }));
    return h("div.voice-bar", { role: "group", "aria-label": "Voice" }, h("p", {}, h("b", {}, "In voice"), h("span", {}, channel.name)),
      tool("muted", state.mute ? "Switch the microphone on" : "Switch the microphone off", () => change({ mute: !state.mute }), { "aria-pressed": String(state.mute), data: { key: "mute" } }),
      tool("leave", "Leave the voice channel", () => kindly(store.ask("leave-voice", { channel: channel.id })), { class: "danger", data: { key: "leave-voice" } }));
  }
  return null;
}

// ---- direct messages and oneself -------------------------------------------------------------------------------------

function directList() {
  const channels = [...store.town.direct].sort((a, b) => Number(BigInt(b.last ?? b.id) - BigInt(a.last ?? a.id)));
  return channels.length > 0 && h("section.guild", {}, h("h2.guild-name", {}, "Direct messages"), h("ul", {}, channels.map((channel) => h("li", {}, entry(channel, avatar(store.people.get(channel.recipients[0].id)))))));
}

function ownCard(leaveTown) {
  const { me } = store;
  const member = store.town.guilds[0]?.byId.get(me.id) ?? me;
  const menu = (event) => openPersonMenu(me.id, { x: event.currentTarget.getBoundingClientRect().left, y: event.currentTarget.getBoundingClientRect().top - 140, from: event.currentTarget });
  return h("div.own", {}, h("button.own-face", { type: "button", "aria-label": `You are ${member.name}`, data: { key: "own" }, on: { click: menu } }, avatar(member, { status: member.status }), h("span.own-words", {}, h("b", {}, member.name), h("span", {}, `@${me.username}`))),
    tool("door", "Be somebody else", leaveTown, { data: { key: "leave" } }));
}
