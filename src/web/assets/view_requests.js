// Requests as they happen, and why each went where it went.

import {h, notice, show, table} from "/assets/dom.js";
import {ask} from "/assets/gateway.js";
import {live} from "/assets/live.js";
import {clock, milliseconds, money, seconds} from "/assets/words.js";

export const title = "Requests";

const SHOWN = 60;
const STEPS = {route: "in line", send: "sent", await: "sent", relay: "answering"};

let filter = "", isPaused = false, held = [];
let chosen = "", why = null, trouble = "";

export function open(root, [id]) {
    chosen = "";
    if (id) choose(id, root);
    return {update: () => draw(root)};
}

function draw(root) {
    if (!isPaused) held = [...live.requests.values()].reverse();
    const wanted = held.filter(x => !filter || JSON.stringify(x).toLowerCase().includes(filter)).slice(0, SHOWN);
    show(root, h("h1", null, title),
        h("p", {class: "buttons"},
            h("label", {for: "filter"}, "Filter "),
            h("input", {id: "filter", type: "search", value: filter,
                        oninput: event => { filter = event.target.value.toLowerCase(); draw(root); }}),
            h("button", {type: "button", "aria-pressed": String(isPaused),
                         onclick: () => { isPaused = !isPaused; draw(root); }}, "Hold still")),
        decision(root),
        wanted.length ? list(wanted, root)
            : h("p", null, held.length ? "No request fits the filter."
                : "No request yet. The playground can ask one."));
}

function list(wanted, root) {
    return table("The last requests, newest first", [
        {title: "Time", of: x => clock(x.started_ms)},
        {title: "State", of: state},
        {title: "Asked for", of: x => x.asked},
        {title: "Machine", of: x => x.machine},
        {title: "Answered by", of: x => x.name},
        {title: "Parity", of: x => x.parity},
        {title: "First token", number: true, of: x => milliseconds(x.first_token_ms)},
        {title: "Total", number: true, of: x => x.step === "settle" ? milliseconds(x.total_ms) : ""},
        {title: "Tokens", number: true, of: x => x.completion_tokens || ""},
        {title: "Tries", number: true, of: x => x.attempts || ""},
        {title: "Decision", of: x => h("button", {type: "button", class: "small", "aria-pressed": String(x.request === chosen),
                                                  onclick: () => choose(x.request, root)}, "Why",
            h("span", {class: "unseen"}, ` ${x.request}`))},
    ], wanted, x => x.request);
}

function state(x) {
    const isOver = x.step === "settle", isGood = isOver && x.status < 400;
    const words = !isOver ? STEPS[x.step] ?? x.step : isGood ? "done" : x.failure === "none" ? x.status : x.failure.replaceAll("_", " ");
    return h("span", {class: `badge ${!isOver ? "busy" : isGood ? "good" : "bad"}`}, String(words));
}

async function choose(id, root) {
    chosen = id;
    why = null;
    trouble = "";
    draw(root);
    root.querySelector("#decision").scrollIntoView({block: "nearest"});
    try {
        const answer = await ask(`/admin/v1/why/${encodeURIComponent(id)}`);
        if (chosen === id) why = answer;
    } catch (error) {
        if (chosen === id) trouble = error.status === 404 ? `No decision is kept for ${id}: ${error.message}.` : error.message;
    }
    draw(root);
}

function decision(root) {
    if (!chosen) return null;
    const x = live.requests.get(chosen);
    return h("section", {class: "card decision", "aria-labelledby": "why-title", "data-key": "decision", id: "decision"},
        h("h2", {id: "why-title"}, "Why ", h("code", null, chosen)),
        x && h("p", null, state(x), ` asked for ${x.asked}`, x.machine ? `, answered by ${x.name} on ${x.machine}` : ""),
        trouble ? notice("warn", trouble) : why ? explained() : h("p", null, "Asking."),
        h("p", {class: "buttons"}, h("button", {type: "button", onclick: () => choose(chosen, root)}, "Ask again"),
            h("button", {type: "button", onclick: () => { chosen = ""; draw(root); }}, "Close")));
}

function explained() {
    return [
        why.words ? h("p", null, why.words) : null,
        why.attempts?.length ? h("ol", {class: "attempts"}, why.attempts.map(a =>
            h("li", null, `${a.name} on ${a.machine}: ${a.outcome}${a.ms === undefined ? "" : `, ${milliseconds(a.ms)}`}`))) : null,
        why.candidates?.length ? table("Candidates", [
            {title: "Machine", of: c => c.machine},
            {title: "Name", of: c => c.name},
            {title: "Parity", of: c => c.parity},
            {title: "Seconds", number: true, of: c => c.seconds === null || c.seconds === undefined ? "" : seconds(c.seconds)},
            {title: "Money", number: true, of: c => c.money_micro ? money(c.money_micro) : ""},
            {title: "Verdict", of: c => c.rejected ? (c.words ?? c.rejected.replaceAll("_", " ")) : h("strong", null, "chosen")},
        ], why.candidates, c => `${c.machine}/${c.name}`) : null,
    ];
}
