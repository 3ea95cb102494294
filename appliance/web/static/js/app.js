// What every page needs: the theme, copying, and what to do when a session has ended. No framework, no eval.
(() => {
  "use strict";
  const KEY = "appliance-theme";
  const root = document.documentElement;

  // Before anybody is signed in, a browser keeps the theme that was chosen on it: no white page in a dark room.
  if (root.dataset.theme === "auto") {
    const kept = localStorage.getItem(KEY);
    if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  } else {
    localStorage.setItem(KEY, root.dataset.theme);
  }

  const chooseTheme = (theme) => {
    root.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
    fetch("/account/theme", { method: "POST", body: new URLSearchParams({ theme }) });
  };

  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-theme-switch]")) chooseTheme(event.target.value);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = button.dataset.copied;
    } catch {
      // without TLS browsers give no clipboard: select it, so that a key press copies it
      getSelection().selectAllChildren(source);
    }
  });

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });
})();
