// A guide's steps can be ticked, and a bar copies its values one after the other, for who changes between two apps.
// Ticks are kept in this browser tab. Without this file the guide is a plain numbered list.
(() => {
  "use strict";
  const key = () => "steps:" + location.pathname + location.search;
  const kept = () => { try { return JSON.parse(sessionStorage.getItem(key()) || "[]"); } catch { return []; } };
  const keep = (ids) => { try { sessionStorage.setItem(key(), JSON.stringify(ids)); } catch { /* not kept */ } };
  const guide = () => document.getElementById("guide");
  const steps = () => [...(document.querySelector("#guide article.text ol.steps")?.children || [])].filter((step) => step.id);

  function show() {
    const done = steps().filter((step) => step.classList.contains("step-done")).length;
    const words = guide().dataset.progress.replace("{done}", done).replace("{all}", steps().length);
    document.querySelector("[data-progress-words]").textContent = words;
  }

  function tick(step, isDone) {
    step.classList.toggle("step-done", isDone);
    step.querySelector(".tick input").checked = isDone;
  }

  // The values to type, each once, in the order of the steps; those that are not known yet are left out.
  function values() {
    const found = new Map();
    for (const value of document.querySelectorAll("#guide article.text .row-value > code.value:not(.value-unknown)")) {
      const label = value.closest(".row")?.querySelector(".row-label")?.firstChild?.textContent || "";
      if (!found.has(value.textContent)) found.set(value.textContent, label);
    }
    return [...found];
  }

  function offer(number) {
    const bar = document.querySelector("[data-copy-bar]");
    const all = values();
    const button = bar.querySelector("button");
    // Over plain http a page may not copy like this; the buttons beside the values do it the old way.
    button.hidden = bar.querySelector(".next-value").hidden = !all.length || !navigator.clipboard;
    if (button.hidden) return;
    const [value, label] = all[number % all.length];
    bar.dataset.number = number % all.length;
    bar.querySelector(".next-label").textContent = label;
    bar.querySelector("code").textContent = value;
  }

  function enhance() {
    const bar = document.querySelector("[data-copy-bar]");
    if (!bar || !steps().length) return;
    const done = kept();
    for (const step of steps()) {
      if (!step.querySelector(".tick")) {
        const label = document.createElement("label");
        const box = document.createElement("input");
        box.type = "checkbox";
        box.autocomplete = "off";
        label.className = "tick";
        label.append(box, guide().dataset.done);
        step.append(label);
      }
      tick(step, done.includes(step.id));
    }
    bar.hidden = false;
    show();
    offer(Number(bar.dataset.number || 0));
  }

  document.addEventListener("change", (event) => {
    const step = event.target.closest?.(".tick")?.closest(".step");
    if (!step) return;
    tick(step, event.target.checked);
    keep(steps().filter((one) => one.classList.contains("step-done")).map((one) => one.id));
    show();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy-bar] button");
    if (!button) return;
    const bar = button.closest("[data-copy-bar]");
    const value = bar.querySelector("code").textContent;
    await navigator.clipboard.writeText(value);
    document.getElementById("announce").textContent = document.body.dataset.copied + ": " + value;
    offer(Number(bar.dataset.number) + 1);
  });

  document.addEventListener("htmx:after:swap", enhance);
  document.addEventListener("htmx:after:settle", enhance);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", enhance);
  else enhance();
})();
