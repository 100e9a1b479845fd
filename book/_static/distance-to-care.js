// What the book needs beyond the theme's own scripts. Nothing here is required for reading.
"use strict";

// The theme takes the focus from these buttons when they are pressed: readers with a keyboard would
// begin at the top of the page again, and a dialog could not give the focus back.
addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle")
    .forEach((button) => { button.blur = () => {}; });
});

// Print what is folded away, and fold it again afterwards.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("main details:not([open])")];
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
