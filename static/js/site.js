// Copy buttons, the reveal button, and the address that stays in this browser tab.
// Everything works without this file; it only saves typing.
(() => {
  "use strict";
  const KEY = "address";

  // Storage may be forbidden (private windows, policies): then the address is simply not kept.
  const kept = () => { try { return sessionStorage.getItem(KEY) || ""; } catch { return ""; } };
  const keep = (text) => { try { sessionStorage.setItem(KEY, text); } catch { /* not kept */ } };
  const forget = () => { try { sessionStorage.removeItem(KEY); } catch { /* nothing was kept */ } };

  const say = (text) => { document.getElementById("announce").textContent = text; };

  const asciiDomain = (address) => {
    try { return new URL("http://" + address.slice(address.lastIndexOf("@") + 1)).hostname; } catch { return ""; }
  };

  // A user name of another form stands there with autoconfig's placeholders: "%EMAILLOCALPART%.%EMAILDOMAIN%".
  const FORMS = { address: "%EMAILADDRESS%", local_part: "%EMAILLOCALPART%" };

  function fill(address) {
    const at = address.lastIndexOf("@");
    const parts = { ADDRESS: address, LOCALPART: address.slice(0, at), DOMAIN: address.slice(at + 1) };
    for (const element of document.querySelectorAll("[data-fill]")) {
      const form = FORMS[element.dataset.fill] || element.dataset.fill;
      element.textContent = form.replace(/%EMAIL(ADDRESS|LOCALPART|DOMAIN)%/g, (_found, part) => parts[part]);
      element.classList.remove("value-unknown");
    }
    for (const element of document.querySelectorAll("[data-whose]")) element.hidden = false;
  }

  function showButtons() {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      const value = button.closest(".row-value")?.querySelector(".value");
      button.hidden = !value || value.classList.contains("value-unknown");
    }
    for (const button of document.querySelectorAll("button[data-reveal], button[data-print]")) button.hidden = false;
  }

  function enhance() {
    const place = document.querySelector("main [data-domain]");
    const given = place?.dataset.address;
    if (given) keep(given);
    const address = given || kept();
    const domain = place?.dataset.domain || "";
    if (address && place && domain === asciiDomain(address)) fill(address);
    if (address) {
      for (const input of document.querySelectorAll("[data-remember] input")) {
        if ((!input.value || input.value.startsWith("@")) && (!domain || domain === asciiDomain(address))) input.value = address;
      }
    }
    showButtons();
    openTarget();
  }

  // A link may lead to a part that is folded away.
  function openTarget() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const fold = target && target.closest("details");
    if (fold && !fold.open) { fold.open = true; target.scrollIntoView(); }
  }

  async function copy(button) {
    const text = button.closest(".row-value").querySelector(".value").textContent.trim();
    const said = button.closest(".row-value").querySelector(".value").hidden ? "" : ": " + text;
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
    } else { // plain http: the old way
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.classList.add("copied");
    say(document.body.dataset.copied + said);
    setTimeout(() => button.classList.remove("copied"), 1500);
  }

  function reveal(button) {
    const field = document.getElementById(button.dataset.reveal);
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = shown ? button.dataset.show : button.dataset.hide;
    button.setAttribute("aria-pressed", String(!shown));
    field.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("copy" in button.dataset) copy(button);
    else if ("print" in button.dataset) window.print();
    else if ("reveal" in button.dataset) reveal(button);
    else if ("forget" in button.dataset) { forget(); location.assign(location.pathname + location.search); }
  });

  // An address that is tested is the address that guides are filled in for.
  document.addEventListener("submit", (event) => {
    const input = event.target.querySelector("[data-remember] input");
    if (input && input.value.includes("@") && asciiDomain(input.value.trim())) keep(input.value.trim());
  }, true);

  // A page that came as the end of a stream has an address of its own: htmx reads that header of whole answers only.
  function showPath() {
    const path = document.querySelector("main [data-path]")?.dataset.path;
    if (path && path !== location.pathname) history.pushState({htmx: true}, "", path);
  }

  document.addEventListener("htmx:after:swap", showPath);
  // A file may be dropped anywhere on a form that takes one.
  const dropForm = (event) => event.dataTransfer?.types.includes("Files") && event.target.closest?.("form[data-drop]");
  document.addEventListener("dragover", (event) => {
    const form = dropForm(event);
    if (form) { event.preventDefault(); form.classList.add("dropping"); }
  });
  document.addEventListener("dragleave", (event) => event.target.closest?.("form[data-drop]")?.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    const form = dropForm(event);
    if (!form) return;
    event.preventDefault();
    form.classList.remove("dropping");
    const field = form.querySelector('input[type="file"]');
    field.files = event.dataTransfer.files;
    field.closest("details").open = true;
  });

  document.addEventListener("htmx:after:swap", enhance);
  document.addEventListener("htmx:after:settle", enhance);
  window.addEventListener("hashchange", openTarget);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", enhance);
  else enhance();
})();
