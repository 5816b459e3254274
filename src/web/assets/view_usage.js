// What was used and what it cost, by day, as charts and as a table.

import {chart} from "/assets/chart.js";
import {h, notice, show, table} from "/assets/dom.js";
import {ask} from "/assets/gateway.js";
import {money} from "/assets/words.js";

export const title = "Usage";

const DAY_MS = 86400000;

let rows = null, trouble = "";

export function open(root) {
    rows = null;
    trouble = "";
    draw(root);
    ask("/admin/v1/usage?by=day,model,machine").then(answer => { rows = answer.rows ?? answer.usage; }, error => {
        trouble = error.status === 404 ? "This program keeps no usage: there is nothing to show."
            : `The usage cannot be read: ${error.message}.`;
    }).then(() => draw(root));
}

function draw(root) {
    show(root, h("h1", null, title), trouble ? notice("warn", trouble) : !rows ? h("p", null, "Asking.")
        : rows.length ? body() : h("p", null, "Nothing was asked yet."));
}

function body() {
    const days = byDay(), sum = name => rows.reduce((all, row) => all + (row[name] ?? 0), 0);
    return [
        h("dl", {class: "figures"}, [["Requests", sum("requests").toLocaleString("en")], ["Failed", sum("failures").toLocaleString("en")],
            ["Tokens read", sum("prompt_tokens").toLocaleString("en")], ["Tokens written", sum("completion_tokens").toLocaleString("en")],
            ["Paid", money(sum("money_micro"))], ["Cloud cost avoided", money(sum("avoided_micro"))]].map(([name, value]) =>
            h("div", null, h("dt", null, name), h("dd", null, value)))),
        chart("Requests by day", days, [["Requests", "requests"], ["Failed", "failures"]]),
        chart("Tokens by day", days, [["Read", "prompt_tokens"], ["Written", "completion_tokens"]]),
        chart("Money by day, in dollars", days, [["Paid", "paid"], ["Avoided", "avoided"]]),
        h("h2", null, "By day, model and machine"),
        table("Usage by day, model and machine", [
            {title: "Day", of: row => dayOf(row)},
            {title: "Model", of: row => row.model},
            {title: "Machine", of: row => row.machine},
            {title: "Requests", number: true, of: row => row.requests},
            {title: "Failed", number: true, of: row => row.failures},
            {title: "Read", number: true, of: row => row.prompt_tokens},
            {title: "Written", number: true, of: row => row.completion_tokens},
            {title: "Paid", number: true, of: row => money(row.money_micro)},
            {title: "Avoided", number: true, of: row => money(row.avoided_micro ?? 0)},
        ], rows, row => `${row.day}/${row.model}/${row.machine}`),
    ];
}

function dayOf(row) {
    return typeof row.day === "number" ? new Date(row.day * DAY_MS).toISOString().slice(0, 10) : row.day;
}

// One point for each day, also for those without a request.
function byDay() {
    const days = new Map();
    for (const row of rows) {
        const at = Date.parse(dayOf(row)), day = days.get(at) ?? {at};
        for (const name of ["requests", "failures", "prompt_tokens", "completion_tokens"])
            day[name] = (day[name] ?? 0) + (row[name] ?? 0);
        day.paid = (day.paid ?? 0) + (row.money_micro ?? 0) / 1e6;
        day.avoided = (day.avoided ?? 0) + (row.avoided_micro ?? 0) / 1e6;
        days.set(at, day);
    }
    const [first, last] = [Math.min(...days.keys()), Math.max(...days.keys())], all = [];
    for (let at = first - 6 * DAY_MS; at <= last; at += DAY_MS) all.push(days.get(at) ?? {at});
    return all;
}
