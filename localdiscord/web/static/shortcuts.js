// What can be done by keyboard, told to those who ask.

import { h } from "./dom.js";
import { openDialog } from "./forms.js";

const SHORTCUTS = [
  ["Ctrl K", "Go to a channel or person"],
  ["Alt ↑, Alt ↓", "Go to the channel before or after"],
  ["/", "Use a command"],
  ["@, #, :", "Name somebody, a channel, an emoji"],
  ["↑ in an empty box", "Change your last message"],
  ["Shift Tab, then ↑ ↓", "Walk through the messages"],
  ["R, E, Delete on a message", "Reply, edit, delete"],
  ["Tab or Enter in a list", "Take what is marked"],
  ["Escape", "Close, cancel, or go to the newest message"],
  ["Ctrl /", "Show this"],
];

export function openShortcuts() {
  if (document.querySelector("dialog[open]")) return;
  openDialog({ title: "Keyboard shortcuts", body: h("dl.shortcuts", {}, SHORTCUTS.map(([keys, words]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, words)))) });
}
