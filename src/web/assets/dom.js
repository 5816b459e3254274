// Elements from JavaScript, and trees of them brought up to date in place.

const LISTENERS = ["onclick", "oninput", "onchange", "onkeydown", "onsubmit", "onfocus", "onpaste"];

// h("button", {class: "main", onclick: go}, "Go"): attributes by name, listeners and a few
// properties by assignment, `grow` as the share of a bar. Nothing is ever parsed as HTML.
export function h(tag, given, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(given ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (LISTENERS.includes(name) || name === "value" || name === "checked") node[name] = value;
        else if (name === "grow") node.style.flexGrow = value;
        else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined &&
                                                           child !== false));
    return node;
}

// Makes the children of `parent` like these, and keeps what is already so: focus, scrolling and
// what is typed survive. A child with data-key is found again wherever it moves.
export function show(parent, ...children) {
    const wanted = document.createDocumentFragment();
    wanted.append(...children.flat(Infinity).filter(child => child));
    alter(parent, wanted);
}

function alter(parent, wanted) {
    const keyed = new Map();
    for (const child of parent.children)
        if (child.dataset.key) keyed.set(child.dataset.key, child);
    let at = parent.firstChild;
    for (const next of [...wanted.childNodes]) {
        const known = next.dataset?.key ? keyed.get(next.dataset.key) : at;
        if (known && isAlike(known, next)) {
            if (known === at) at = at.nextSibling;
            else parent.insertBefore(known, at);
            become(known, next);
        } else {
            parent.insertBefore(next, at);
        }
    }
    while (at) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
    }
}

function isAlike(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.key === b.dataset?.key;
}

function become(old, next) {
    if (old.nodeType === Node.TEXT_NODE) {
        if (old.data !== next.data) old.data = next.data;
        return;
    }
    if (old.hasAttribute("data-kept")) return; // its own business
    for (const {name} of [...old.attributes])
        if (!next.hasAttribute(name) && name !== "style" && name !== "open") old.removeAttribute(name);
    for (const {name, value} of [...next.attributes])
        if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.style.flexGrow !== next.style.flexGrow) old.style.flexGrow = next.style.flexGrow;
    for (const name of LISTENERS) if (old[name] !== next[name]) old[name] = next[name];
    if ((old.nodeName === "INPUT" || old.nodeName === "SELECT") && old !== document.activeElement &&
        next.hasAttribute("data-follows"))
        old.value = next.value;
    alter(old, next);
}

// A table with a caption for those who do not see it. columns: [{title, of(row), number}]
export function table(caption, columns, rows, keyOf) {
    return h("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption},
        h("table", null, h("caption", {class: "unseen"}, caption),
            h("thead", null, h("tr", null, columns.map(column =>
                h("th", {scope: "col", class: column.number && "number"}, column.title)))),
            h("tbody", null, rows.map(row =>
                h("tr", {"data-key": keyOf?.(row)}, columns.map(column =>
                    h("td", {class: column.number && "number"}, column.of(row))))))));
}

export function notice(kind, ...words) {
    return h("p", {class: `notice ${kind}`}, ...words);
}
