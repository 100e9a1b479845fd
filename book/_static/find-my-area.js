// Find my area: what a reader types stays in the browser. Only the outcode, the first half of a
// postcode, is asked for, as a script of this same site; so it also works from a folder.
"use strict";

(() => {
  const form = document.getElementById("find-my-area-form");
  if (!form) return;
  const field = document.getElementById("find-my-area-postcode");
  const status = document.getElementById("find-my-area-status");
  const result = document.getElementById("find-my-area-result");
  const folder = new URL("../find-my-area/", document.currentScript.src).href;

  const SENTENCE = "Nearest on our unofficial list; your GP or hospital decides where to refer you; "
    + "do not change your care because of this page.";
  const CAR = "These are minutes by car, one way, in ordinary driving; car ownership not included. "
    + "Public transport is left out, and with it people without a car, who are more often poor, old "
    + "or ill.";
  // How sure it is that a site is a centre, in the order in which sites are shown.
  const GRADES = {
    A: "Named: a source names it as a specialist or prescribing centre (A).",
    B: "Likely: we believe with reasons that it is a centre, but no source that we saw names it (B).",
    C: "Doubtful: it may not be a centre (C).",
  };
  // The same after the name of a site in the sentence that is read out.
  const SAID = {
    A: "named by a source",
    B: "likely but named by none",
    C: "doubtful",
  };
  const LISTS = {
    A: "Surest sites (A)", AB: "Base list (A and B)", ABC: "Every candidate site",
  };
  const REFERRAL = " Your GP or hospital decides where you are sent.";
  // The other service, whom it sees, and where the book tells more.
  const LUNGS = "Lung diseases such as idiopathic pulmonary fibrosis (IPF)";
  const BESIDE = "Spinal muscular atrophy (SMA)";
  const WHOM = { children: "Children, under 18 years", adults: "Adults" };
  const BESIDE_NOTE = "For people with SMA these are the nearest hospitals with a service for nerve "
    + "and muscle on another list of ours, which is for England and unofficial too; it leaves out "
    + "clinics that such a hospital holds elsewhere. ";
  const BELOW = " The nearest hospitals for SMA stand below.";
  const ASK = "Type a postcode, such as CB2 0QQ, or its first half, such as CB2.";
  const SCOTLAND = "AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE".split(" ");
  const ELSEWHERE = {
    BT: "in Northern Ireland", GY: "in Guernsey, Alderney or Sark", JE: "in Jersey",
    IM: "on the Isle of Man", BF: "a forces postcode", BX: "not tied to a place",
    GX: "in Gibraltar", GIR: "not tied to a place",
  };

  // --- Files ----------------------------------------------------------------------------------

  let shared = null;
  let known = new Set();
  const outcodes = new Map();
  const waiting = new Map();

  globalThis.findMyArea = {
    places(value) {
      shared = value;
      known = new Set(value.outcodes.split(" "));
    },
    outcode(name, areas) { outcodes.set(name, areas); },
  };

  const load = (name) => {
    if (!waiting.has(name)) {
      waiting.set(name, new Promise((done, fail) => {
        const script = document.createElement("script");
        script.src = `${folder}${name}.js`;
        script.onload = () => done();
        script.onerror = () => {
          waiting.delete(name);
          script.remove();
          fail(new Error(name));
        };
        document.head.append(script);
      }));
    }
    return waiting.get(name);
  };

  // --- What was typed -------------------------------------------------------------------------

  const OUT = "[A-Z]{1,2}[0-9][A-Z0-9]?";
  const FULL = new RegExp(`^(${OUT})([0-9][A-Z]{2})$`);
  const SECTOR = new RegExp(`^(${OUT})([0-9][A-Z]?)$`);
  const SPACED = new RegExp(`^(${OUT})\\s+[0-9][A-Z]?$`);
  const HALF = new RegExp(`^${OUT}$`);
  const TO_DIGIT = { O: "0", Q: "0", I: "1", L: "1", Z: "2", S: "5", B: "8" };
  const TO_LETTER = { 0: "O", 1: "I", 2: "Z", 5: "S", 8: "B" };
  const spaced = (outcode, incode) => (incode ? `${outcode} ${incode}` : outcode);

  // Letters and digits that look alike, put where a postcode can have them.
  const mended = (plain) => {
    if (plain.length < 5 || plain.length > 7) return null;
    const end = [...plain.slice(-3)];
    const incode = (TO_DIGIT[end[0]] ?? end[0])
      + end.slice(1).map((sign) => TO_LETTER[sign] ?? sign).join("");
    const start = [...plain.slice(0, -3)];
    start[0] = TO_LETTER[start[0]] ?? start[0];
    const tries = [
      start.join(""),
      start.map((sign, place) => (place > 0 ? TO_DIGIT[sign] ?? sign : sign)).join(""),
      start.map((sign, place) => (place > 1 ? TO_DIGIT[sign] ?? sign : sign)).join(""),
      start.map((sign, place) => (place === 1 ? TO_LETTER[sign] ?? sign : sign)).join(""),
    ];
    const outcode = tries.find((name) => known.has(name));
    return outcode && FULL.test(outcode + incode) ? spaced(outcode, incode) : null;
  };

  const read = (text) => {
    const typed = text.toUpperCase().trim();
    const plain = typed.replace(/[^A-Z0-9]/g, "");
    if (!plain) return { problem: ASK };
    const sector = typed.match(SPACED);
    if (sector) return { outcode: sector[1], cut: true };
    const full = plain.match(FULL);
    if (full) return { outcode: full[1], incode: full[2] };
    if (HALF.test(plain) && (known.has(plain) || !SECTOR.test(plain))) return { outcode: plain };
    const run = plain.match(SECTOR);
    if (run && (known.has(run[1]) || !HALF.test(plain))) return { outcode: run[1], cut: true };
    if (HALF.test(plain)) return { outcode: plain };
    const guess = mended(plain);
    if (guess) return { problem: `“${text.trim()}” is not a postcode as it stands.`, guess };
    const only = /^[A-Z]+$/.test(plain) ? " Names of places are not looked up." : "";
    return { problem: `“${text.trim()}” does not have the form of a postcode.${only} ${ASK}` };
  };

  const unknownOutcode = (outcode) => {
    const letters = outcode.match(/^[A-Z]+/)[0];
    if (SCOTLAND.includes(letters)) {
      return `${outcode} is in Scotland. This book is about England: it has driving times for `
        + "England and Wales only. NHS Scotland plans its own specialist services.";
    }
    if (ELSEWHERE[letters]) {
      return `${outcode} is ${ELSEWHERE[letters]}. This book has driving times for England and Wales `
        + "only.";
    }
    // In the middle of London a letter follows the number: W1A, EC1V.
    const longer = [...known].filter((name) => name.startsWith(outcode) && /[A-Z]$/.test(name));
    if (longer.length) {
      return `${outcode} has a letter after it: ${longer.join(", ")}. Type one of these, or a whole postcode.`;
    }
    return `No postcode of England or Wales that we know begins with ${outcode}. Check the letters `
      + `and digits. ${ASK}`;
  };

  // --- Words ----------------------------------------------------------------------------------

  const inMinutes = (value) => (value === 1 ? "1 minute" : `${value} minutes`);
  const minutes = (low, high) => {
    if (low !== high) return `between ${low} and ${high} minutes`;
    return `about ${inMinutes(low)}`;
  };
  const short = (low, high) => (low === high ? `${low}` : `${low} to ${high}`);
  const slower = (value) => Math.floor(value * shared.slower + 0.5);
  const ends = (values) => [Math.min(...values), Math.max(...values)];
  const commas = (value) => value.toLocaleString("en-GB");

  const sitesOf = (pairs, centres) => {
    const sites = [];
    for (let at = 0; at < pairs.length; at += 2) {
      const [site, town, grade] = centres[pairs[at]];
      const named = site.includes(town) ? site : `${site}, ${town}`;
      sites.push({ site: named, grade, minutes: pairs[at + 1] });
    }
    return sites;
  };
  const nearestOf = (sites) => shared.lists.map((grades) => ({
    grades, ...sites.find((one) => grades.includes(one.grade)),
  }));

  const area = (row) => {
    const [code, name, deprivation, rural, kind, board, pairs, water, byCode, byPlace, others] = row;
    const sites = sitesOf(pairs, shared.centres);
    const nearest = nearestOf(sites);
    const beside = Object.entries(shared.beside).map(([whom, centres], place) => ({
      whom, nearest: nearestOf(sitesOf(others[place], centres)),
    }));
    return {
      code, name, deprivation, rural, kind: shared.classes[kind], byCode, byPlace, nearest, beside,
      island: water === 1, ferry: water === 2,
      sites: sites.sort((a, b) => a.grade.localeCompare(b.grade) || a.minutes - b.minutes),
      range: ends(nearest.map((one) => one.minutes)),
      board: board < 0 ? null : shared.boards[board], welsh: code.startsWith("W"),
    };
  };

  const holds = (units, incode) => units.split(" ").some((sector) => {
    if (sector[0] !== incode[0]) return false;
    for (let at = 1; at < sector.length; at += 2) {
      if (sector.slice(at, at + 2) === incode.slice(1)) return true;
    }
    return false;
  });

  const FIFTHS = [
    "most deprived areas", "more deprived areas", "areas in the middle", "less deprived areas",
    "least deprived areas",
  ];
  const deprivationWords = (values) => {
    const index = shared.deprivation === "index";
    const [low, high] = ends(values);
    const words = ends(values.map((value) => Math.ceil(index ? value / 2 : value)));
    const [from, to] = words.map((fifth) => FIFTHS[fifth - 1]);
    const among = from === to ? `Among the ${from}` : `From the ${from} to the ${to}`;
    const scale = index
      ? `${short(low, high)} of 10, where 1 is the most deprived`
      : `fifth ${short(low, high)} of 5, where 1 is the most deprived; by a stand-in, the OAC-2011 `
        + "deprivation proxy, which is not the official index";
    return `${among} (${scale}). It describes areas and not each person in them.`;
  };
  const NOTES = {
    index: "Deprivation is the decile of the English Index of Multiple Deprivation 2019.",
    proxy: "Deprivation is the fifth of the OAC-2011 deprivation proxy, which is not the official "
      + "index.",
    official: "Town or country is that of the Rural Urban Classification 2011.",
    density: "Town or country is by people per hectare, not the official classification.",
  };

  // --- What is shown --------------------------------------------------------------------------

  const node = (name, content = [], attributes = {}) => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...[content].flat());
    return made;
  };

  const table = (caption, headings, rows) => {
    const head = node("thead", node("tr", headings.map((text) => node("th", text, { scope: "col" }))));
    const body = node("tbody", rows.map((cells) => node("tr", cells.map((cell, place) => (
      place ? node("td", String(cell)) : node("th", String(cell), { scope: "row" }))))));
    const made = node("table", [node("caption", caption), head, body], { class: "table" });
    return node("div", made, {
      class: "find-my-area-scroll", tabindex: "0", role: "region", "aria-label": caption,
    });
  };

  const facts = (pairs) => node("dl", pairs.flatMap(([term, text]) => (
    [node("dt", term), node("dd", text)])));

  // What an analyst wants and a patient need not read: closed until it is asked for.
  const more = (...content) => node("details", [
    node("summary", "How we know: the area, the lists and the sources"), ...content,
    node("p", `${NOTES[shared.deprivation]} ${NOTES[shared.rural_urban]}`),
    node("p", `Minutes are modelled. Slower driving takes ${shared.slower} times the minutes. Sites `
      + "and their marks come from an unofficial list of assumed centres; postcodes, areas and "
      + "deprivation are open data."),
  ], { class: "find-my-area-more" });

  const withSlower = (low, high) => {
    const unit = high === 1 ? "minute" : "minutes";
    return `${short(low, high)} ${unit} (${short(slower(low), slower(high))} in slower driving)`;
  };

  // One block a site: name and town, minutes, and how sure we are.
  const siteBlocks = (sites) => node("ul", sites.map((at) => node("li", [
    node("strong", at.site),
    node("span", withSlower(at.minutes, at.minutes)),
    node("span", GRADES[at.grade]),
  ])), { class: "find-my-area-sites" });

  const boardLinks = (boards) => boards.flatMap(([code, name], place) => [
    place ? "; " : "",
    node("a", name, { href: `boards/${code.toLowerCase()}.html` }),
  ]).concat(` (boundaries of ${shared.edition})`);

  const WELSH = "English deprivation and care boards do not apply in Wales. The centres shown are in "
    + "England; NHS Wales plans its own specialist services.";
  const NO_ROAD = "There is no road from here to the mainland: boat or plane first. These minutes "
    + "are reckoned as if there were a road. The real journey takes longer.";
  const FERRY = "These minutes hold the ferry's crossing, but not the wait for it or its fare.";
  const overWater = (areas) => [
    areas.some((one) => one.island) ? NO_ROAD : "", areas.some((one) => one.ferry) ? FERRY : "",
  ].filter(Boolean).map((text) => ` ${text}`).join("");
  const boxed = (text) => (text ? [node("p", node("strong", text.trim()))] : []);

  const closing = () => [node("p", node("strong", SENTENCE)), node("p", CAR)];

  // Lists that agree on the nearest site are one: [their names, the site], the surest first.
  const agreed = (nearest) => {
    const bySite = new Map();
    nearest.forEach((at) => bySite.set(at.site, [...bySite.get(at.site) ?? [], at]));
    return [...bySite.values()].map((all) => [
      all.length === nearest.length ? "Every list" : all.map((at) => LISTS[at.grades]).join("; "),
      all[0],
    ]);
  };

  const listTable = (one) => table(
    "Nearest site, by how our list is read",
    ["List", "Nearest site", "Minutes by car", "In slower driving"],
    agreed(one.nearest).map(([names, at]) => [names, at.site, at.minutes, slower(at.minutes)]),
  );

  const showPostcode = (outcode, incode, one, areas) => {
    const name = spaced(outcode, incode);
    const found = agreed(one.nearest).map(([, at]) => at);
    // The nearest of the surest sites is named first, then what would bring one nearer.
    const each = found.map((at) => `${at.site}, ${SAID[at.grade]}`);
    const drives = found.map((at, place) => `${inMinutes(at.minutes)} to ${each[place]}`);
    const away = `${minutes(...one.range)} by car, one way`;
    const which = found.length === 1
      ? `${away}, to the nearest specialist centre for lung diseases: ${each[0]}.`
      : `${away}. It depends on which hospitals are specialist centres for lung diseases: ${drives.join("; ")}.`;
    const stray = !one.island && areas.some((at) => at.island)
      ? ` Most postcodes that begin with ${outcode} are on an island without a road to the mainland. `
        + `The postal lists place this one on the mainland. If you live on the island, type ${outcode}.`
      : "";
    const water = overWater([one]);
    const about = [];
    if (!one.welsh) about.push(["Deprivation", deprivationWords([one.deprivation])]);
    about.push(["Town or country", one.kind]);
    if (one.board) about.push(["Integrated care board", boardLinks([one.board])]);
    const detail = [facts([["Area (LSOA)", `${one.name} (${one.code})`]]), listTable(one)];
    if (!holds(one.byCode, incode)) {
      detail.push(node("p", "The look-up of postcodes and areas is older than this postcode or "
        + "contradicts its place: its area was found from its place on the map, and may be the one "
        + "next to it."));
    }
    return [`${name}: ${which}${water}${stray}${BELOW}${REFERRAL}`, [
      node("h2", name), ...(one.welsh ? boxed(WELSH) : []), ...boxed(water), ...boxed(stray),
      node("h3", LUNGS), siteBlocks(one.sites),
      ...besideParts([one], ([nearest]) => siteBlocks(agreed(nearest).map(([, at]) => at))),
      ...closing(), facts(about), more(...detail),
    ]];
  };

  // A list's nearest sites over the areas of an outcode, that of most areas first.
  const overAreas = (each, grades) => {
    const bySite = new Map();
    each.forEach((nearest) => {
      const at = nearest.find((near) => near.grades === grades);
      const before = bySite.get(at.site) ?? { ...at, all: [] };
      bySite.set(at.site, { ...before, all: [...before.all, at.minutes] });
    });
    return [...bySite.values()].sort((a, b) => b.all.length - a.all.length);
  };

  const listBlocks = (each) => {
    const differ = each.some((nearest) => new Set(nearest.map((at) => at.site)).size > 1);
    const lists = differ ? shared.lists : shared.lists.slice(0, 1);
    return node("ul", lists.map((grades) => node("li", [
      node("strong", differ ? LISTS[grades] : "Every list"),
      ...overAreas(each, grades).map((at) => node("span", [
        `${at.site}: ${withSlower(...ends(at.all))}. `, GRADES[at.grade],
      ])),
    ])), { class: "find-my-area-sites" });
  };

  // The hospitals of the other service, for each whom it sees.
  const besideParts = (areas, blocks) => [
    node("h3", BESIDE),
    ...areas[0].beside.flatMap(({ whom }, place) => [
      node("h4", WHOM[whom]), blocks(areas.map((one) => one.beside[place].nearest)),
    ]),
    node("p", [BESIDE_NOTE, node("a", "How far the nearest neuromuscular centre is", {
      href: "../notebooks/sma_travel.html",
    }), " has the list."]),
  ];

  const showOutcode = (outcode, everywhere, before = "") => {
    // On an island, a stray postcode of the mainland says nothing about the drive.
    const islands = everywhere.filter((one) => one.island);
    const areas = islands.length ? islands : everywhere;
    const range = ends(areas.flatMap((one) => one.range));
    const differ = areas.some((one) => new Set(one.nearest.map((at) => at.site)).size > 1);
    const english = areas.filter((one) => !one.welsh);
    const rural = areas.filter((one) => one.rural).length;
    const boards = [...new Map(english.map((one) => [one.board[0], one.board])).values()];
    const few = areas.length === 1 ? "1 area" : `${commas(areas.length)} areas`;
    const about = [];
    if (english.length) {
      about.push(["Deprivation", deprivationWords(english.map((one) => one.deprivation))]);
    }
    about.push(["Town or country", `${commas(rural)} of ${few} rural`]);
    if (boards.length) {
      about.push([boards.length > 1 ? "Integrated care boards" : "Integrated care board",
        boardLinks(boards)]);
    }
    const stray = areas.length < everywhere.length
      ? " The postal lists place a few postcodes with this beginning on the mainland; they are left "
        + "out here."
      : "";
    const water = overWater(areas);
    const lead = differ ? "over its areas and every way to read our list" : "over its areas";
    return [
      `${before}${outcode}: ${minutes(...range)} by car, one way, to the nearest specialist centre for lung diseases, `
        + `${lead}.${water}${stray} A full postcode gives a closer answer.${BELOW}${REFERRAL}`,
      [
        node("h2", `${outcode}, all its areas`),
        ...(english.length < areas.length ? boxed(WELSH) : []), ...boxed(water),
        node("h3", LUNGS), listBlocks(areas.map((one) => one.nearest)),
        ...besideParts(areas, listBlocks),
        ...closing(), facts(about),
        more(facts([["Areas (LSOA)", `${few} with postcodes that begin with ${outcode}`]])),
      ],
    ];
  };

  const say = (text, guess) => {
    status.replaceChildren(text);
    if (!guess) return;
    const button = node("button", guess, { type: "button", class: "find-my-area-guess" });
    button.addEventListener("click", () => {
      field.value = guess;
      field.focus();
      find();
    });
    status.append(" Did you mean ", button, "?");
  };

  const refuse = (text, guess) => {
    field.setAttribute("aria-invalid", "true");
    result.replaceChildren();
    say(text, guess);
  };

  let turn = 0;
  const find = async () => {
    turn += 1;
    const mine = turn;
    field.removeAttribute("aria-invalid");
    let missing = "places";
    try {
      await load("places");
      if (mine !== turn) return;
      const { outcode, incode, cut, problem, guess } = read(field.value);
      if (problem) return void refuse(problem, guess);
      if (!known.has(outcode)) {
        const other = mended(outcode + (incode ?? ""));
        return void refuse(unknownOutcode(outcode), other);
      }
      missing = outcode;
      await load(outcode);
      if (mine !== turn) return;
      const areas = outcodes.get(outcode).map(area);
      const one = incode && areas.find((at) => holds(at.byCode, incode) || holds(at.byPlace, incode));
      let before = "";
      if (cut) before = `Only ${outcode} was read: the second half is not whole. `;
      if (incode && !one) {
        const scottish = SCOTLAND.includes(outcode.match(/^[A-Z]+/)[0]);
        before = `We do not know ${spaced(outcode, incode)}. It may be mistyped, very new, ended or a `
          + `post office box${scottish ? ", or it may be in Scotland, which this book leaves out" : ""}. `;
      }
      const [text, parts] = one
        ? showPostcode(outcode, incode, one, areas) : showOutcode(outcode, areas, before);
      say(text);
      result.replaceChildren(...parts);
    } catch (error) {
      if (mine !== turn) return;
      if (!(error instanceof Error) || error.message !== missing) throw error;
      refuse(missing === "places"
        ? "The postcode files of this site are not there. They are written by the command make book."
        : `The file for ${missing} could not be loaded. Check the connection and try again.`);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  form.hidden = false;
})();
