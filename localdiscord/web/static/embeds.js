// Embeds: the cards that bots write.

import { h } from "./dom.js";
import { localMedia, safeLink } from "./media.js";
import { markdown } from "./markdown.js";
import { stampOf } from "./time.js";

const hex = (colour) => `#${colour.toString(16).padStart(6, "0")}`;

function linked(url, children) {
  const href = url && safeLink(url);
  return href ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, children) : children;
}

/** Show a picture of the local Discord; of one elsewhere only where it is, since nothing is loaded from elsewhere. */
export function picture(media, { alt = "", small = false } = {}) {
  const address = media?.proxy_url ?? media?.url;
  if (!address) return null;
  const source = localMedia(address) ?? localMedia(media.url);
  if (!source) {
    const href = safeLink(media.url);
    return href && !small ? h("p.elsewhere", {}, "A picture elsewhere: ", linked(href, [new URL(href).host])) : null;
  }
  const size = media.width && media.height ? { width: media.width, height: media.height } : {};
  return h("img", { src: source, alt, loading: "lazy", ...size });
}

export function embedCard(embed) {
  const { author, footer, thumbnail, image, fields = [] } = embed;
  const body = h("div.embed-body", {},
    author?.name && h("div.embed-author", {}, picture({ url: author.icon_url, proxy_url: author.proxy_icon_url }, { small: true }), linked(author.url, [author.name])),
    embed.provider?.name && h("div.embed-provider", {}, embed.provider.name),
    embed.title && h("div.embed-title", { role: "heading", "aria-level": "3" }, linked(embed.url, markdown(embed.title, { inline: true }))),
    embed.description && h("div.embed-text.text", {}, markdown(embed.description)),
    fields.length > 0 && h("dl.embed-fields", {}, fields.map(fieldOf)),
  );
  const card = h("article.embed", { vars: embed.color ? { bar: hex(embed.color) } : {} },
    h("div.embed-top", {}, body, thumbnail && h("div.embed-thumbnail", {}, picture(thumbnail, { small: true }))),
    image && h("div.embed-image", {}, picture(image, { alt: embed.title ? `Picture of: ${embed.title}` : "Picture" })),
    (footer?.text || embed.timestamp) && h("div.embed-footer", {}, footerOf(footer, embed.timestamp)),
  );
  return card;
}

function fieldOf(field) {
  return h("div.embed-field", { class: field.inline ? "inline" : "" },
    h("dt", {}, markdown(field.name, { inline: true })), h("dd.text", {}, markdown(field.value)));
}

function footerOf(footer, timestamp) {
  const moment = timestamp ? new Date(timestamp) : null;
  return [
    footer && picture({ url: footer.icon_url, proxy_url: footer.proxy_icon_url }, { small: true }),
    footer?.text,
    footer?.text && moment && h("span.dot", { "aria-hidden": "true" }, "•"),
    moment && h("time", { dateTime: moment.toISOString() }, stampOf(moment)),
  ];
}
