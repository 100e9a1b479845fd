// What the book needs beyond the theme's own scripts. Nothing here is required for reading.
"use strict";

// The theme takes the focus from these buttons when they are pressed: readers with a keyboard would
// begin at the top of the page again, and a dialog could not give the focus back.
addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle")
    .forEach((button) => { button.blur = () => {}; });
});

// Print what is folded away, and fold it again afterwards; how long people live stays a choice.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("main details:not([open], .survival-choice)")];
  unfolded.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => {
  unfolded.forEach((details) => { details.open = false; });
});

// Mark the section in view in the contents of the page.
addEventListener("DOMContentLoaded", () => {
  const links = new Map();
  document.querySelectorAll(".page-toc a[href^='#']").forEach((link) => {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section) links.set(section, link);
  });
  const watcher = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      links.forEach((link) => link.classList.remove("active"));
      links.get(entry.target).classList.add("active");
    });
  }, { rootMargin: "0px 0px -70% 0px" });
  links.forEach((_, section) => watcher.observe(section));
});

// Escape closes what a term of the glossary means, until it is pointed at or reached anew.
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll(".glossed:is(:hover, :focus-within)").forEach((term) => {
    term.classList.add("dismissed");
  });
});
["pointerover", "focusin"].forEach((reached) => addEventListener(reached, (event) => {
  const term = event.target instanceof Element && event.target.closest(".glossed");
  if (term && !term.contains(event.relatedTarget)) term.classList.remove("dismissed");
}));
