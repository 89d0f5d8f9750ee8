// Files on their way to the server, ahead of their message.

import { Refused } from "./link.js";
import { sizeOf } from "./media.js";

const LARGEST = 10 * 1024 * 1024;

/** Send a file; resolves with its key, by which a message can name it. */
export async function sendFile(file) {
  if (file.size > LARGEST) throw new Refused(`${file.name} is ${sizeOf(file.size)}; a file may have ${sizeOf(LARGEST)}.`);
  const response = await fetch(`/web/files?name=${encodeURIComponent(file.name || "file")}`, { method: "POST", body: file, headers: { "Content-Type": file.type || "application/octet-stream" } });
  if (!response.ok) throw new Refused(`${file.name} could not be sent.`);
  return { key: (await response.json()).file, name: file.name, size: file.size };
}
