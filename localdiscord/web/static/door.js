// The door: who are you?

import { avatar } from "./avatar.js";
import { by, fill, h, icon } from "./dom.js";
import { toast } from "./toast.js";
import { store } from "./store.js";

const LANGUAGES = [["en-US", "English"], ["th", "ไทย"]];

/** Show the door; `enter` is told the town of whoever goes in. */
export async function showDoor(enter) {
  const { people, guild } = await store.ask("people");
  by("town").hidden = true;
  const go = async (what, args) => {
    try {
      enter(await store.ask(what, args));
    } catch (error) {
      toast(error.message);
    }
  };
  const cards = people.map((person) =>
    h("li", {}, h("button.card", { type: "button", on: { click: () => go("enter", { username: person.username }) } }, avatar(person), h("span.card-name", {}, person.name), h("span.card-note", {}, noteOf(person)))));
  const name = h("input", { name: "name", required: true, maxLength: 32, placeholder: "Name", "aria-label": "Name" });
  const locale = h("select", { "aria-label": "Language" }, LANGUAGES.map(([value, label]) => h("option", { value }, label)));
  const form = h("form.arrive", { on: { submit: (event) => {
    event.preventDefault();
    go("arrive", { name: name.value.trim(), locale: locale.value });
  } } }, name, locale, h("button.primary", { type: "submit" }, "Join"));
  const door = fill(by("door"), h("div.door-box", {},
    h("p.brand", {}, h("img", { src: "/web/icon.svg", alt: "" }), "Local Discord"),
    h("h1", {}, "Who are you?"),
    h("p.lead", {}, "Everybody in ", h("b", {}, guild), " lives on this machine. Open another tab to be two people at once."),
    h("ul.cards", {}, cards),
    h("details.newcomer", {}, h("summary", {}, icon("plus"), "Somebody new"), form)));
  door.hidden = false;
  door.querySelector(".card")?.focus();
}

function noteOf(person) {
  const language = person.locale.startsWith("th") ? "reads Thai" : null;
  return [person.part, language].filter(Boolean).join(", ") || "member";
}
