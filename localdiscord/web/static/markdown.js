// Discord's markdown, read into elements. What is not markup stays text; a link is made only to http and https.

import { h } from "./dom.js";
import { emojiImage, safeLink } from "./media.js";
import { store } from "./store.js";
import { fullOf, inStyle } from "./time.js";

const DEEPEST = 12; // nesting beyond this stays text, so that hostile messages cost nothing

// ---- blocks ------------------------------------------------------------------------------------------------------

/**
 * Read a text of several lines.
 * @param {string} text
 * @param {object} [options] `inline`: no headings, quotes and lists, as in an embed's title
 * @returns {Node[]}
 */
export function markdown(text, options = {}) {
  return options.inline ? inline(text, 0) : blocks(text, 0);
}

function blocks(text, depth) {
  const nodes = [];
  const fence = /```(?:([\w+#.-]+)\n)?([\s\S]+?)```/g;
  let at = 0;
  for (const found of text.matchAll(fence)) {
    nodes.push(...lines(text.slice(at, found.index).replace(/\n$/, ""), depth));
    nodes.push(h("pre", { tabIndex: 0 }, h("code", { data: found[1] ? { language: found[1] } : {} }, found[2].replace(/^\n+|\n+$/g, ""))));
    at = found.index + found[0].length;
    if (text[at] === "\n") at += 1;
  }
  nodes.push(...lines(text.slice(at), depth));
  return nodes;
}

function lines(text, depth) {
  if (!text) return [];
  const nodes = [];
  let plain = [];
  const flush = () => {
    if (plain.length) nodes.push(h("p", {}, inline(plain.join("\n"), depth)));
    plain = [];
  };
  const rows = text.split("\n");
  for (let i = 0; i < rows.length; ) {
    const block = depth < DEEPEST ? blockAt(rows, i, depth) : null;
    if (block) {
      flush();
      nodes.push(block.node);
      i = block.next;
    } else plain.push(rows[i++]);
  }
  flush();
  return nodes;
}

function blockAt(rows, i, depth) {
  const row = rows[i];
  const heading = /^(#{1,3}) +(\S.*)$/.exec(row);
  if (heading) {
    // Below the page's own headings: a message is no chapter of the page.
    const level = heading[1].length;
    return { node: h(`div.heading.heading-${level}`, { role: "heading", "aria-level": String(level + 2) }, inline(heading[2], depth)), next: i + 1 };
  }
  const small = /^-# +(\S.*)$/.exec(row);
  if (small) return { node: h("p.subtext", {}, inline(small[1], depth)), next: i + 1 };
  if (row.startsWith(">>> ")) {
    const rest = [row.slice(4), ...rows.slice(i + 1)].join("\n");
    return { node: h("blockquote", {}, lines(rest, depth + 1)), next: rows.length };
  }
  if (row.startsWith("> ") || row === ">") {
    let next = i;
    while (next < rows.length && (rows[next].startsWith("> ") || rows[next] === ">")) next += 1;
    const quoted = rows.slice(i, next).map((each) => each.slice(2)).join("\n");
    return { node: h("blockquote", {}, lines(quoted, depth + 1)), next };
  }
  return listAt(rows, i, depth);
}

const ITEM = /^( *)(?:([-*])|(\d{1,9})\.) +(\S.*)$/;

function listAt(rows, i, depth) {
  const first = ITEM.exec(rows[i]);
  if (!first) return null;
  const indent = first[1].length;
  const ordered = first[3] !== undefined;
  const list = h(ordered ? "ol" : "ul", ordered ? { start: Number(first[3]) } : {});
  let next = i;
  while (next < rows.length) {
    const item = ITEM.exec(rows[next]);
    if (!item || item[1].length < indent) break;
    if (item[1].length <= indent + 1 && (item[3] !== undefined) !== ordered) break;
    if (item[1].length > indent + 1 && list.lastChild && depth < DEEPEST) {
      const nested = listAt(rows, next, depth + 1);
      list.lastChild.append(nested.node);
      next = nested.next;
    } else {
      list.append(h("li", {}, inline(item[4], depth)));
      next += 1;
    }
  }
  return { node: list, next };
}

// ---- within a line -------------------------------------------------------------------------------------------------

// In order of precedence; each is anchored where reading stands ("y"), and tells what to make of what it found.
const RULES = [
  [/\\([^A-Za-z0-9\s])/y, (m) => m[1]],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, (m) => h("code", {}, m[2].trim() ? m[2].replace(/^ (.*) $/, "$1") : m[2])],
  [/<(https?:\/\/[^\s<>]+)>/y, (m) => link(m[1], [m[1]])],
  [/<a?:(\w{2,32}):(\d{5,20})>/y, (m) => emojiImage(m[2], m[1])],
  [/<@!?(\d{5,20})>/y, (m) => personMention(m[1])],
  [/<@&(\d{5,20})>/y, (m) => roleMention(m[1])],
  [/<#(\d{5,20})>/y, (m) => channelMention(m[1])],
  [/<\/([^:<>\n]{1,100}):(\d{5,20})>/y, (m) => h("span.mention", {}, `/${m[1]}`)],
  [/<t:(-?\d{1,13})(?::([tTdDfFRsS]))?>/y, (m) => timestamp(m)],
  [/@(everyone|here)\b/y, (m) => h("span.mention", {}, `@${m[1]}`)],
  [/\[((?:[^[\]\\]|\\.)+)\]\(<?(https?:\/\/[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?: "[^"\n]*")?\)/y, (m, depth) => link(m[2], inline(m[1], depth + 1, true))],
  [/https?:\/\/[^\s<>"]+/y, (m) => bareLink(m)],
  [/\|\|([\s\S]+?)\|\|/y, (m, depth) => spoiler(inline(m[1], depth + 1))],
  [/\*\*\*((?:[^*\\]|\\.|\*\*?(?!\*))+?)\*\*\*/y, (m, depth) => h("em", {}, h("strong", {}, inline(m[1], depth + 1)))],
  [/\*\*((?:\\.|`[^`]*`|[^\\])+?)\*\*(?!\*)/y, (m, depth) => h("strong", {}, inline(m[1], depth + 1))],
  [/__((?:\\.|`[^`]*`|[^\\])+?)__(?!_)/y, (m, depth) => h("u", {}, inline(m[1], depth + 1))],
  [/\*(?=\S)((?:\*\*|\\.|[^*\\])+?)(?<=\S)\*(?!\*)/y, (m, depth) => h("em", {}, inline(m[1], depth + 1))],
  [/_((?:__|\\.|[^_\\])+?)_(?!\w)/y, (m, depth, text) => (/\w/.test(text[m.index - 1] ?? "") ? null : h("em", {}, inline(m[1], depth + 1)))],
  [/~~((?:\\.|[^\\])+?)~~(?!~)/y, (m, depth) => h("s", {}, inline(m[1], depth + 1))],
];

const SPECIAL = /[\\`<@[|*_~]|https?:\/\//g;

function inline(text, depth, inLink = false) {
  if (depth > DEEPEST) return [text];
  const nodes = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const found = ruleAt(text, at, depth, inLink);
    if (found) {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found.node);
      at = found.next;
      continue;
    }
    SPECIAL.lastIndex = at + 1;
    const next = SPECIAL.exec(text)?.index ?? text.length;
    plain += text.slice(at, next);
    at = next;
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function ruleAt(text, at, depth, inLink) {
  for (const [pattern, make] of RULES) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) continue;
    const node = make(match, depth, text);
    if (node === null) continue;
    if (inLink && node instanceof HTMLAnchorElement) return { node: node.textContent, next: at + match[0].length };
    return { node, next: at + (match.used ?? match[0].length) };
  }
  return null;
}

/** Return a text as it reads without its markup, on one line. */
export function plainText(text) {
  return h("span", {}, inline(text.replaceAll(/\s+/g, " "), 0)).textContent;
}

function link(address, children) {
  const href = safeLink(address);
  return href ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, children) : h("span", {}, children);
}

function bareLink(match) {
  // Punctuation at the end belongs to the sentence, and so does a closing bracket that was opened before the link.
  let address = match[0].replace(/(?:\*\*|\|\||~~|__)[\s\S]*$/, "").replace(/[.,:;!?'"]+$/, "");
  if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
  match.used = address.length;
  return link(address, [address]);
}

function spoiler(children) {
  const hidden = h("span.spoiler", { role: "button", tabIndex: 0, "aria-expanded": "false", "aria-label": "Spoiler, hidden; press to show" }, h("span.spoiler-text", { "aria-hidden": "true" }, children));
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    if (hidden.classList.contains("shown")) return;
    event.preventDefault();
    event.stopPropagation();
    hidden.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-expanded", "aria-label"]) hidden.removeAttribute(name);
    hidden.firstChild.removeAttribute("aria-hidden");
  };
  hidden.addEventListener("click", show);
  hidden.addEventListener("keydown", show);
  return hidden;
}

function personMention(id) {
  const member = store.member(id);
  return h("span.mention", { class: id === store.town?.me.id ? "mine" : "", data: { person: id } }, `@${member?.name ?? "unknown person"}`);
}

function roleMention(id) {
  const role = store.roles?.get(id);
  const vars = role?.color ? { role: `#${role.color.toString(16).padStart(6, "0")}` } : {};
  return h("span.mention", { class: role?.color ? "coloured" : "", vars }, `@${role?.name ?? "unknown role"}`);
}

function channelMention(id) {
  const channel = store.channels?.get(id);
  return channel ? h("a.mention", { href: `#${id}`, data: { go: id } }, `#${channel.name}`) : h("span.mention", {}, "#unknown");
}

function timestamp([source, seconds, style]) {
  const written = inStyle(Number(seconds), style);
  if (written === null) return source;
  const moment = new Date(Number(seconds) * 1000);
  return h("time.timestamp", { dateTime: moment.toISOString(), title: fullOf(moment), data: style === "R" ? { relative: "" } : {} }, written);
}
