// What drills have proven, and when.

import {h, notice, show, table} from "/assets/dom.js";
import {ask, tell} from "/assets/gateway.js";
import {day, milliseconds, seconds} from "/assets/words.js";

export const title = "Drills";

const AGAIN_MS = 2000;
const GOOD = {proven: "good", failed: "bad", hole: "bad", runs: "busy", waits: "busy"};

let report = null, trouble = "", told = "", timer = 0;

export function open(root) {
    report = null;
    trouble = told = "";
    look(root);
    return {close: () => clearTimeout(timer)};
}

async function look(root) {
    clearTimeout(timer);
    try {
        report = await ask("/admin/v1/drills");
        trouble = "";
        if (report.running) timer = setTimeout(() => look(root), AGAIN_MS);
    } catch (error) {
        trouble = error.status === 404 ? "This program has no drills: there is nothing to show."
            : `What drills have proven cannot be read: ${error.message}.`;
    }
    draw(root);
}

async function begin(root) {
    try {
        report = await tell("/admin/v1/drills", {});
        told = "A drill has begun: one machine after the other counts as dead for its questions only.";
    } catch (error) {
        told = `No drill has begun: ${error.message}.`;
    }
    await look(root);
}

function draw(root) {
    show(root, h("h1", null, title), trouble ? notice("warn", trouble) : report ? body(root) : h("p", null, "Asking."));
}

function body(root) {
    const now = Date.now() * 1000;
    return [
        h("p", {class: "lead"}, report.running ? "A drill is under way." : report.ended ? `The last drill ended ${report.ended.replace("T", " ").replace("Z", " UTC")}.` : "No drill has been held yet.",
            report.every_s ? ` One is held every ${seconds(report.every_s)}.` : ""),
        h("p", {class: "buttons"}, h("button", {type: "button", class: "main", disabled: report.running, onclick: () => begin(root)},
            report.running ? "A drill is under way" : "Hold a drill now")),
        h("p", {role: "status", class: "told"}, told),
        table("What is proven, by category and backup", [
            {title: "Category", of: r => r.category},
            {title: "Machine", of: r => r.machine || "–"},
            {title: "Role", of: r => r.role},
            {title: "State", of: r => h("span", {class: `badge ${GOOD[r.state] ?? "slow"}`}, r.state)},
            {title: "Answered by", of: r => r.name},
            {title: "Parity", of: r => r.parity},
            {title: "Took", number: true, of: r => r.ms ? milliseconds(r.ms) : ""},
            {title: "Last proven", of: r => r.last_proven_us
                ? `${seconds(Math.max(0, now - r.last_proven_us) / 1e6)} ago` : "never"},
            {title: "Found", of: r => r.found},
        ], report.rows, r => `${r.category}/${r.machine}/${r.role}`),
    ];
}
