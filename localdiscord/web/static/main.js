// The page: brings its parts together, and follows what the server tells.

import { Composer } from "./composer.js";
import { by, fill, icon } from "./dom.js";
import { showDoor } from "./door.js";
import { iconOf, isCategory, isVoice } from "./kinds.js";
import { closeLayer, layerIsOpen } from "./layer.js";
import { Link } from "./link.js";
import { drawMembers } from "./members.js";
import { openPersonMenu } from "./menus.js";
import { isOwn } from "./message.js";
import { openPins, openThreads } from "./panels.js";
import { openShortcuts } from "./shortcuts.js";
import { drawSidebar } from "./sidebar.js";
import { store } from "./store.js";
import { openSwitcher } from "./switcher.js";
import { keepTimesTrue } from "./time.js";
import { Timeline } from "./timeline.js";
import { kindly, toast } from "./toast.js";

const TYPING_LASTS = 9000;
const GATHERED = 16; // milliseconds for which news is gathered, so that it is drawn together
const WHO = "who"; // kept per tab, so that each tab can be somebody else

const timeline = new Timeline();
const composer = new Composer(timeline);
timeline.onreply = (message) => composer.setReply(message);
timeline.onend = () => document.visibilityState === "visible" && seen(store.here);

const waiting = []; // news that is not drawn yet
let sidesAreOld = false;

// ---- coming and going ----------------------------------------------------------------------------------------------

store.link = new Link(hear, takeNews, (open) => (open ? arrive() : away()));

async function arrive() {
  by("away").hidden = true;
  const username = sessionStorage.getItem(WHO);
  if (!username) return showDoor(enter);
  try {
    return enter(await store.ask("enter", { username }));
  } catch (error) {
    if (sessionStorage.getItem(WHO)) toast(error.message);
    sessionStorage.removeItem(WHO);
    return showDoor(enter);
  }
}

function away() {
  by("away").hidden = false;
  by("away").textContent = "The local Discord is not there. Waiting for it to come back…";
}

function enter(town) {
  sessionStorage.setItem(WHO, town.me.username);
  waiting.length = 0;
  store.logs.clear();
  const again = store.channel();
  store.settle(town);
  by("door").hidden = true;
  by("town").hidden = false;
  const wanted = store.channel(location.hash.slice(1)) ?? (again && [...store.channels.values()].find((channel) => channel.name === again.name && channel.type === again.type)) ?? firstChannel();
  store.here = null;
  if (wanted) go(wanted.id);
  drawSides();
}

function leaveTown() {
  sessionStorage.removeItem(WHO);
  store.here = null;
  store.unread.clear();
  history.replaceState(null, "", location.pathname);
  store.ask("leave").catch(() => {});
  showDoor(enter);
}

function firstChannel() {
  const channels = [...store.channels.values()].filter((channel) => channel.guild && !isCategory(channel) && !isVoice(channel));
  return channels.find((channel) => channel.name === "general") ?? channels[0] ?? [...store.channels.values()].find((channel) => !isCategory(channel));
}

// ---- where one is -------------------------------------------------------------------------------------------------------

function go(id) {
  const channel = store.channel(id);
  if (!channel || isCategory(channel)) return;
  closeDrawers();
  closeLayer(false);
  if (store.here === id) return;
  const before = store.here;
  const unreadFrom = store.firstUnread.get(id) ?? null;
  store.here = id;
  if (location.hash.slice(1) !== id) history.pushState(null, "", `#${id}`);
  drawPlace();
  composer.show(channel, before);
  timeline.show(id, unreadFrom);
  seen(id);
  drawSides();
  drawTyping();
  if (matchMedia("(pointer: fine)").matches) composer.entry.focus({ preventScroll: true });
}

function drawPlace() {
  const channel = store.channel();
  if (!channel) return;
  const direct = !channel.guild;
  fill(by("place-icon"), iconOf(channel));
  by("place-name").textContent = channel.name;
  by("place-topic").textContent = channel.topic ?? "";
  by("log").setAttribute("aria-label", `Messages in ${channel.name}`);
  by("open-threads").hidden = direct;
  document.title = `${direct ? "" : "#"}${channel.name} · Local Discord`;
}

function drawSides() {
  sidesAreOld = false;
  by("channels").leaveTown = leaveTown;
  drawSidebar(leaveTown);
  drawMembers();
}

function seen(id) {
  if (!store.unread.delete(id)) return;
  store.firstUnread.delete(id);
  drawSidebar(leaveTown);
}

addEventListener("hashchange", () => store.town && go(location.hash.slice(1)));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && store.here && timeline.atEnd) seen(store.here);
});

// ---- news ----------------------------------------------------------------------------------------------------------------

function hear(news) {
  if (waiting.push(news) === 1) setTimeout(takeNews, GATHERED);
}

function takeNews() {
  const news = waiting.splice(0);
  if (!store.town || !news.length) return;
  timeline.together(() => news.forEach((each) => NEWS[each.event]?.(each)));
  if (sidesAreOld) drawSides();
}

const NEWS = {
  message({ message }) {
    const fresh = timeline.put(message);
    const channel = store.channel(message.channel_id);
    if (store.typing.get(message.channel_id)?.delete(message.author.id)) drawTyping();
    const watched = message.channel_id === store.here && timeline.follow && document.visibilityState === "visible";
    const isNew = channel && (!channel.last || BigInt(message.id) > BigInt(channel.last));
    if (isNew) channel.last = message.id;
    if ((!fresh && !isNew) || watched || isOwn(message) || message.channel_id === undefined) return;
    if (!isNew) return;
    const direct = channel && !channel.guild;
    if (!store.firstUnread.has(message.channel_id)) store.firstUnread.set(message.channel_id, message.id);
    store.unread.set(message.channel_id, (store.unread.get(message.channel_id) ?? 0) + (direct || store.isMuch(message) ? 1 : 0));
    sidesAreOld = true;
  },
  gone: ({ channel, ids }) => timeline.drop(channel, ids),
  town({ town }) {
    const before = JSON.stringify([store.channel(), store.town.guilds.map((guild) => guild.roles)]);
    store.settle(town);
    if (!store.channel()) {
      store.here = null;
      const next = firstChannel();
      if (next) go(next.id);
    } else if (before !== JSON.stringify([store.channel(), store.town.guilds.map((guild) => guild.roles)])) {
      drawPlace();
      composer.refresh();
    }
    sidesAreOld = true;
  },
  heard({ guild, heard }) {
    store.heard.set(guild, heard);
    sidesAreOld = true;
  },
  typing({ channel, user }) {
    if (user === store.me.id) return;
    if (!store.typing.has(channel)) store.typing.set(channel, new Map());
    store.typing.get(channel).set(user, Date.now());
    setTimeout(drawTyping, TYPING_LASTS + 100);
    drawTyping();
  },
};

function drawTyping() {
  const typing = store.typing.get(store.here) ?? new Map();
  for (const [user, since] of typing) if (Date.now() - since > TYPING_LASTS) typing.delete(user);
  const names = [...typing.keys()].map((user) => store.member(user)?.name ?? "Somebody");
  by("typing").textContent = !names.length ? "" : names.length > 3 ? "Several people are typing…" : `${new Intl.ListFormat("en").format(names)} ${names.length > 1 ? "are" : "is"} typing…`;
}

// ---- what can be pressed anywhere ------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-go], [data-person], [data-jump]");
  if (!target) return;
  const { go: place, person, jump } = target.dataset;
  if (place && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    const channel = store.channel(place);
    if (channel && isVoice(channel) && target.classList.contains("channel")) enterVoice(channel);
    go(place);
  } else if (jump) timeline.jump(jump);
  else if (person) {
    const box = target.getBoundingClientRect();
    openPersonMenu(person, { x: box.left, y: box.bottom, from: target });
  }
});

document.addEventListener("contextmenu", (event) => {
  const target = event.target.closest("[data-person]");
  if (!target) return;
  event.preventDefault();
  openPersonMenu(target.dataset.person, { x: event.clientX, y: event.clientY, from: target });
});

function enterVoice(channel) {
  const state = store.guild(channel)?.voice.find((each) => each.user === store.me.id);
  if (state?.channel !== channel.id && store.can("connect", channel)) kindly(store.ask("join-voice", { channel: channel.id }));
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (store.here) openSwitcher();
  } else if ((event.ctrlKey || event.metaKey) && event.key === "/") {
    event.preventDefault();
    openShortcuts();
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    const links = [...document.querySelectorAll("#channels a.channel")];
    const at = links.findIndex((link) => link.dataset.go === store.here);
    go(links.at((at + (event.key === "ArrowDown" ? 1 : -1)) % links.length)?.dataset.go);
  } else if (event.key === "Escape" && !layerIsOpen()) closeDrawers();
});

// ---- drawers on narrow screens --------------------------------------------------------------------------------------------

const DRAWERS = { channels: "show-channels", members: "show-members" };

function toggleDrawer(name) {
  const shown = document.body.classList.toggle(DRAWERS[name]);
  for (const other of Object.keys(DRAWERS)) if (other !== name) document.body.classList.remove(DRAWERS[other]);
  drawDrawers();
  if (shown) (by(name).querySelector("[aria-current]") ?? by(name).querySelector("a, button"))?.focus();
}

function closeDrawers() {
  document.body.classList.remove(...Object.values(DRAWERS));
  drawDrawers();
}

const narrow = matchMedia("(max-width: 720px)");
const medium = matchMedia("(max-width: 1020px)");

function drawDrawers() {
  const { classList } = document.body;
  by("open-channels").setAttribute("aria-expanded", String(classList.contains(DRAWERS.channels)));
  by("open-members").setAttribute("aria-expanded", String(medium.matches ? classList.contains(DRAWERS.members) : !classList.contains("hide-members")));
  by("shade").hidden = !(narrow.matches && classList.contains(DRAWERS.channels)) && !(medium.matches && classList.contains(DRAWERS.members));
}

for (const [id, name] of [["open-channels", "menu"], ["open-threads", "thread"], ["open-pins", "pin"], ["open-switcher", "search"], ["open-members", "people"]]) by(id).append(icon(name));
by("open-channels").addEventListener("click", () => toggleDrawer("channels"));
by("open-members").addEventListener("click", () => {
  if (medium.matches) return toggleDrawer("members");
  document.body.classList.toggle("hide-members");
  return drawDrawers();
});
by("open-switcher").addEventListener("click", openSwitcher);
by("open-pins").addEventListener("click", () => openPins((id) => timeline.jump(id)));
by("open-threads").addEventListener("click", () => openThreads());
by("shade").addEventListener("click", closeDrawers);
medium.addEventListener("change", closeDrawers);
keepTimesTrue();
