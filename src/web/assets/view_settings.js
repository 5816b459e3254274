// What every setting is. It is changed in the fleet file, not here.

import {h, notice, show, table} from "/assets/dom.js";
import {ask} from "/assets/gateway.js";

export const title = "Settings";

export function open(root) {
    show(root, h("h1", null, title), h("p", null, "Asking."));
    ask("/admin/v1/settings").then(({settings}) => show(root, h("h1", null, title),
        h("p", {class: "lead"}, "Read only. They stand under ", h("code", null, "gateway:"),
            " in the fleet file, in the environment, or on the command line."),
        table("Settings", [
            {title: "Setting", of: s => h("code", null, s.setting)},
            {title: "Value", of: s => s.value},
            {title: "Meaning", of: s => s.help},
        ], settings, s => s.setting)),
    error => show(root, h("h1", null, title), notice("warn", `The settings cannot be read: ${error.message}.`)));
}
