// Kinds of channel and what they are drawn with.

import { icon } from "./dom.js";

const THREADS = new Set([10, 11, 12]);

export const isThread = (channel) => THREADS.has(channel.type);
export const isVoice = (channel) => channel.type === 2 || channel.type === 13;
export const isForum = (channel) => channel.type === 15 || channel.type === 16;
export const isCategory = (channel) => channel.type === 4;

export function iconOf(channel) {
  return icon(!channel.guild ? "at" : isVoice(channel) ? "voice" : isThread(channel) ? "thread" : "hash");
}
