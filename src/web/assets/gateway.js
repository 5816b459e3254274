// Talking to the gateway: the key, questions, what it streams.

const KEY = "tampu-key";

export class Refused extends Error {
    constructor(status, words) {
        super(words);
        this.status = status;
    }
}

export const key = {
    get: () => sessionStorage.getItem(KEY) ?? "",
    set: text => text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY),
};

function headers(more) {
    return {...more, ...(key.get() ? {authorization: `Bearer ${key.get()}`} : {})};
}

async function check(response) {
    if (response.ok) return response;
    let words = response.statusText;
    try {
        const {error} = await response.json();
        words = error?.message ?? error ?? words;
    } catch {
        // Not JSON: the status must do.
    }
    throw new Refused(response.status, words);
}

export async function ask(path) {
    const response = await fetch(path, {headers: headers({accept: "application/json"}), cache: "no-store"});
    return (await check(response)).json();
}

// The answer is JSON, or null when there is none.
export async function tell(path, body) {
    const response = await send(path, body);
    const text = await response.text();
    return text ? JSON.parse(text) : null;
}

// The response itself, once its head is here.
export async function send(path, body, signal) {
    return check(await fetch(path, {method: "POST", body: JSON.stringify(body), signal,
                                    headers: headers({"content-type": "application/json"})}));
}

// Server-sent events, as {event, data}, until the other side ends. (EventSource could not send a key.)
export async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
        const {value, done} = await reader.read();
        if (done) return;
        const frames = (rest + value).split("\n\n");
        rest = frames.pop();
        for (const frame of frames) yield readFrame(frame);
    }
}

function readFrame(frame) {
    const found = {event: "message", data: ""};
    for (const line of frame.split("\n")) {
        const [name, value] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trimStart()];
        if (name === "event") found.event = value;
        if (name === "data") found.data += value;
    }
    return found;
}

export async function watch(path, signal) {
    return check(await fetch(path, {headers: headers({accept: "text/event-stream"}), signal, cache: "no-store"}));
}
