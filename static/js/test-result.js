// The proof of work, the report's copy button, and moments in the reader's own time.
// Without this file: who has used up the tests waits, the report is saved as a file, and times are in UTC.
(() => {
  "use strict";
  const SLICE = 400; // hashes between two turns of the page
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const turn = () => new Promise((resolve) => { setTimeout(resolve, 0); });

  // The number for which SHA-256 of salt and number is the digest (altcha, version 1). Null: the page has moved on.
  async function solve(box) {
    const { digest, salt, most } = box.dataset;
    const encoder = new TextEncoder();
    const progress = box.querySelector("progress");
    for (let start = 0; start <= Number(most); start += SLICE) {
      const numbers = Array.from({ length: SLICE }, (_, index) => start + index);
      const found = await Promise.all(numbers.map(async (number) =>
        hex(await crypto.subtle.digest("SHA-256", encoder.encode(salt + number))) === digest));
      if (found.includes(true)) return start + found.indexOf(true);
      progress.value = Math.min(100, 100 * start / Number(most));
      await turn();
      if (!box.isConnected) return null;
    }
    return null;
  }

  async function prove(box) {
    if (!globalThis.crypto?.subtle) return; // plain http: waiting it is
    box.hidden = false;
    const number = await solve(box);
    if (number === null) return;
    const { digest, salt, signature } = box.dataset;
    const solution = { algorithm: "SHA-256", challenge: digest, number, salt, signature };
    box.querySelector("input").value = btoa(JSON.stringify(solution));
    const status = box.querySelector("[role=status]");
    status.classList.remove("running");
    status.textContent = box.dataset.ready;
  }

  function localTime(element) {
    const when = new Date(element.dateTime);
    const options = { hour: "2-digit", minute: "2-digit" };
    if (when.toDateString() !== new Date().toDateString()) Object.assign(options, { month: "long", day: "numeric" });
    element.textContent = when.toLocaleString(document.documentElement.lang, options);
  }

  function enhance() {
    for (const box of document.querySelectorAll("[data-proof]:not([data-begun])")) {
      box.dataset.begun = "";
      prove(box);
    }
    for (const element of document.querySelectorAll("time[data-local]")) {
      element.removeAttribute("data-local");
      localTime(element);
    }
    for (const button of document.querySelectorAll("button[data-copy-text]")) button.hidden = false;
  }

  document.addEventListener("change", (event) => {
    const field = document.getElementById(event.target.dataset?.mask || "");
    if (field) field.value = event.target.checked ? field.dataset.masked : field.dataset.whole;
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy-text]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copyText);
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(field.value);
    } else { // plain http: the old way
      field.select();
      document.execCommand("copy");
    }
    button.classList.add("copied");
    document.getElementById("announce").textContent = document.body.dataset.copied;
    setTimeout(() => button.classList.remove("copied"), 1500);
  });

  // Starting a test shows at once that it runs, brings its picture into view when it comes, and names the end in the title.
  let started = null; // the button that started the test whose picture has not come yet
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("hx-target") !== "#result") return;
    started = event.submitter || event.target.querySelector("button[type=submit]");
    started?.classList.add("running");
  }, true);

  function follow() {
    const result = document.querySelector("#result .result");
    if (started && result) {
      location.replace("#result"); // folds the form, as it is the target of the address no longer
      started.classList.remove("running");
      started = null;
    }
    const verdict = result?.querySelector(".verdict #result-title");
    const [, ...rest] = document.title.split(" · ");
    if (verdict) document.title = [verdict.textContent, ...rest].join(" · ");
  }

  document.addEventListener("htmx:after:swap", follow);
  document.addEventListener("htmx:error", () => { started?.classList.remove("running"); });
  document.addEventListener("htmx:after:swap", enhance);
  document.addEventListener("htmx:after:settle", enhance);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", enhance);
  else enhance();
})();
