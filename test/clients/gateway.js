// A tampu of one's own for a test file: the real gateway in front of imagined machines.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const OpenAI = require('openai');

const ROOT = path.resolve(__dirname, '../..');
const TAMPU = process.env.TAMPU || path.join(ROOT, 'build/tampu');
const DEADLINE_MS = 60000;

// The same words through both: desk is translated to, shelf is passed through to.
const DESK = 'S-LOC-FRE-qwen2.5-7b';
const SHELF = 'M-LOC-FRE-qwen2.5-14b';
const EMBED = 'XS-LOC-FRE-nomic-embed-text';
const FLEET = `
fleet: clients
machines:
  desk:
    hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}
    engines: [ollama]
    models:
      - {pull: "qwen2.5:7b", name: ${DESK}, context: 8K}
      - {pull: "nomic-embed-text", name: ${EMBED}, context: 2K}
  shelf:
    hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}
    engines: [llama-server]
    models: [{pull: "qwen2.5:14b", name: ${SHELF}, context: 8K}]
`;

// start({body_max: '64 KiB'}): the gateway with such settings, once it is ready. machines: more of
// them, as the fleet file has them.
async function start(settings = {}, machines = '') {
    const state = fs.mkdtempSync(path.join(os.tmpdir(), 'tampu-clients-'));
    const fleet = path.join(state, 'fleet.yaml');
    fs.writeFileSync(fleet, `${FLEET}${machines}gateway: ${JSON.stringify(settings)}\n`);
    const child = spawn(TAMPU, ['demo', fleet, '--speed', '50', '--listen', '127.0.0.1:0',
        '--state', state], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = [];
    const url = await new Promise((ready, failed) => {
        child.on('error', failed);
        child.on('exit', () => failed(new Error(`tampu ended: ${said.join('\n')}`)));
        readline.createInterface({ input: child.stderr }).on('line', (line) => {
            said.push(line);
            const found = line.match(/^tampu: ready on (\S+)$/);
            if (found) ready(found[1]);
        });
    });
    const gateway = new Gateway(child, url, state);
    await gateway.loaded('shelf');
    return gateway;
}

class Gateway {
    constructor(child, url, state) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        Object.assign(this, { child, url, state, ended });
    }

    client(more = {}) {
        return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'none', maxRetries: 0, ...more });
    }

    // imagine({machine: 'desk', do: 'hang'})
    async imagine(command) {
        const answer = await fetch(`${this.url}/imagine`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(command),
        });
        assert.equal(answer.status, 200, await answer.text());
    }

    // One engine of a machine, as GET /imagine lists it.
    async engine(machine) {
        const { machines } = await (await fetch(`${this.url}/imagine`)).json();
        return machines.find((m) => m.machine === machine).engines[0];
    }

    // A llama-server says 503 until its model is loaded.
    async loaded(machine) {
        const { address } = await this.engine(machine);
        const deadline = Date.now() + DEADLINE_MS;
        let status;
        do {
            ({ status } = await fetch(`http://${address}/health`));
            assert.ok(Date.now() < deadline, `${machine} is still loading`);
        } while (status !== 200);
    }

    // A counter of GET /metrics, summed over the series whose labels hold all these texts.
    async counter(name, ...labels) {
        const text = await (await fetch(`${this.url}/metrics`)).text();
        return text.split('\n')
            .filter((line) => line.startsWith(name) && labels.every((l) => line.includes(l)))
            .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
    }

    async key(...words) {
        const child = spawn(TAMPU, ['key', 'create', '--state', this.state, '--json', ...words],
            { stdio: ['ignore', 'pipe', 'inherit'] });
        let text = '';
        for await (const piece of child.stdout) text += piece;
        return JSON.parse(text);
    }

    async stop() {
        this.child.kill('SIGTERM');
        await this.ended;
        fs.rmSync(this.state, { recursive: true, force: true });
    }
}

// Asks again and again until what() is true.
async function waitUntil(what) {
    const end = Date.now() + DEADLINE_MS;
    while (!await what()) {
        assert.ok(Date.now() < end, `it did not come to pass: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

// The error that it was rejected with.
async function errorOf(promise) {
    return promise.then((value) => assert.fail(`no error, but ${JSON.stringify(value)}`),
        (error) => error);
}

module.exports = { start, waitUntil, errorOf, DESK, SHELF, EMBED };
