"use strict";
(() => {
  const every = 5000;
  const pause = document.getElementById("pause");
  const link = document.getElementById("link");
  let paused = false;

  const refresh = async () => {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.pathname, {
        headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(every),
      });
      if (!(answer.headers.get("Content-Type") || "").startsWith("text/html")) throw new Error(answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = fresh.title;
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(old.id);
        if (now && now.outerHTML !== old.outerHTML) old.replaceWith(now);
      }
      link.textContent = "";
    } catch {
      link.textContent = "The bot does not answer; these are the last figures it gave.";
    }
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, every);
})();
