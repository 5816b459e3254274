// Numbers as people read them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(n) {
    let unit = 0;
    while (n >= 1024 && unit < UNITS.length - 1) {
        n /= 1024;
        unit++;
    }
    return `${unit && n < 100 ? n.toFixed(1) : Math.round(n)} ${UNITS[unit]}`;
}

// Downloads and disks are sold in powers of ten.
export function gigabytes(n) {
    return n >= 1e9 ? `${(n / 1e9).toFixed(n < 1e10 ? 1 : 0)} GB` : `${Math.round(n / 1e6)} MB`;
}

export function seconds(s) {
    if (s < 0.0995) return `${Math.round(s * 1000)} ms`;
    if (s < 99.5) return `${s.toFixed(s < 9.95 ? 1 : 0)} s`;
    if (s < 5400) return `${Math.round(s / 60)} min`;
    return s < 172800 ? `${(s / 3600).toFixed(1)} h` : `${Math.round(s / 86400)} days`;
}

export function milliseconds(ms) {
    return ms === null || ms === undefined ? "" : seconds(ms / 1000);
}

export function speed(tps) {
    return `${tps < 10 ? tps.toFixed(1) : Math.round(tps)} tokens/s`;
}

export function count(n, one, many = `${one}s`) {
    return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

// Millionths of a dollar.
export function money(micro) {
    const dollars = micro / 1e6;
    return `$${dollars.toFixed(dollars !== 0 && Math.abs(dollars) < 0.995 ? 4 : 2)}`;
}

export function clock(ms) {
    return new Date(ms).toLocaleTimeString("en-GB");
}

export function day(ms) {
    return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

export function params(n) {
    return n ? `${n >= 1e10 ? Math.round(n / 1e9) : (n / 1e9).toFixed(1)} B` : "";
}
