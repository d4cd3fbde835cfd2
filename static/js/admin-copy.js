// Copy buttons of the admin's own pages. Without this file the buttons stay hidden, and the values can be selected.
(() => {
  "use strict";
  const said = document.getElementById("copied");
  const value = (button) => button.closest(".row-value").querySelector(".value");

  async function copy(button) {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(value(button).textContent.trim());
    } else { // plain http: the old way
      getSelection().selectAllChildren(value(button));
      document.execCommand("copy");
    }
    said.textContent = `${said.dataset.words}: ${value(button).textContent.trim()}`;
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
})();
