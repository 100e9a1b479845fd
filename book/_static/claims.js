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
    [/\btele(health|medicine)\b/g, "remote"], [/\bicbs?\b/g, "board"], [/\bnbs\b/g, "newborn screening"],
    [/\bblood ?spots?( test(s|ing)?| screening)?\b|\bheel prick( test)?\b/g, "newborn screening"]];
  const ours = (text) => SAID.reduce((words, [theirs, word]) => words.replace(theirs, word), text);

  // "A1" is one claim, and not every text in which these two letters stand.
  const isId = (word) => /^[ab]\d{1,2}$/.test(word);
  const holds = (id, text, word) => isId(word) ? id === `claim-${word}` : text.includes(word);
  let besides = ""; // a claim to which a link led, whatever was chosen

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
    let shown = 0, added = "";
    for (const { section, text, folds, links } of entries) {
      const fits = words.every((word) => holds(section.id, text, word)) && CHOICES.every((name) =>
        !wanted.has(name) || section.classList.contains(`${name}-${wanted.get(name)}`));
      const linked = section.id === besides;
      section.hidden = !fits && !linked;
      for (const item of links) item.hidden = section.hidden;
      if (linked && !fits) added = ` Besides, ${section.id.slice(6).toUpperCase()}, to which a link led.`;
      // A word that was found inside a fold can be seen.
      for (const [fold, inside] of folds)
        if (fits && words.some((word) => !isId(word) && inside.includes(word))) fold.open = true;
      shown += fits;
    }
    const total = entries.length;
    if (shown === total) said.textContent = `All ${total} claims are shown.`;
    else if (shown) said.textContent = `${shown} of ${total} claims ${shown === 1 ? "is" : "are"} shown.`;
    else said.textContent = `None of the ${total} claims fits. Choose less, or search for fewer words.`;
    said.textContent += added;
    return wanted;
  };

  const keep = () => {
    besides = "";
    const wanted = show().toString();
    const bare = location.href.split("#")[0];
    try {
      history.replaceState(null, "", wanted ? `${bare}#${wanted}` : bare);
    } catch { /* a browser that refuses keeps the old address */ }
  };

  const read = () => {
    const mark = location.hash.slice(1);
    besides = entries.some(({ section }) => section.id === mark) ? mark : "";
    // A link to a claim, or to a part of the page, leaves the choice as it is.
    if (mark.includes("=") || !mark) {
      const wanted = new URLSearchParams(mark);
      for (const name of CHOICES) {
        const field = form.elements[name];
        const value = (wanted.get(name) || "").toLowerCase();
        field.value = [...field.options].some((option) => option.value === value) ? value : "";
      }
      form.elements.search.value = wanted.get("search") || "";
      if (mark) keep(); // so that the address says what is shown, also where it said what nobody offers
    }
    show();
    if (besides) document.getElementById(besides).scrollIntoView();
    // An address that holds a choice leads to what it chose.
    else if (mark.includes("=")) form.scrollIntoView();
  };

  let waiting = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    // A reader who types hears the count once, not after every letter.
    waiting = setTimeout(keep, event.target.name === "search" ? 200 : 0);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep();
    const first = entries.find(({ section }) => !section.hidden);
    if (first) first.section.scrollIntoView();
  });
  form.addEventListener("reset", () => setTimeout(keep, 0));
  addEventListener("hashchange", read);
  form.hidden = false;
  read();
})();
