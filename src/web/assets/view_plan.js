// What apply would change, what that costs, and for operators the button that does it.

import {h, notice, show, table} from "/assets/dom.js";
import {ask, tell} from "/assets/gateway.js";
import {count, gigabytes, seconds} from "/assets/words.js";

export const title = "Plan";

const AGAIN_MS = 700;

let plan = null, progress = null, trouble = "", told = "", hasApply = true, timer = 0;

export function open(root) {
    plan = progress = null;
    trouble = told = "";
    draw(root);
    look(root);
    return {close: () => clearTimeout(timer)};
}

async function look(root) {
    clearTimeout(timer);
    try {
        plan = await ask("/admin/v1/plan");
        trouble = "";
    } catch (error) {
        trouble = `The plan cannot be read: ${error.message}.`;
    }
    try {
        progress = await ask("/admin/v1/apply");
    } catch (error) {
        hasApply = error.status !== 404;
    }
    draw(root);
    if (plan?.state === "planning" || progress?.state === "running") timer = setTimeout(() => look(root), AGAIN_MS);
}

async function order(root, path, words) {
    try {
        await tell(path, {});
        told = words;
    } catch (error) {
        told = `That was refused: ${error.message}.`;
    }
    await look(root);
}

function draw(root) {
    show(root, h("h1", null, title), trouble ? notice("warn", trouble) : !plan ? h("p", null, "Asking.") : body(root),
        h("p", {role: "status", class: "told"}, told), progress ? carrying() : null,
        plan?.changes ? [bill(), changes(), kept()] : null);
}

function body(root) {
    const isBusy = plan.state === "planning", isApplying = progress?.state === "running";
    return [
        h("p", {class: "lead"}, isBusy ? "Every engine is asked what it has." : plan.state === "failed" ? `No plan can be made: ${plan.error}.`
            : plan.changes ? `Carrying out the fleet file takes ${count(plan.changes.length, "change")}.` : "No plan was made yet."),
        h("p", {class: "buttons"},
            h("button", {type: "button", disabled: isBusy || isApplying,
                         onclick: () => order(root, "/admin/v1/plan", "A plan is being made.")}, plan.changes ? "Plan again" : "Make a plan"),
            !hasApply ? null : h("button", {type: "button", class: "main", disabled: isApplying || !plan.changes || isOver(),
                                            onclick: () => order(root, "/admin/v1/apply", "The plan is being carried out.")},
                isApplying ? "Being carried out" : "Apply this plan")),
        hasApply ? null : notice("warn", "This program cannot carry a plan out from here: use tampu apply."),
    ];
}

function isOver() {
    return progress?.state === "done" || progress?.state === "failed";
}

const BADGES = {done: "good", failed: "bad", running: "busy"};

function carrying() {
    if (progress.state === "none") return null;
    return h("section", {class: "card", "aria-labelledby": "apply-title", id: "apply", "data-state": progress.state},
        h("h2", {id: "apply-title"}, "Apply"),
        h("p", {role: "status"}, `${{running: "Under way", done: "Done", failed: "Not everything could be done"}[progress.state]}. ` +
            `${gigabytes(progress.spent.wan_bytes)} over the internet, ${gigabytes(progress.spent.lan_bytes)} over the LAN` +
            `${isOver() ? `, in ${seconds(progress.spent.seconds)}` : ""}.${pace()}`),
        progress.steps.length ? h("ul", {class: "plain"}, progress.steps.map((step, i) => h("li", {"data-key": `step${i}`},
            h("span", {class: `badge ${BADGES[step.state] ?? "slow"}`}, step.state),
            ` ${step.do} ${step.artifact} on ${step.machine}`,
            step.bytes && step.state === "running" ? [`, ${gigabytes(step.bytes_done)} of ${gigabytes(step.bytes)} `,
                h("progress", {max: step.bytes, value: step.bytes_done, "aria-label": `${step.artifact} on ${step.machine}`})] : "",
            step.words ? `: ${step.words}` : ""))) : h("p", null, "There was nothing to do."));
}

// How far all transfers are together, and how long they still take at the rate so far.
function pace() {
    const p = progress.progress;
    if (!p?.bytes || isOver()) return "";
    return ` ${gigabytes(p.bytes_done)} of ${gigabytes(p.bytes)} have come, ${gigabytes(p.bytes_per_s)} a second` +
        (p.left_s ? `; about ${seconds(Math.round(p.left_s))} are left.` : ".");
}

function bill() {
    const b = plan.bill, pulls = plan.changes.some(c => c.do === "pull" && c.bytes);
    // Without the registry's own word there is no bill of what is pulled.
    const isKnown = !pulls || b.wan_bytes + b.lan_bytes > 0;
    const figure = words => isKnown ? words : "not known: the registry cannot be asked";
    return h("dl", {class: "figures"}, [["Over the internet", figure(gigabytes(b.wan_bytes))], ["Over the LAN", figure(gigabytes(b.lan_bytes))],
        ["It takes about", figure(seconds(b.seconds))]].map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}

function changes() {
    return [h("h2", null, "What would change"), plan.changes.length ? table("What would change", [
        {title: "Do", of: c => h("span", {class: `badge ${c.do === "remove" || c.do === "unload" ? "slow" : "busy"}`}, c.do)},
        {title: "Machine", of: c => c.machine},
        {title: "Engine", of: c => c.engine},
        {title: "Artifact", of: c => c.artifact},
        {title: "Bytes", number: true, of: c => c.bytes ? gigabytes(c.bytes) : ""},
        {title: "Note", of: c => c.words},
    ], plan.changes, c => `${c.do}/${c.machine}/${c.engine}/${c.artifact}`) : h("p", null, "Nothing: the machines hold what the file declares.")];
}

function kept() {
    const lines = plan.kept.split("\n").filter(Boolean);
    return lines.length ? [h("h2", null, "What stays"), h("ul", {class: "plain"}, lines.map(line => h("li", null, line)))] : null;
}
