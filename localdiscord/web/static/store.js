// What the page knows: the town as the server told it, the messages by channel, what was read, and where we are.

import { older } from "./dom.js";

/** The messages of a channel that are here, oldest first. */
export class Log {
  constructor() {
    this.items = [];
    this.known = new Map();
    this.whole = false; // whether the first message of the channel is here
    this.loaded = false;
    this.loading = null;
  }

  /** Add or replace a message; tells its place, and whether it is new. */
  put(message) {
    const before = this.known.get(message.id);
    this.known.set(message.id, message);
    if (before) {
      const index = this.items.indexOf(before);
      this.items[index] = message;
      return { index, fresh: false };
    }
    let index = this.items.length;
    while (index > 0 && older(message.id, this.items[index - 1].id)) index -= 1;
    this.items.splice(index, 0, message);
    return { index, fresh: true };
  }

  drop(id) {
    const message = this.known.get(id);
    if (!message) return false;
    this.known.delete(id);
    this.items.splice(this.items.indexOf(message), 1);
    return true;
  }

  /** Forget the oldest messages; they can be loaded again. */
  trim(count) {
    for (const message of this.items.splice(0, count)) this.known.delete(message.id);
    this.whole = false;
  }
}

export const store = {
  town: null,
  here: null,
  link: null,
  guilds: new Map(), // these four by id
  channels: new Map(),
  roles: new Map(),
  people: new Map(),
  logs: new Map(),
  unread: new Map(), // channel id -> mentions
  firstUnread: new Map(), // channel id -> the first message not read
  typing: new Map(),
  heard: new Map(), // guild id -> what is heard there, by user id

  get me() {
    return this.town.me;
  },

  ask(what, args) {
    return this.link.ask(what, args);
  },

  log(id) {
    if (!this.logs.has(id)) this.logs.set(id, new Log());
    return this.logs.get(id);
  },

  /** Take the town's present state and make it quick to look up. */
  settle(town) {
    this.town = town;
    this.channels = new Map();
    this.people = new Map([[town.me.id, town.me]]);
    this.roles = new Map();
    this.guilds = new Map();
    for (const guild of town.guilds) {
      this.guilds.set(guild.id, guild);
      guild.byId = new Map(guild.members.map((member) => [member.id, member]));
      for (const channel of guild.channels) this.channels.set(channel.id, channel);
      for (const role of guild.roles) this.roles.set(role.id, role);
      for (const member of guild.members) this.people.set(member.id, member);
    }
    for (const channel of town.direct) {
      this.channels.set(channel.id, channel);
      for (const person of channel.recipients) if (!this.people.has(person.id)) this.people.set(person.id, person);
    }
  },

  channel(id = this.here) {
    return this.channels?.get(id);
  },

  guild(channel = this.channel()) {
    return channel?.guild ? this.guilds.get(channel.guild) : null;
  },

  can(what, channel = this.channel()) {
    return Boolean(channel?.can.includes(what));
  },

  /** Return a person as a channel's guild knows them, with the colour of their highest coloured role. */
  member(id, guild = this.guild()) {
    return guild?.byId.get(id) ?? this.people.get(id);
  },

  rolesOf(member) {
    const roles = (member?.roles ?? []).map((id) => this.roles.get(id)).filter(Boolean);
    return roles.sort((a, b) => b.position - a.position);
  },

  colourOf(member) {
    const role = this.rolesOf(member).find((each) => each.color);
    return role ? `#${role.color.toString(16).padStart(6, "0")}` : null;
  },

  isMuch(message) {
    return message.author.id !== this.me.id && (message.mention_everyone || message.mentions.some((user) => user.id === this.me.id) ||
      (message.mention_roles ?? []).some((id) => this.member(this.me.id)?.roles?.includes(id)));
  },
};
