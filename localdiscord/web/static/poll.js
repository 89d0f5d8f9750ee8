// Discord's own polls.

import { h, icon } from "./dom.js";
import { emojiOf } from "./media.js";
import { store } from "./store.js";
import { relativeOf } from "./time.js";
import { kindly } from "./toast.js";

export function pollCard(message) {
  const { poll } = message;
  const counts = new Map((poll.results?.answer_counts ?? []).map((each) => [each.id, each]));
  const total = [...counts.values()].reduce((sum, each) => sum + each.count, 0);
  const mine = [...counts.values()].filter((each) => each.me_voted).map((each) => each.id);
  const closed = poll.results?.is_finalized || (poll.expiry && new Date(poll.expiry) < new Date());
  const vote = (answers) => kindly(store.ask("vote", { channel: message.channel_id, message: message.id, answers }));
  const choose = (id) => vote(mine.includes(id) ? mine.filter((each) => each !== id) : poll.allow_multiselect ? [...mine, id] : [id]);
  const answers = poll.answers.map(({ answer_id: id, poll_media: media }) => {
    const count = counts.get(id)?.count ?? 0;
    const share = total ? Math.round((count / total) * 100) : 0;
    return h("button.poll-answer", { type: "button", disabled: Boolean(closed), class: mine.includes(id) ? "mine" : "", "aria-pressed": String(mine.includes(id)), vars: { share: `${share}%` }, data: { key: `answer ${id}` }, on: { click: () => choose(id) } },
      media.emoji && emojiOf(media.emoji), h("span.poll-words", {}, media.text), mine.includes(id) && icon("check"), h("span.poll-share", {}, total ? `${share}% · ${count}` : ""));
  });
  const end = closed ? "closed" : poll.expiry ? `closes ${relativeOf(new Date(poll.expiry))}` : "open";
  return h("section.poll", { "aria-label": `Poll: ${poll.question.text}` }, h("h3", {}, poll.question.text), h("p.poll-note", {}, poll.allow_multiselect ? "Choose one or more" : "Choose one"), answers, h("p.poll-note", {}, `${total} ${total === 1 ? "vote" : "votes"} · ${end}`));
}
