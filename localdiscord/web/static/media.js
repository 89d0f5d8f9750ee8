// Addresses: which may be linked, and where the pictures of the local Discord are.

import { h } from "./dom.js";

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);
const CDN = new Set(["cdn.discordapp.com", "media.discordapp.net"]);

/** Return an address that may be linked; null for what is neither http nor https. */
export function safeLink(address) {
  try {
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Return where this page can load a file from: of Discord's CDN the local one; null for everything elsewhere. */
export function localMedia(address) {
  try {
    const url = new URL(address);
    const isLocal = LOOPBACK.has(url.hostname) && url.port === location.port;
    return CDN.has(url.host) || isLocal ? url.pathname + url.search : null;
  } catch {
    return null;
  }
}

/** Show a guild's own emoji. */
export function emojiImage(id, name) {
  return h("img.emoji", { src: `/emojis/${id}.webp`, alt: `:${name}:`, title: `:${name}:`, loading: "lazy" });
}

/** Show an emoji as Discord writes it in reactions, buttons and menus. */
export function emojiOf(emoji) {
  return emoji.id ? emojiImage(emoji.id, emoji.name) : h("span.emoji", {}, emoji.name);
}

/** Write a number of bytes for people. */
export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
