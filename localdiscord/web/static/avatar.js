// Faces: the picture a user has, or their initials on a colour of their own.

import { h } from "./dom.js";

/** Return a hue for an id, the same each time; neighbours are far apart, by the golden angle. */
function hueOf(id) {
  return (Number(BigInt(id) % 1000n) * 137.508) % 360;
}

function initialsOf(name) {
  const words = name.trim().split(/[\s_.-]+/u).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0]);
  return letters.join("").toLocaleUpperCase() || "?";
}

/**
 * Draw a person; beside a name, so it says nothing to screen readers.
 * @param {object} person
 * @param {object} [options] `status` shows presence
 */
export function avatar(person, { status } = {}) {
  const picture = person.avatar
    ? h("img.face", { src: `/avatars/${person.id}/${person.avatar}.png`, alt: "", loading: "lazy" })
    : h("span.face", { class: person.bot ? "bot" : "", vars: { hue: hueOf(person.id) } }, initialsOf(person.name ?? person.global_name ?? person.username));
  return h("span.avatar", { "aria-hidden": "true" }, picture, status && h("span.status", { class: status }));
}
