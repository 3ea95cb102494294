// The worklist: changes as the server pushes them, keys, and claims without leaving the page.
(() => {
  "use strict";
  const table = document.querySelector("[data-worklist]");
  if (!table) return;
  const body = table.tBodies[0];
  const language = document.documentElement.lang;
  const announce = document.querySelector("[data-announce]");
  const problem = document.querySelector("[data-problem]");
  document.documentElement.dataset.live = "";

  // ---- times that pass

  const spans = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const short = (seconds) => {
    const [unit, length] = spans.find(([, length]) => seconds >= 1.5 * length) || spans[2];
    const value = Math.max(1, Math.round(seconds / length));
    return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
  };
  const tick = () => {
    for (const time of body.querySelectorAll("time[data-since]")) {
      const text = short((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
    for (const eta of body.querySelectorAll("[data-expected]")) {
      if (Date.parse(eta.dataset.expected) < Date.now()) eta.textContent = eta.dataset.late;
    }
  };
  tick();
  setInterval(tick, 15000);

  // a study of which there is no picture leaves no broken one
  document.addEventListener("error", (event) => { if (event.target.matches?.(".thumb")) event.target.remove(); }, true);

  // ---- lines that change

  const lineOf = (uid) => document.getElementById(`s-${uid}`);
  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  };
  const placeOf = (key) => [...body.children].find((line) => line.dataset.key > key) || null;
  const isHere = (key) => (!table.dataset.first || key > table.dataset.first) && (!table.dataset.last || key <= table.dataset.last);
  const focusedIn = (line) => line && line.contains(document.activeElement)
    ? document.activeElement.dataset.act || "open" : "";
  const refocus = (line, what) => {
    const goal = what === "open" ? null : line.querySelector(`[data-act="${what}"]`);
    (goal || line.querySelector(".open")).focus({ preventScroll: true });
  };
  const changed = () => {
    tick();
    announce.textContent = "";
    setTimeout(() => { announce.textContent = announce.dataset.changed; }, 50);
    document.querySelector("[data-empty]").hidden = body.children.length > 0;
  };
  const remove = (uid) => {
    const old = lineOf(uid);
    if (!old) return;
    if (focusedIn(old)) (old.nextElementSibling || old.previousElementSibling)?.querySelector(".open").focus({ preventScroll: true });
    old.remove();
    changed();
  };
  const show = ({ uid, key, html }) => {
    const old = lineOf(uid);
    if (!isHere(key)) { remove(uid); return; }
    const line = parsed(html);
    if (old && old.isEqualNode(line)) return;
    const what = focusedIn(old);
    if (old && old.dataset.key === key) {
      old.replaceWith(line);
    } else {
      if (old) old.remove();
      body.insertBefore(line, placeOf(key));
    }
    line.classList.add("fresh");
    setTimeout(() => line.classList.remove("fresh"), 4000);
    if (what) refocus(line, what);
    changed();
  };

  const state = document.querySelector("[data-live-state]");
  const stated = (on) => {
    state.classList.toggle("off", !on);
    const text = on ? state.dataset.on : state.dataset.off;
    if (state.firstElementChild.textContent !== text) state.firstElementChild.textContent = text;
  };
  const query = new URLSearchParams(table.dataset.query);
  query.set("revision", table.dataset.revision);
  const source = new EventSource(`/worklist/stream?${query}`);
  source.addEventListener("open", () => stated(true));
  source.addEventListener("error", () => stated(false));
  source.addEventListener("row", (event) => show(JSON.parse(event.data)));
  source.addEventListener("gone", (event) => remove(JSON.parse(event.data).uid));
  source.addEventListener("behind", () => location.reload());
  source.addEventListener("ended", () => { source.close(); location.assign("/login"); });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // ---- claims

  const act = async (button) => {
    problem.hidden = true;
    const form = new URLSearchParams({ study: button.value });
    const answer = await fetch(button.formAction, {
      method: "POST", body: form, redirect: "manual", headers: { Accept: "application/json" },
    }).catch(() => null);
    if (!answer) { stated(false); return; }
    if (answer.type === "opaqueredirect" || answer.ok) return;
    const said = await answer.json();
    problem.querySelector(".what").textContent = said.title;
    problem.querySelector(".do").textContent = said.detail || said.remedy || "";
    problem.hidden = false;
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-act-form]")) return;
    event.preventDefault();
    if (event.submitter) act(event.submitter);
  });

  // ---- filters apply as they are chosen

  const filters = document.querySelector("[data-filters]");
  filters.addEventListener("change", (event) => {
    if (event.target.type !== "search") filters.requestSubmit();
  });
  filters.addEventListener("submit", () => {
    for (const field of filters.elements) if (field.name && !field.value) field.disabled = true;
  });
  addEventListener("pageshow", () => { for (const field of filters.elements) field.disabled = false; });

  // ---- keys

  const help = document.querySelector("[data-keys]");
  document.querySelector("[data-help]").addEventListener("click", () => help.showModal());
  const line = () => document.activeElement?.closest?.("tr.line");
  const move = (step) => {
    const here = line();
    const goal = here ? (step > 0 ? here.nextElementSibling : here.previousElementSibling) : body.firstElementChild;
    const link = goal?.querySelector(".open");
    if (!link) return;
    link.focus({ preventScroll: true });
    goal.scrollIntoView({ block: "nearest" });
  };
  const press = (...names) => {
    for (const name of names) {
      const button = line()?.querySelector(`[data-act="${name}"]`);
      if (button) { button.click(); return; }
    }
  };
  const keys = {
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    v: () => press("view"), c: () => press("claim", "release"), r: () => press("complete"),
    n: () => document.querySelector('[rel="next"]')?.click(),
    "/": () => document.getElementById("f-q").select(), "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const isField = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && isField) { event.target.blur(); return; }
    if (isField || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
