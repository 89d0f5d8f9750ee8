// The one websocket to the server: questions with answers, and news. It comes back by itself.

const FIRST_DELAY = 250;
const LONGEST_DELAY = 4000;

export class Refused extends Error {}

export class Link {
  /**
   * @param {(news: object) => void} hear takes the news
   * @param {() => void} heard is told that an answer comes, which is true only after the news before it
   * @param {(open: boolean) => void} changed is told when the connection opens or is lost
   */
  constructor(hear, heard, changed) {
    this.hear = hear;
    this.heard = heard;
    this.changed = changed;
    this.number = 0;
    this.waiting = new Map();
    this.delay = FIRST_DELAY;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = (this.socket = new WebSocket(`${scheme}://${location.host}/web/socket`));
    socket.addEventListener("open", () => {
      this.delay = FIRST_DELAY;
      this.changed(true);
    });
    socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.lost());
  }

  take(message) {
    if (message.event) return this.hear(message);
    this.heard();
    const waiter = this.waiting.get(message.n);
    this.waiting.delete(message.n);
    if (!waiter) return undefined;
    return "refused" in message ? waiter.reject(new Refused(message.refused)) : waiter.resolve(message.ok);
  }

  lost() {
    for (const waiter of this.waiting.values()) waiter.reject(new Refused("The connection was lost before the answer came."));
    this.waiting.clear();
    this.changed(false);
    setTimeout(() => this.open(), this.delay);
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
  }

  /** Ask the server to do something; resolves with its answer, rejects with `Refused`. */
  ask(what, args = {}) {
    if (this.socket.readyState !== WebSocket.OPEN) return Promise.reject(new Refused("The local Discord is not there at the moment."));
    const number = ++this.number;
    this.socket.send(JSON.stringify({ ...args, n: number, do: what }));
    return new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
  }
}
