// Asking a category or a model, with a picture if it can see one; the answer as it comes.

import {h, notice, show} from "/assets/dom.js";
import {ask, events, send} from "/assets/gateway.js";

export const title = "Playground";

const IMAGE_MAX = 8 << 20;

let names = null, trouble = "";
let talk = []; // {role, text, image, facts}
let picture = null, running = null, model = "";

export function open(root, [wanted]) {
    model = wanted || model;
    draw(root);
    ask("/v1/models").then(({data}) => { names = data; }, error => { trouble = error.message; }).then(() => draw(root));
    return {close: () => running?.abort()};
}

function draw(root) {
    show(root, h("h1", null, title),
        trouble ? notice("warn", `The models cannot be read: ${trouble}.`) : null,
        h("div", {class: "talk", id: "talk", role: "log", "aria-label": "Conversation", tabindex: 0}, talk.map(said)),
        form(root));
    // Options that arrive one group after the other leave the choice to the browser.
    const select = root.querySelector("#model:enabled");
    if (select && select.value !== model) select.value = model;
}

function said(turn, i) {
    return h("section", {class: `turn ${turn.role}`, "data-key": `turn${i}`, "aria-label": turn.role === "user" ? "You" : "Answer"},
        turn.image ? h("img", {src: turn.image, alt: "the picture that was sent"}) : null,
        turn.thought ? h("details", null, h("summary", null, "Thoughts"), h("p", {class: "text faint"}, turn.thought)) : null,
        h("p", {class: "text"}, turn.text || (turn.busy ? "…" : "")),
        turn.error ? notice("warn", turn.error) : null,
        turn.facts ? h("p", {class: "faint facts"}, turn.facts, " ", turn.id ? h("a", {href: `#/requests/${turn.id}`}, "why") : null) : null);
}

function form(root) {
    const isBusy = running !== null;
    return h("form", {class: "ask", onsubmit: event => { event.preventDefault(); submit(event.target, root); }},
        h("p", {class: "fields"},
            h("label", {for: "model"}, "Ask "),
            names ? choice(root) : h("select", {id: "model", disabled: true}, h("option", null, "…")),
            h("label", {for: "image", class: "file"}, "Picture "),
            h("input", {id: "image", type: "file", accept: "image/*", onchange: event => { picture = event.target.files[0] ?? null; }})),
        h("label", {for: "words", class: "unseen"}, "Your words"),
        h("textarea", {id: "words", rows: 3, placeholder: "Your words", "data-kept": true,
                       onkeydown: event => {
                           if (event.key !== "Enter" || event.shiftKey) return;
                           event.preventDefault();
                           event.target.form.requestSubmit();
                       }}),
        h("p", {class: "buttons"}, h("button", {type: "submit", class: "main", disabled: isBusy}, "Send"),
            h("button", {type: "button", disabled: !isBusy, onclick: () => running?.abort()}, "Stop"),
            h("button", {type: "button", disabled: isBusy || !talk.length, onclick: () => { talk = []; draw(root); }}, "New")));
}

// Categories first: they are what the fleet is for.
function choice(root) {
    const kinds = {category: "Categories", alias: "Aliases"};
    const groups = new Map();
    for (const {id, kind} of names) {
        const group = kinds[kind] ?? "Models";
        groups.set(group, [...groups.get(group) ?? [], id]);
    }
    model ||= names[0]?.id ?? "";
    return h("select", {id: "model", "data-kept": true, onchange: event => { model = event.target.value; draw(root); }},
        ["Categories", "Aliases", "Models"].filter(name => groups.has(name)).map(name =>
            h("optgroup", {label: name}, groups.get(name).map(id => h("option", {value: id, selected: id === model}, id)))));
}

async function submit(target, root) {
    const words = target.querySelector("#words");
    if (running || !words.value.trim()) return;
    const turn = {role: "user", text: words.value.trim()};
    if (picture && picture.size > IMAGE_MAX) {
        talk.push({role: "assistant", text: "", error: "That picture is larger than 8 MiB."});
        return draw(root);
    }
    if (picture) {
        turn.data = await dataUrl(picture);
        turn.image = URL.createObjectURL(picture);
    }
    words.value = "";
    target.querySelector("#image").value = "";
    picture = null;
    talk.push(turn);
    await answer(root);
}

function dataUrl(file) {
    return new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(file);
    });
}

function messages() {
    return talk.filter(turn => turn.text).map(turn => ({
        role: turn.role,
        content: turn.data ? [{type: "text", text: turn.text}, {type: "image_url", image_url: {url: turn.data}}] : turn.text,
    }));
}

async function answer(root) {
    const body = {model, stream: true, stream_options: {include_usage: true}, messages: messages()};
    const turn = {role: "assistant", text: "", thought: "", busy: true};
    const began = performance.now();
    running = new AbortController();
    talk.push(turn);
    draw(root);
    try {
        const response = await send("/v1/chat/completions", body, running.signal);
        const of = name => response.headers.get(`x-tampu-${name}`);
        turn.id = of("request-id");
        turn.facts = `${of("model")} on ${of("machine")}, ${of("parity")}`;
        for await (const {data} of events(response)) {
            if (data === "[DONE]") break;
            hear(turn, JSON.parse(data), began);
            soon(root);
        }
    } catch (error) {
        turn.error = error.name === "AbortError" ? "Stopped." : error.message;
    }
    turn.busy = false;
    running = null;
    draw(root);
    document.getElementById("words")?.focus();
}

function hear(turn, chunk, began) {
    const delta = chunk.choices?.[0]?.delta ?? {};
    turn.text += delta.content ?? "";
    turn.thought += delta.reasoning_content ?? delta.reasoning ?? "";
    if (chunk.error) turn.error = chunk.error.message;
    if (chunk.usage)
        turn.facts += `, ${chunk.usage.completion_tokens} tokens in ${((performance.now() - began) / 1000).toFixed(1)} s`;
}

let drawing = false;

function soon(root) {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
        drawing = false;
        draw(root);
        const last = document.querySelector("#talk .turn:last-child");
        last?.scrollIntoView({block: "nearest"});
    });
}
