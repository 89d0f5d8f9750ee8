// Emoji to choose from: those that people use most, by name.

import { fill, h } from "./dom.js";
import { closeLayer, openLayer } from "./layer.js";

const GROUPS = {
  "Faces and hands": "😀 grinning|😄 smile|😁 beaming grin|😂 joy tears laugh|🤣 rofl|🙂 slight smile|😉 wink|😊 blush|😍 heart eyes|😘 kiss|😎 cool sunglasses|🤔 thinking|🤨 raised eyebrow|😐 neutral|🙄 rolling eyes|😴 sleeping|😢 cry|😭 sob|😤 huff|😡 angry|🤯 mind blown|😱 scream|🥳 party face|🤗 hug|🫡 salute|👍 thumbsup yes|👎 thumbsdown no|👏 clap|🙌 raised hands|🙏 pray thanks|💪 muscle strong|👀 eyes look|👋 wave hello|✌️ victory peace|🤝 handshake|🫶 heart hands|👌 ok hand",
  "Hearts and signs": "❤️ heart red|🧡 orange heart|💛 yellow heart|💚 green heart|💙 blue heart|💜 purple heart|🖤 black heart|💔 broken heart|💯 hundred|✅ white check mark done|❌ cross x|❗ exclamation|❓ question|⚠️ warning|🚫 forbidden|⭐ star|✨ sparkles|🔥 fire|💡 idea bulb|🎉 tada party|🎊 confetti|🏆 trophy|🥇 first medal|🥈 second medal|🥉 third medal|🔔 bell|🔒 lock|🔓 unlock|🔑 key|📌 pin|📎 paperclip|🔗 link",
  "Things": "🎵 note music|🎶 notes|🎤 microphone|🎧 headphones|🎸 guitar|🎹 piano|▶️ play|⏸️ pause|⏹️ stop|⏭️ next skip|⏮️ previous|🔁 repeat loop|🔀 shuffle|🔊 loud|🔇 mute|📷 camera|💻 laptop|📱 phone|⌨️ keyboard|🤖 robot bot|⚙️ gear settings|🛠️ tools|📚 books|📝 memo note|📅 calendar|⏰ alarm clock|⌛ hourglass|💰 money|🎁 gift|🎮 game|🎲 dice|🧩 puzzle|🚀 rocket|✈️ plane|🚗 car|🏠 house",
  "Nature and food": "🐶 dog|🐱 cat|🐻 bear|🦊 fox|🐼 panda|🐸 frog|🦉 owl|🐝 bee|🦋 butterfly|🐢 turtle|🐳 whale|🐍 snake python|🐘 elephant|🌸 blossom|🌻 sunflower|🌳 tree|🌈 rainbow|☀️ sun|🌙 moon|☁️ cloud|❄️ snow|🌊 wave water|🍎 apple|🍌 banana|🍓 strawberry|🥑 avocado|🌶️ chili hot|🍕 pizza|🍔 burger|🍜 noodles|🍣 sushi|🍰 cake|🍪 cookie|☕ coffee|🍵 tea|🍺 beer",
  "Letters and numbers": "1️⃣ one|2️⃣ two|3️⃣ three|4️⃣ four|5️⃣ five|6️⃣ six|7️⃣ seven|8️⃣ eight|9️⃣ nine|🔟 ten|🇦 a|🇧 b|🇨 c|🇩 d|🇪 e|🟢 green circle|🟡 yellow circle|🔴 red circle|🔵 blue circle|⬆️ up|⬇️ down|⬅️ left|➡️ right|➕ plus|➖ minus",
};

const ALL = Object.entries(GROUPS).flatMap(([group, line]) =>
  line.split("|").map((entry) => {
    const [sign, ...names] = entry.split(" ");
    return { sign, group, name: names[0], words: names.join(" ") };
  }));

/** Return the emoji whose names begin with or hold what is typed. */
export function findEmoji(typed) {
  const words = typed.toLowerCase();
  const starting = ALL.filter((each) => each.words.split(" ").some((name) => name.startsWith(words)));
  return starting.length ? starting : ALL.filter((each) => each.words.includes(words));
}

const COLUMNS = 9;

/** Let the person pick an emoji. */
export function openEmojiPicker(anchor, chosen) {
  const search = h("input.filter", { type: "text", placeholder: "Find an emoji", "aria-label": "Find an emoji" });
  const grid = h("div.emoji-grid", { role: "group", "aria-label": "Emoji" });
  const take = (sign) => {
    closeLayer();
    chosen(sign);
  };
  const draw = () => {
    const found = search.value ? findEmoji(search.value) : ALL;
    let group = null;
    const cells = [];
    for (const each of found) {
      if (each.group !== group) cells.push(h("h3", {}, (group = each.group)));
      cells.push(h("button", { type: "button", title: each.words, "aria-label": each.words, tabIndex: cells.length < 2 ? 0 : -1, on: { click: () => take(each.sign) } }, each.sign));
    }
    fill(grid, found.length ? cells : h("p.nothing", {}, "No emoji of that name."));
  };
  search.addEventListener("input", draw);
  const box = h("div.emoji-picker", {}, search, grid);
  box.addEventListener("keydown", (event) => {
    const buttons = [...grid.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Enter" && event.target === search && buttons.length) {
      event.preventDefault();
      buttons[0].click();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (!step || (event.target === search && event.key !== "ArrowDown")) return;
    event.preventDefault();
    if (at < 0) buttons[0]?.focus();
    else (buttons[at + step] ?? (step < 0 ? search : buttons.at(-1)))?.focus();
  });
  draw();
  openLayer(box, { anchor, back: anchor });
  search.focus();
}
