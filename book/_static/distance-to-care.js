// What the book needs beyond the theme's own scripts. Nothing here is required for reading.
"use strict";

// Pages opened from a folder may not fetch other pages: search results then go without summaries.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// The index weighs more than the page: it is fetched where there is something to look for.
addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  if (new URLSearchParams(location.search).get("q")) Search.loadIndex("searchindex.js");
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
