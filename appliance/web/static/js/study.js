// The page of a study: what somebody has opened or begun to write survives that the page brings itself up to date.
(() => {
  "use strict";
  let opened = [];

  const isBusy = () => {
    const field = document.activeElement;
    return Boolean(field && field.closest("#study form") && ["INPUT", "TEXTAREA", "SELECT"].includes(field.tagName));
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id !== "study" || !isBusy()) return;
    event.preventDefault();
    document.activeElement.addEventListener("blur", () => window.htmx.trigger("#study", "sse:changed"), { once: true });
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "study") return;
    opened = [...document.querySelectorAll("#study details[open][id]")].map((item) => item.id);
  });

  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  });
})();
