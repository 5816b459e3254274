// Every model and the machines that hold it.

import {h, show} from "/assets/dom.js";
import {copies, live} from "/assets/live.js";
import {wait} from "/assets/view_fleet.js";
import {count, params} from "/assets/words.js";

export const title = "Models";

const MARKS = {
    loaded: {mark: "●", words: "loaded"},
    loading: {mark: "◐", words: "loading"},
    disk: {mark: "○", words: "on disk"},
    planned: {mark: "○", words: "declared, not loaded"},
};

export function open(root) {
    return {update: () => draw(root)};
}

function draw(root) {
    if (!live.facts || !live.ps) return show(root, h("h1", null, title), h("p", null, wait()));
    const machines = live.facts.machines.filter(m => m.serves).map(m => m.machine);
    const rows = new Map();
    for (const copy of copies())
        rows.set(copy.artifact, [...rows.get(copy.artifact) ?? [], copy]);
    const cloud = live.facts.copies.filter(copy => copy.machine.startsWith("cloud:"));
    show(root, h("h1", null, title),
        h("p", {class: "lead"}, `${count(rows.size, "artifact")} on ${count(machines.length, "machine")}, ` +
            `${count([...rows.values()].flat().length, "copy", "copies")}.`),
        h("div", {class: "scroll map", tabindex: 0, role: "region", "aria-label": "Models by machine"}, matrix(rows, machines)),
        h("ul", {class: "legend"}, Object.entries(MARKS).filter(([name]) => name !== "disk").map(([, m]) =>
            h("li", null, h("span", {class: "key"}, m.mark), ` ${m.words}`)),
        h("li", null, "underlined: kept loaded")),
        cloud.length ? [h("h2", null, "In the cloud"),
            h("ul", {class: "plain"}, cloud.map(copy => h("li", {"data-key": copy.name}, `${copy.name}: ${copy.artifact} at ${copy.engine}`)))] : null);
}

function matrix(rows, machines) {
    return h("table", {class: "matrix"}, h("caption", {class: "unseen"}, "Models by machine"),
        h("thead", null, h("tr", null, h("th", {scope: "col"}, "Artifact"), h("th", {scope: "col"}, "Size"),
            h("th", {scope: "col"}, "Can"), machines.map(m => h("th", {scope: "col", class: "lost"}, h("span", null, m))))),
        h("tbody", null, [...rows].map(([artifact, own]) => h("tr", {"data-key": artifact},
            h("th", {scope: "row"}, artifact, h("div", {class: "faint"}, [...new Set(own.map(copy => copy.name))].join(", "))),
            h("td", {class: "number"}, params(own[0].params)),
            h("td", null, (own[0].capabilities ?? []).filter(word => word !== "completion").join(", ")),
            machines.map(machine => {
                const copy = own.find(c => c.machine === machine);
                const {mark, words} = MARKS[copy?.state] ?? {};
                return copy ? h("td", {class: `held ${copy.state} ${copy.kept ? "kept" : ""}`}, h("span", {"aria-hidden": true}, mark),
                    h("span", {class: "unseen"}, `${words}${copy.kept ? ", kept" : ""}`)) : h("td", null);
            })))));
}
