// A text that is added to the page gets its preview too: Django copies a template, which htmx has not seen.
"use strict";
document.addEventListener("formset:added", (event) => htmx.process(event.target));
