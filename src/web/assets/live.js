// What the gateway tells of itself as it happens, kept for the views.

import {events, watch} from "/assets/gateway.js";

const KEPT = 500; // requests
const AGAIN_MS = [250, 1000, 2000, 5000];

export const live = {
    facts: null, status: null, ps: null, map: null,
    requests: new Map(), // by id, oldest first
    link: "connecting",  // "live", "lost", "refused"
    trouble: "",
};

const listeners = new Set();
let drawing = false;

// fn is called soon after something changed; returns what ends that.
export function follow(fn) {
    listeners.add(fn);
    return () => listeners.delete(fn);
}

function changed() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
        drawing = false;
        for (const fn of listeners) fn();
    });
}

const take = {
    facts: data => { live.facts = data; },
    status: data => { live.status = data; },
    ps: data => { live.ps = data; },
    map: data => { live.map = data; },
    request: data => {
        const old = live.requests.get(data.request);
        live.requests.set(data.request, {...old, ...data});
        if (live.requests.size > KEPT) live.requests.delete(live.requests.keys().next().value);
    },
};

function hear({event, data}) {
    if (!take[event]) return;
    take[event](JSON.parse(data));
    changed();
}

function setLink(link, trouble = "") {
    live.link = link;
    live.trouble = trouble;
    changed();
}

let stop = null;

// Begins anew, with the key that is there now. Goes on for ever: a lost gateway is asked again.
export async function connect() {
    stop?.abort();
    const mine = stop = new AbortController();
    for (let tries = 0; !mine.signal.aborted; tries++) {
        try {
            const response = await watch("/admin/v1/events", mine.signal);
            setLink("live");
            tries = 0;
            for await (const event of events(response)) hear(event);
            setLink("lost", "the gateway ended the stream");
        } catch (error) {
            if (mine.signal.aborted) return;
            if (error.status === 401 || error.status === 403) return setLink("refused", error.message);
            setLink("lost", error.message);
        }
        await new Promise(go => setTimeout(go, AGAIN_MS[Math.min(tries, AGAIN_MS.length - 1)]));
    }
}

// Copies as they are, each with what is expected of it.
export function copies() {
    const known = new Map((live.facts?.copies ?? []).map(copy => [copyKey(copy), copy]));
    return (live.ps?.copies ?? []).map(copy => ({...known.get(copyKey(copy)), ...copy}));
}

export function copyKey(copy) {
    return `${copy.machine}/${copy.engine}/${copy.artifact}`;
}
