// Claims register: choose and search claims. Everything stands on the page already; this only hides
// what does not fit. The choice is kept in the address, so that it can be quoted.
"use strict";

(() => {
  const form = document.getElementById("claims-filter");
  const said = document.getElementById("claims-count");
  if (!form || !said) return;
  const CHOICES = ["document", "verdict", "sure", "model"];

  const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "")
    .replace(/[\u2018\u2019]/g, "'").replace(/[-\u2010-\u2015\s]+/g, " ");

  // What readers call things, and how the register says it.
  const SAID = [[/\bmdts?\b/g, "team"], [/\bpostcode lottery\b/g, "uneven regions"],
    [/\btele(health|medicine)\b/g, "remote"], [/\bicbs?\b/g, "board"], [/\bnbs\b/g, "newborn screening"]];
  const ours = (text) => SAID.reduce((words, [theirs, word]) => words.replace(theirs, word), text);

  const entries = [...document.querySelectorAll("section.register-entry")].map((section) => ({
    section, text: plain(section.textContent),
    folds: [...section.querySelectorAll("details")].map((fold) => [fold, plain(fold.textContent)]),
    links: [...document.querySelectorAll(`a[href="#${section.id}"]`)]
      .map((link) => link.closest("li")).filter((item) => item && !section.contains(item)),
  }));

  const asked = () => {
    const wanted = new URLSearchParams();
    for (const name of [...CHOICES, "search"]) {
      const value = form.elements[name].value.trim();
      if (value) wanted.set(name, value);
    }
    return wanted;
  };

  const show = () => {
    const wanted = asked();
    const words = ours(plain(wanted.get("search") || "")).split(" ").filter(Boolean);
    let shown = 0;
    for (const { section, text, folds, links } of entries) {
      const fits = words.every((word) => text.includes(word)) && CHOICES.every((name) =>
        !wanted.has(name) || section.classList.contains(`${name}-${wanted.get(name)}`));
      section.hidden = !fits;
      for (const item of links) item.hidden = !fits;
      // A word that was found inside a fold can be seen.
      for (const [fold, inside] of folds)
        if (fits && words.some((word) => inside.includes(word))) fold.open = true;
      shown += fits;
    }
    const total = entries.length;
    if (shown === total) said.textContent = `All ${total} claims are shown.`;
    else if (shown) said.textContent = `${shown} of ${total} claims ${shown === 1 ? "is" : "are"} shown.`;
    else said.textContent = `None of the ${total} claims fits. Choose less, or search for fewer words.`;
    return wanted;
  };

  const keep = () => {
    const wanted = show().toString();
    const bare = location.href.split("#")[0];
    try {
      history.replaceState(null, "", wanted ? `${bare}#${wanted}` : bare);
    } catch { /* a browser that refuses keeps the old address */ }
  };

  const read = () => {
    const mark = location.hash.slice(1);
    const wanted = new URLSearchParams(mark.includes("=") ? mark : "");
    for (const name of CHOICES) {
      const field = form.elements[name];
      const value = wanted.get(name) || "";
      field.value = [...field.options].some((option) => option.value === value) ? value : "";
    }
    form.elements.search.value = wanted.get("search") || "";
    show();
    const place = mark && !mark.includes("=") && document.getElementById(mark);
    if (place) place.scrollIntoView();
  };

  let waiting = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    // A reader who types hears the count once, not after every letter.
    waiting = setTimeout(keep, event.target.name === "search" ? 200 : 0);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); keep(); });
  form.addEventListener("reset", () => setTimeout(keep, 0));
  addEventListener("hashchange", read);
  form.hidden = false;
  read();
})();
