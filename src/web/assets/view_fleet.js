// Each machine: what is in its memory, who is at work there, who waits, how fast it is.

import {h, show} from "/assets/dom.js";
import {ask, tell} from "/assets/gateway.js";
import {copies, copyKey, live} from "/assets/live.js";
import {bytes, count, gigabytes, seconds, speed} from "/assets/words.js";

export const title = "Fleet";

let imagined = null; // the states of imagined machines; null: real ones
let told = "";       // what the last button did

export function open(root) {
    ask("/imagine").then(answer => {
        imagined = new Map(answer.machines.map(m => [m.machine, m.state]));
        draw(root);
    }, () => { imagined = null; });
    return {update: () => draw(root)};
}

function draw(root) {
    if (!live.status || !live.facts) return show(root, h("h1", null, title), h("p", null, wait()));
    const facts = new Map(live.facts.machines.map(m => [m.machine, m]));
    const all = copies(), serving = new Set(live.status.machines.map(m => m.machine));
    show(root, h("h1", null, title), summary(),
        h("p", {role: "status", class: "told"}, told),
        h("ul", {class: "cards"}, live.status.machines.map(m =>
            card(m, facts.get(m.machine), all.filter(copy => copy.machine === m.machine), root))),
        others(live.facts.machines.filter(m => !serving.has(m.machine))));
}

export function wait() {
    return live.link === "refused" ? `Not allowed: ${live.trouble}.` : "Waiting for the gateway.";
}

function summary() {
    const {machines, categories, requests} = live.status;
    const up = machines.filter(m => m.up).length, ready = categories.filter(c => c.ready).length;
    return h("dl", {class: "figures"},
        figure("Machines up", `${up} of ${machines.length}`, up < machines.length),
        figure("Categories served", `${ready} of ${categories.length}`, ready < categories.length),
        figure("At work", String(machines.reduce((sum, m) => sum + m.running, 0))),
        figure("In line", String(Math.max(0, ...machines.map(m => m.waiting)))),
        figure("Requests", requests.total.toLocaleString("en")),
        figure("Failed", requests.failed.toLocaleString("en"), requests.failed > 0));
}

function figure(name, value, isBad) {
    return h("div", {class: isBad && "bad"}, h("dt", null, name), h("dd", null, value));
}

function card(m, facts, own, root) {
    return h("li", {class: `card ${m.up ? "" : "down"}`, "data-key": m.machine, "data-machine": m.machine},
        h("h2", null, m.machine, " ", h("span", {class: `badge ${m.up ? "good" : "bad"}`}, m.up ? "up" : "down"),
            m.duty && m.duty !== "serves" ? h("span", {class: "badge slow"}, m.duty) : null),
        m.duty_by ? h("p", {class: "duty"}, `${m.duty} by ${m.duty_by}, ${new Date(m.duty_since * 1000).toLocaleString()}`) : null,
        facts.role && h("p", {class: "faint"}, facts.role),
        h("p", {class: "hardware"}, [facts.gpu, facts.npu, facts.cpu].filter(Boolean).join(" · "),
            ` · tier ${m.tier}`, facts.disk_bytes ? ` · disk ${gigabytes(facts.disk_bytes)}` : ""),
        memory(facts.memory, own),
        warmth(m),
        work(m, own),
        loaded(own),
        h("ul", {class: "engines"}, m.engines.map(engine)),
        buttons(m, root));
}

// Its hottest sensor, where a node exporter says so.
function warmth(m) {
    return m.temperature_celsius === undefined ? null : h("p", {class: "warmth"}, `${Math.round(m.temperature_celsius)} °C`);
}

// What is loaded, as a bar and in words. Not every engine says what its models take.
function memory(room, own) {
    const size = copy => (room.kind === "GPU" && copy.gpu_bytes) || copy.memory_bytes || 0;
    const loaded = own.filter(copy => copy.state === "loaded"), there = loaded.filter(size);
    const used = there.reduce((sum, copy) => sum + size(copy), 0), rest = loaded.length - there.length;
    const words = `${room.kind} ${bytes(used)} of ${bytes(room.bytes)}`;
    const parts = there.map(copy => `${copy.artifact} ${bytes(size(copy))}`).join(", ");
    return h("div", {class: "memory"},
        h("div", {class: "bar", role: "img", "aria-label": `${words}: ${parts || "nothing is known to be loaded"}`},
            there.map((copy, i) => h("span", {grow: size(copy), class: `part part${i % 4}`, "data-key": copyKey(copy),
                                              title: `${copy.artifact} ${bytes(size(copy))}`})),
            h("span", {grow: Math.max(0, room.bytes - used), class: "free"})),
        h("p", null, words, room.known ? null : " (assumed)",
            rest ? `, and ${count(rest, "copy", "copies")} whose engine does not say` : null));
}

function work(m, own) {
    const slots = own.filter(copy => copy.state === "loaded").reduce((sum, copy) => sum + copy.slots, 0);
    return h("p", {class: "work"}, `${m.running} of ${count(slots, "slot")} at work, ${m.waiting} in line`);
}

function loaded(own) {
    const there = own.filter(copy => copy.state === "loaded" || copy.state === "loading");
    const rest = own.length - there.length;
    return [h("ul", {class: "copies"}, there.map(copy =>
        h("li", {"data-key": copyKey(copy)},
            h("span", {class: "name"}, copy.artifact), " ",
            copy.state === "loading" ? h("span", {class: "badge slow"}, "loading") : null,
            h("span", {class: "slots", "aria-label": `${copy.busy} of ${count(copy.slots, "slot")} at work`, role: "img"},
                "●".repeat(Math.min(copy.busy, 16)) + "○".repeat(Math.min(16, Math.max(0, copy.slots - copy.busy)))),
            " ", pace(copy)))),
    rest ? h("p", {class: "faint"}, `and ${count(rest, "copy", "copies")} that ${rest === 1 ? "is" : "are"} not loaded`) : null];
}

// Measured against expected, as the gateway's own ledger has it.
function pace(copy) {
    const expected = copy.expected?.decode_tps, known = copy.slowness;
    if (!expected) return null;
    return h("span", {class: `pace ${copy.slow ? "slow" : ""}`},
        known?.measured ? speed(expected / known.decode) : "not measured yet", ` (expected ${Math.round(expected)})`,
        copy.slow ? ` slow: ${copy.why_slow}` : "");
}

function engine(e) {
    const since = e.since ? ` for ${seconds(Math.max(0, Date.now() / 1000 - e.since))}` : "";
    return h("li", {"data-key": e.engine}, h("span", {class: `dot ${e.up ? "good" : "bad"}`, "aria-hidden": true}),
        `${e.engine} ${e.version || ""} ${e.up ? "up" : "down"}`, h("span", {class: "faint", "data-kept": true}, since),
        e.why_not ? `: ${e.why_not}` : "");
}

function buttons(m, root) {
    const state = imagined?.get(m.machine);
    const drain = (what, words) => h("button", {type: "button", onclick: () => change(m.machine, what, root)}, words,
        h("span", {class: "unseen"}, ` ${m.machine}`));
    return h("p", {class: "buttons"},
        m.duty === undefined ? null
            : m.duty === "serves" ? [drain("drain", "Drain"), drain("cordon", "Cordon")] : drain("uncordon", "Take back"),
        !imagined ? null : h("button", {type: "button", class: "imagine", onclick: () => imagine(m.machine, state, root)},
            state === "well" ? "Kill" : "Revive", h("span", {class: "unseen"}, ` ${m.machine}`)));
}

async function change(machine, what, root) {
    try {
        await tell(`/admin/v1/machines/${encodeURIComponent(machine)}/${what}`, {});
        told = `${machine}: ${what} was asked for.`;
    } catch (error) {
        told = `${machine}: ${what} was refused: ${error.message}.`;
    }
    draw(root);
}

async function imagine(machine, state, root) {
    try {
        const answer = await tell("/imagine", {machine, do: state === "well" ? "die" : "revive"});
        imagined.set(machine, answer.state);
        told = `${machine} is now ${answer.state}.`;
    } catch (error) {
        told = `${machine} could not be told: ${error.message}.`;
    }
    draw(root);
}

function others(machines) {
    if (!machines.length) return null;
    return [h("h2", null, "Machines that serve no models"),
        h("ul", {class: "plain"}, machines.map(m =>
            h("li", {"data-key": m.machine}, h("strong", null, m.machine), m.count > 1 ? ` × ${m.count}` : "",
                m.role ? `: ${m.role}` : "", m.services.length ? ` (${m.services.join(", ")})` : "")))];
}
