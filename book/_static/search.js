// Search that answers questions: a page need not hold every word, and rare words count for more.
// Sphinx's own wants every word of a question on the page. Its index is used as it is; the
// description of each page and the words that readers use for it were added when the site was built.
"use strict";

// Sphinx's scripts of the search come after this one.
addEventListener("DOMContentLoaded", () => {

  // What a word is worth, by where it stands on the page.
  const WORTH = { title: 9, asked: 7, entry: 5, description: 4, heading: 3, body: 1 };
  const LENGTH_COUNTS = 0.9; // how far a long text has to hold more words to be worth as much
  const INCOMPLETE = 1; // the power by which words of the question that are missing count against
  const LISTS = 0.5; // lists of sources, terms and columns hold every word and answer few questions
  const BEGINNING = 0.6; // a word that only begins like one of the question
  const ALIKE = 0.3; // a word that means the same
  const SHOWN = 20;
  const WEAKEST = 0.12; // of the best page's worth, for a page that does not hold the whole question
  const ALIKE_PAGES = 5;

  // Words that make a question and say nothing about its answer.
  const ASKING = new Set(("about already am an any been being best can could did do does even ever get "
    + "give gives go goes going gonna got had has have he her him his how i its just may me more much my "
    + "need needs now our please really she should so some tell them "
    + "find make makes say says see show shows take takes too us use used very want way we were what when "
    + "where which who whom whose why would you your").split(" "));

  // What readers say, and what the book says: any word of a line stands for the others.
  const SAME = ["hospital clinic centre center unit", "drive driving travel journey trip",
    "doctor specialist consultant physician", "poor poverty deprived deprivation disadvantaged",
    "die dying death dead mortality survival kill kills prognosis", "drug drugs medicine medication tablets antifibrotic",
    "money pound pounds cost costs price budget spend", "pay pays paid funding fund funded finance",
    "child children baby babies infant newborn son daughter", "adult adults grown",
    "print copy reuse publish republish share permission licence", "picture pictures figure chart graph",
    "map maps atlas", "accurate accuracy exact precise error wrong reliable", "test tested screening screened",
    "meaning mean means definition define", "countryside country rural remote village isolated",
    "gp doctor practice", "video telephone remote virtual online", "job post worker", "lung lungs pulmonary",
    "region regions area areas place places local", "hereditary inherited inherit genetic carrier",
    "transport carless"];

  // What is written in several ways, and how it is asked here; each after those above it.
  const WRITTEN = [
    [/\u2019/g, "'"], [/\bca(?:n't|nnot|nt)\b/g, "can not"], [/\bwon'?t\b/g, "will not"],
    [/\b(do|does|did|is|are|was|has|have|had|could|would|should)n'?t\b/g, "$1 not"],
    [/'(?:s|m|d|re|ve|ll)\b/g, ""], [/\b(?:integrated care boards?|icbs?)\b/g, "care board"],
    [/\brefer(?:red|ring)?\b/g, "referral"], [/\bon paper\b/g, "printed"],
    [/\bkids?\b/g, "child"], [/\bmeant\b/g, "mean"],
    // Who has no car says so in many ways.
    [/\b(?:not?|without|never|unable|hard) (?:\w+ ){0,3}?(?:cars?|driv(?:e|es|ing)|lift|get(?:ting)? (?:there|to(?! see| be| have)))\b/g,
      "carless"],
  ];
  // So does who asks how long somebody has to live; of whom is kept.
  const THEM = "(?:i|we|he|she|(?:my|our) \\w+|bab(?:y|ies)|child(?:ren)?)";
  const PROGNOSIS = new RegExp(["prognosis", "outlook", "life expectancy", "terminal", "fatal",
    "chances? of (?:surviv(?:al|ing)|living|dying)", `${THEM} (?:be )?(?:going to |gonna )?(?:die|dying)`,
    `(?:will|would|can|could) ${THEM} (?:live|survive)(?! less| near| far| in)`,
    "how long (?:people|will|do|does|can|could|have|has) (?:\\w+ ){0,3}(?:live|survive|got|left)(?! near| far| in)",
  ].map((said) => `\\b${said}\\b`).join("|"));
  const OF_PROGNOSIS = new RegExp("\\b(?:prognosis|outlook|life expectancy|terminal|fatal|chances? of|surviv\\w+"
    + "|living|live|dying|die|how long|got|left)\\b", "g");
  const plain = (text) => {
    const said = WRITTEN.reduce((now, [written, meant]) => now.replace(written, meant), text.toLowerCase());
    return PROGNOSIS.test(said) ? `prognosis ${said.replace(OF_PROGNOSIS, " ")}` : said;
  };

  const stemmer = new Stemmer();
  const words = (text) => splitQuery(plain(text));
  // "How long", "how many": the second word asks as well. "How far" asks for a way to travel.
  const MEASURE = /\bhow (long|many|much|often|soon|well)\b/g;
  const FAR = /\bhow far\b/g;
  const stem = (word) => stemmer.stemWord(word);
  const stems = (text) => new Set(words(text).map(stem));
  const listed = (found) => (found === undefined ? [] : [found].flat());
  const own = (table, name) => (Object.hasOwn(table, name) ? listed(table[name]) : []);
  const key = (some) => some.filter((word) => !stopwords.includes(word) && !ASKING.has(word)).map(stem)
    .sort().join(" ");

  const same = Object.create(null);
  SAME.map((line) => words(line).map(stem)).forEach((group) => group.forEach((word) => {
    same[word] = [...new Set([...same[word] || [], ...group])];
  }));

  const asked = (query) => {
    const all = words(query).filter((word) => !stopwords.includes(word));
    const telling = words(plain(query).replace(FAR, "travel").replace(MEASURE, " "))
      .filter((word) => !stopwords.includes(word) && !ASKING.has(word));
    return [...new Set(telling.length ? telling : all)];
  };

  // Made once: for each field the pages of each stem, and how many stems a page has.
  const fields = (index) => {
    const pages = index.docnames.map((_, page) => page);
    const of = (texts) => {
      const found = Object.create(null);
      pages.forEach((page) => new Set([texts[page] || []].flat().flatMap((text) => [...stems(text)]))
        .forEach((word) => { (found[word] = found[word] || []).push(page); }));
      return found;
    };
    const lengths = pages.map(() => 0);
    Object.values(index.terms).forEach((found) => listed(found).forEach((page) => { lengths[page] += 1; }));
    // The pages that are not searched word by word are alike: each is known by what it shares with few.
    const title = of(index.titles);
    Object.entries(title).forEach(([word, held]) => {
      const alike = held.filter((page) => !lengths[page]);
      if (alike.length > ALIKE_PAGES) title[word] = held.filter((page) => lengths[page]);
    });
    const phrases = (index.asked || []).map((text) => text.split(", "));
    const described = (index.descriptions || []).map((text, page) => (lengths[page] ? text : ""));
    const searched = lengths.filter((length) => length);
    const entries = pages.map(() => "");
    Object.entries(index.indexentries).forEach(([entry, places]) => {
      places.forEach(([page]) => { entries[page] += ` ${entry}`; });
    });
    return {
      entry: of(entries), title, asked: of(phrases), description: of(described),
      heading: index.titleterms, body: index.terms, lengths,
      mean: searched.reduce((sum, length) => sum + length, 0) / searched.length,
      lists: pages.map((page) => (index.lists || []).includes(index.docnames[page])),
      // Of pages that are worth the same, the first of the table is the first.
      order: index.docnames.map((name) => (index.order || []).indexOf(name) >>> 0),
      people: Object.entries(index.people || {})
        .map(([name, said]) => [index.docnames.indexOf(name), stems(said)])
        .sort(([a], [b]) => index.order.indexOf(index.docnames[a]) - index.order.indexOf(index.docnames[b])),
      terms: Object.entries(index.indexentries).flatMap(([entry, [[page, id]]]) => (
        id.startsWith("term-") ? entry.split(/[()]/).map((name) => [key(words(name)), page]) : [])),
    };
  };

  // Who asks what a term is wants the page that says so.
  const DEFINES = /^\s*(?:what|define|explain)\b|\bmean(?:s|ing)?\b|\bstands? for\b/;
  const DEFINING = ["define", "explain", "mean", "means", "meaning", "stand", "stands"];
  const defined = (made, query) => {
    if (!DEFINES.test(plain(query))) return [];
    const left = key(asked(query).filter((word) => !DEFINING.includes(word)));
    return made.terms.filter(([name]) => left && name === left).map(([, page]) => page).slice(0, 1);
  };

  // A page for some people is none for others, where a question says whose it is. Where it does not,
  // pages that hold the same of it stand in the order of the table.
  const among = (made, question, scored) => {
    const theirs = made.people.filter(([, said]) => question.some((word) => said.has(word)));
    made.people.forEach((one, place) => {
      const mine = scored[one[0]];
      if (theirs.length) { if (!theirs.includes(one)) mine.score = 0; return; }
      made.people.slice(0, place).map(([page]) => scored[page]).filter(({ held }) => held === mine.held)
        .forEach(({ score }) => { mine.score = Math.min(mine.score, score); });
    });
    return scored;
  };

  const beginning = (table, word) => (word.length < 4 ? []
    : Object.keys(table).filter((known) => known.startsWith(word)).flatMap((known) => own(table, known)));

  // The worth of each page for one word: [page, worth], and how rare the word is.
  const ofWord = (made, word) => {
    const worth = new Map();
    const add = (factor, pagesOf) => Object.entries(WORTH).forEach(([field, points]) => {
      new Set(pagesOf(made[field])).forEach((page) => {
        const length = made.lengths[page] || made.mean;
        const share = field !== "body" ? 1
          : (made.lists[page] ? LISTS : 1) / (1 - LENGTH_COUNTS + LENGTH_COUNTS * length / made.mean);
        worth.set(page, Math.max(worth.get(page) || 0, points * factor * share));
      });
    });
    add(1, (table) => own(table, word));
    if (!worth.size) add(BEGINNING, (table) => beginning(table, word));
    const held = worth.size;
    (same[word] || []).filter((other) => other !== word).forEach((other) => (
      add(ALIKE, (table) => own(table, other))));
    // How rare a word is hangs on the word itself, and on those that mean the same where the book
    // does not use it.
    const rare = worth.size ? Math.log(1 + made.lengths.length / (held || worth.size)) : 0;
    return { worth, rare };
  };

  // A place that the question names leads to the page of its care board and to Find my area, before
  // all others; so does a postcode. A name that is a word as well has to be said as a place.
  const AREA = "book/find_my_area";
  const POSTCODE = /\b[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b/i;
  const WORDS_TOO = / (bath|reading) /;
  const PLACED = /^ (\S+) $| (?:in|near|from|to|at|around) (\S+) /;
  const spoken = (text) => ` ${splitQuery(text.toLowerCase().replace(/['\u2019]/g, "")).join(" ")} `;
  const ledTo = (index, query) => {
    index.named = index.named || Object.entries(index.places || {})
      .flatMap(([page, names]) => names.map((name) => [spoken(name), Number(page)]));
    const question = spoken(query);
    const all = index.named.filter(([name]) => question.includes(name)
      && (!WORDS_TOO.test(name) || PLACED.test(question)));
    // "Stoke-on-Trent" holds "Stoke".
    const found = all.filter(([name]) => !all.some(([other]) => other !== name && other.includes(name)));
    const area = index.docnames.indexOf(AREA);
    return found.length || (area >= 0 && POSTCODE.test(query))
      ? [...new Set([...found.map(([, page]) => page), area])] : [];
  };

  const rank = (index, query) => {
    index.made = index.made || fields(index);
    const { made } = index;
    const question = asked(query).map(stem);
    const each = question.map((word) => ofWord(made, word));
    const all = each.reduce((sum, { rare }) => sum + rare, 0);
    const scored = among(made, question, index.docnames.map((_, page) => {
      let [score, held, whole] = [0, 0, true];
      each.forEach(({ worth, rare }) => {
        if (!worth.has(page)) { whole = false; return; }
        score += rare * worth.get(page);
        held += rare;
      });
      return { page, whole, held, score: score * (held / all) ** INCOMPLETE };
    })).filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || made.order[a.page] - made.order[b.page]);
    const led = [...new Set([...ledTo(index, query), ...defined(made, query)])];
    return [...led.map((page) => ({ page })), ...scored.filter(({ page, score, whole }) => (
      !led.includes(page) && (whole || score >= scored[0].score * WEAKEST)))];
  };

  // The part of a page whose heading, or the term whose name, holds the most of the question.
  const partsOf = (index) => {
    const parts = index.docnames.map(() => []);
    Object.entries(index.alltitles).forEach(([title, places]) => places.forEach(([page, id]) => {
      if (id && title !== index.titles[page]) parts[page].push({ title, id, held: stems(title) });
    }));
    Object.entries(index.indexentries).forEach(([title, places]) => places.forEach(([page, id]) => {
      parts[page].push({ title, id, held: stems(title) });
    }));
    return parts;
  };
  const partOf = (index, page, question) => {
    index.parts = index.parts || partsOf(index);
    const held = (words) => question.filter((word) => words.has(word)).length;
    const least = held(stems(index.titles[page]));
    return index.parts[page].map((part) => ({ ...part, share: held(part.held) / (3 + part.held.size),
      held: held(part.held) })).filter((part) => part.held > least)
      .sort((a, b) => b.share - a.share)[0];
  };

  const node = (name, text, href) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (href) made.href = href;
    return made;
  };

  const item = (index, page, question) => {
    const address = `${index.docnames[page]}.html`;
    const made = node("li");
    made.append(node("a", index.titles[page], address));
    if (index.descriptions?.[page]) made.append(node("p", index.descriptions[page]));
    const part = partOf(index, page, question);
    if (part) {
      const line = node("p", "On this page: ");
      line.append(node("a", part.title, `${address}#${part.id}`));
      made.append(line);
    }
    return made;
  };

  const said = (found, shown) => {
    if (!found) return "No page holds these words. Try fewer or other words, or look in the list of all pages.";
    if (found === 1) return "One page was found.";
    if (found > shown) return `The ${shown} best of ${found} pages are listed, the best first.`;
    return `${found} pages were found, the best first.`;
  };

  Search.query = (query) => {
    const index = Search._index;
    const question = asked(query);
    const found = rank(index, query);
    const best = found.slice(0, SHOWN);
    try {
      // The theme marks these words on the page that is opened next.
      localStorage.setItem("sphinx_highlight_terms", question.join(" "));
    } catch { /* a browser that keeps nothing marks nothing */ }
    document.getElementById("search-progress")?.replaceChildren();
    Search.output.replaceChildren(...best.map(({ page }) => item(index, page, question.map(stem))));
    Search.stopPulse();
    Search.title.textContent = "Search results";
    Search.status.textContent = said(found.length, best.length);
  };

  // The index outweighs the page: it is fetched where there is something to look for.
  if (new URLSearchParams(location.search).get("q")) Search.loadIndex("searchindex.js");
});
