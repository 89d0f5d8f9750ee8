// Files of a message: pictures, sound, films, and others to save.

import { h, icon } from "./dom.js";
import { localMedia, sizeOf } from "./media.js";

export function attachmentList(attachments) {
  if (!attachments.length) return null;
  const isPicture = (file) => file.content_type?.startsWith("image/") && localMedia(file.url);
  const pictures = attachments.filter(isPicture);
  const others = attachments.filter((file) => !isPicture(file));
  return [
    pictures.length > 0 && h("div.attachments", { class: pictures.length > 1 ? `many ${pictures.length % 3 === 0 || pictures.length > 4 ? "" : "pairs"}` : "" }, pictures.map(attachment)),
    others.length > 0 && h("div.attachments", {}, others.map(attachment)),
  ];
}

function attachment(file) {
  const source = localMedia(file.url);
  const kind = source ? (file.content_type ?? "").split("/")[0] : "";
  const shown = kind === "image" && file.filename.startsWith("SPOILER_") ? veiled(picture(file, source)) : SHOWN[kind]?.(file, source);
  return shown ?? card(file, source);
}

const SHOWN = {
  image: picture,
  audio: (file, source) => h("div.player", {}, card(file, source), h("audio", { src: source, controls: true, preload: "metadata", "aria-label": file.filename })),
  video: (file, source) => h("video", { src: source, controls: true, preload: "metadata", "aria-label": file.filename }),
};

function picture(file, source) {
  const size = file.width && file.height ? { width: file.width, height: file.height } : {};
  return h("a.picture", { href: source, target: "_blank", rel: "noopener", "aria-label": `Picture ${file.description || file.filename}: open it` },
    h("img", { src: source, alt: file.description || file.filename, loading: "lazy", ...size }));
}

function veiled(content) {
  const veil = h("div.veil", {}, content, h("button.quiet", { type: "button", on: { click: () => veil.classList.add("lifted") } }, "Show the picture"));
  return veil;
}

function card(file, source) {
  return h("div.file", {}, icon("file"),
    h("span.file-name", {}, source ? h("a", { href: source, download: file.filename }, file.filename) : file.filename),
    h("span.file-size", {}, sizeOf(file.size)));
}
