// The redundancy map as things are: who answers each category now, and if one more machine were lost.

import {h, show} from "/assets/dom.js";
import {live} from "/assets/live.js";
import {wait} from "/assets/view_fleet.js";

export const title = "Redundancy";

const COVERS = {
    same: {letter: "S", words: "the same model"},
    other: {letter: "o", words: "another model"},
    cloud: {letter: "c", words: "the cloud"},
    slow: {letter: "!", words: "too slow"},
    none: {letter: "X", words: "nobody"},
};
const NEWS_MS = 4000;

let at = [0, 0];      // the cell that the arrow keys have reached
let seen = new Map(); // cell to its last words, to show what changed
let changes = new Map();

export function open(root) {
    seen = new Map();
    return {update: () => draw(root)};
}

function draw(root) {
    if (!live.map || !live.facts) return show(root, h("h1", null, title), h("p", null, wait()));
    const cases = columns();
    note(cases);
    show(root, h("h1", null, title),
        h("p", {class: "lead", role: "status"}, verdict()),
        h("div", {class: "scroll map"}, grid(cases, root)),
        h("p", {id: "map-detail", class: "detail", "aria-live": "polite"}, detail(cases)),
        legend(), closers());
}

// Now, then every machine that serves, in the file's order, also those that are down; then domains.
function columns() {
    const byName = new Map(live.map.cases.map(c => [c.lost, c]));
    const machines = live.facts.machines.filter(m => m.serves).map(m => m.machine);
    const known = machines.map(name => byName.get(name) ?? {lost: name, kind: "machine", rows: null});
    return [live.map.cases[0], ...known, ...live.map.cases.filter(c => c.kind === "domain" || c.kind === "pair")];
}

function note(cases) {
    const isFirst = seen.size === 0;
    for (const c of cases)
        live.map.categories.forEach((category, i) => {
            const cell = `${c.lost}/${category}`, words = c.rows ? `${c.rows[i].cover} ${c.rows[i].machine}` : "down";
            if (!isFirst && seen.get(cell) !== words) changes.set(cell, Date.now());
            seen.set(cell, words);
        });
}

function verdict() {
    const {cases, down, categories} = live.map;
    const open = cases[0].rows.map((row, i) => COVERS[row.cover] && (row.cover === "none" || row.cover === "slow") ? categories[i] : null).filter(Boolean);
    const one = cases.slice(1).flatMap(c => c.rows.map((row, i) =>
        row.cover === "none" || row.cover === "slow" ? `${categories[i]} without ${c.lost}` : null)).filter(Boolean);
    return [down.length ? `Down: ${down.join(", ")}. ` : "Everything is up. ",
        open.length ? `Nobody answers in time for ${open.join(", ")}. ` : "Every category is answered. ",
        one.length ? `One more loss would open ${one.length === 1 ? "a hole" : `${one.length} holes`}: ${one.slice(0, 6).join("; ")}${one.length > 6 ? "; …" : ""}.`
            : "Any one more machine may be lost."].join("");
}

function grid(cases, root) {
    return h("table", {role: "grid", "aria-label": "Who answers each category, by machine lost",
                       "aria-describedby": "map-legend", onkeydown: event => move(event, cases, root)},
        h("thead", null, h("tr", null, h("th", {scope: "col"}, "Category"), cases.map(c =>
            h("th", {scope: "col", class: `lost ${c.rows ? "" : "down"}`, "data-key": String(c.lost)},
                h("span", null, c.lost ?? "now"))))),
        h("tbody", null, live.map.categories.map((category, row) =>
            h("tr", {"data-key": category}, h("th", {scope: "row"}, category),
                cases.map((c, column) => cell(c, category, row, column, root))))));
}

function cell(c, category, row, column, root) {
    const answer = c.rows?.[row], cover = COVERS[answer?.cover], key = `${c.lost}/${category}`;
    const isNew = Date.now() - (changes.get(key) ?? 0) < NEWS_MS;
    return h("td", {
        "data-key": key, "data-cell": key, class: `${c.rows ? answer.cover : "gone"} ${isNew ? "news" : ""}`,
        tabindex: at[0] === row && at[1] === column ? 0 : -1,
        "aria-label": words(c, category, answer),
        onclick: () => reach(row, column, root), onfocus: () => { at = [row, column]; },
    }, c.rows ? cover.letter : "–");
}

function words(c, category, answer) {
    const when = c.lost === null ? "Now" : `With ${c.lost} lost`;
    if (!answer) return `${c.lost} is down: that case is the present one`;
    if (!answer.machine) return `${when}, nobody answers ${category}`;
    return `${when}, ${answer.machine} answers ${category} with ${answer.name} (${answer.parity}` +
        `${answer.decode_tps ? `, about ${answer.decode_tps} tokens/s` : ""})` +
        `${answer.cover === "slow" ? ", slower than its floor" : ""}`;
}

function detail(cases) {
    const c = cases[at[1]], category = live.map.categories[at[0]];
    return c ? `${words(c, category, c.rows?.[at[0]])}.` : "";
}

function reach(row, column, root) {
    at = [row, column];
    draw(root);
    root.querySelector("td[tabindex='0']")?.focus();
}

const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};

function move(event, cases, root) {
    const last = [live.map.categories.length - 1, cases.length - 1];
    const step = STEPS[event.key];
    const next = event.key === "Home" ? [at[0], 0] : event.key === "End" ? [at[0], last[1]]
        : step ? [at[0] + step[0], at[1] + step[1]] : null;
    if (!next) return;
    event.preventDefault();
    reach(...next.map((n, i) => Math.min(Math.max(n, 0), last[i])), root);
}

function legend() {
    return h("ul", {class: "legend", id: "map-legend"}, Object.entries(COVERS).map(([name, {letter, words}]) =>
        h("li", null, h("span", {class: `key ${name}`}, letter), ` ${words}`)),
    h("li", null, h("span", {class: "key gone"}, "–"), " that machine is down"));
}

function closers() {
    const known = Object.entries(live.map.closers);
    return known.length ? [h("h2", null, "What would close the holes"),
        h("ul", {class: "plain"}, known.map(([category, words]) => h("li", null, `${category}: ${words}`)))] : null;
}
