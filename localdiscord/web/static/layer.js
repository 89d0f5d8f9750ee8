// What floats above the page: it opens at a control or a point, closes by Escape or a click elsewhere, and gives the
// focus back.

import { h } from "./dom.js";

const GAP = 6;
let open = null;

/**
 * Open a floating box; only one is open at a time.
 * @param {HTMLElement} box
 * @param {{anchor?: HTMLElement, x?: number, y?: number, above?: boolean, back?: HTMLElement, closed?: () => void}} place
 */
export function openLayer(box, place) {
  closeLayer(false);
  const back = place.back ?? document.activeElement;
  const host = place.anchor?.closest("dialog") ?? document.body;
  const layer = h("div.layer", {}, box);
  host.append(layer);
  open = { layer, back, closed: place.closed, anchor: place.anchor };
  position(layer, place);
  place.anchor?.setAttribute("aria-expanded", "true");
  layer.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    closeLayer();
  });
  layer.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !layer.contains(event.relatedTarget) && open?.layer === layer) closeLayer(false);
  });
  return layer;
}

/** Close what is open. */
export function closeLayer(giveBack = true) {
  if (!open) return;
  const { layer, back, closed, anchor } = open;
  open = null;
  layer.remove();
  anchor?.setAttribute("aria-expanded", "false");
  if (giveBack && back?.isConnected) back.focus({ preventScroll: true });
  closed?.();
}

export const layerIsOpen = () => open !== null;

function position(layer, { anchor, x, y, above }) {
  const from = anchor?.getBoundingClientRect() ?? { left: x, right: x, top: y, bottom: y, width: 0 };
  if (anchor) layer.style.setProperty("--anchor-width", `${from.width}px`);
  const { width, height } = layer.getBoundingClientRect();
  const below = from.bottom + GAP + height <= innerHeight;
  const top = (above || !below) && from.top - GAP - height >= 0 ? from.top - GAP - height : Math.min(from.bottom + GAP, innerHeight - height - GAP);
  layer.style.left = `${Math.max(GAP, Math.min(from.left, innerWidth - width - GAP))}px`;
  layer.style.top = `${Math.max(GAP, top)}px`;
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.layer.contains(event.target) && !open.anchor?.contains(event.target)) closeLayer(false);
});
addEventListener("resize", () => closeLayer(false));
