// The frame around the views: which one is shown, the key, the theme, the state of the link.

import {h, show} from "/assets/dom.js";
import {key} from "/assets/gateway.js";
import {connect, follow, live} from "/assets/live.js";
import * as drills from "/assets/view_drills.js";
import * as fleet from "/assets/view_fleet.js";
import * as map from "/assets/view_map.js";
import * as models from "/assets/view_models.js";
import * as plan from "/assets/view_plan.js";
import * as playground from "/assets/view_playground.js";
import * as requests from "/assets/view_requests.js";
import * as settings from "/assets/view_settings.js";
import * as usage from "/assets/view_usage.js";

// Each has a title and open(root, words): it draws into root and returns {update, close}, both
// optional. words: what stands behind its name in the address.
const views = {fleet, map, requests, plan, usage, models, drills, settings, playground};
const root = document.getElementById("view");
let current = null, name = "";

function open() {
    const [wanted, ...words] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    const next = views[wanted] ? wanted : "fleet", moved = name !== "";
    current?.close?.();
    name = next;
    root.replaceChildren();
    root.dataset.view = name;
    current = views[name].open(root, words) ?? {};
    current.update?.();
    document.title = `${views[name].title} · tampu`;
    drawMenu();
    if (moved) root.focus({preventScroll: true});
}

function drawMenu() {
    show(document.getElementById("nav"), Object.entries(views).map(([id, view]) =>
        h("li", null, h("a", {href: `#/${id}`, "aria-current": id === name && "page"}, view.title))));
}

const LINKS = {
    connecting: "connecting", live: "live", lost: "connection lost, trying again",
    refused: "not allowed: use Key",
};

function drawLink() {
    const link = document.getElementById("link");
    if (link.textContent !== LINKS[live.link]) link.textContent = LINKS[live.link];
    link.dataset.link = live.link;
    link.title = live.trouble;
    document.getElementById("fleet-name").textContent = live.status?.fleet ?? "";
}

const dialog = document.getElementById("key-dialog");
document.getElementById("key-button").onclick = () => dialog.showModal();
dialog.onclose = () => {
    const input = document.getElementById("key-input");
    if (dialog.returnValue === "use" && input.value) key.set(input.value.trim());
    if (dialog.returnValue === "forget") key.set("");
    if (dialog.returnValue) {
        connect();
        open();
    }
    input.value = dialog.returnValue = "";
};

const themes = ["system", "light", "dark"];
const themeButton = document.getElementById("theme-button");

function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    themeButton.textContent = `Theme: ${theme}`;
    localStorage.setItem("tampu-theme", theme);
}

themeButton.onclick = () =>
    setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
setTheme(themes.includes(localStorage.getItem("tampu-theme")) ? localStorage.getItem("tampu-theme") : "system");

document.querySelector(".skip").onclick = event => {
    event.preventDefault();
    root.focus();
};
addEventListener("hashchange", open);
follow(() => {
    drawLink();
    current?.update?.();
});
open();
connect();
