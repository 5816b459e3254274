// Lines over time, by uPlot where the program carries it; what it shows stands in a table as well.

import {h} from "/assets/dom.js";

const HEIGHT = 180;
let library = null; // a promise of uPlot, or of null

function load() {
    library ??= import("/assets/uplot.js").then(module => {
        document.head.append(h("link", {rel: "stylesheet", href: "/assets/uplot.css"}));
        return module.default;
    }, () => null);
    return library;
}

// points: [{at: milliseconds, …}]; lines: [[words, name of the figure], …]
export function chart(title, points, lines) {
    const place = h("div", {class: "chart", "data-kept": true, "aria-hidden": true});
    load().then(uPlot => draw(uPlot, place, points, lines));
    return h("figure", {"data-key": title}, h("figcaption", null, title), place);
}

function draw(uPlot, place, points, lines) {
    if (!uPlot) {
        place.replaceChildren("This program was built without uPlot (tools/setup web), so there is no chart; the table holds the figures.");
        return;
    }
    const colors = getComputedStyle(document.documentElement);
    const ink = colors.getPropertyValue("--faint"), rule = colors.getPropertyValue("--rule");
    const axis = {stroke: ink, grid: {stroke: rule, width: 1}, ticks: {stroke: rule, width: 1}};
    const plot = new uPlot({
        width: place.clientWidth || 600, height: HEIGHT, legend: {show: true}, cursor: {y: false},
        axes: [axis, {...axis, size: 64}],
        series: [{}, ...lines.map(([words], i) => ({
            label: words, stroke: colors.getPropertyValue(`--line${i}`), width: 2, points: {show: true},
        }))],
    }, [points.map(p => p.at / 1000), ...lines.map(([, name]) => points.map(p => p[name] ?? 0))], place);
    new ResizeObserver(() => plot.setSize({width: place.clientWidth, height: HEIGHT})).observe(place);
}
