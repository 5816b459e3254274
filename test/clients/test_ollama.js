// Ollama's own library asks: the fleet is one Ollama to it, whatever engine is behind a name.
'use strict';
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Ollama } = require('ollama');
const { start, errorOf, waitUntil, DESK, SHELF, EMBED } = require('./gateway.js');

const BOTH = { 'passed through': DESK, translated: SHELF };
const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const WEATHER = {
    type: 'function',
    function: {
        name: 'weather',
        description: 'The weather in a city.',
        parameters: {
            type: 'object',
            properties: { city: { type: 'string' }, days: { type: 'integer' } },
            required: ['city', 'days'],
        },
    },
};

let gateway, client;

before(async () => {
    gateway = await start();
    client = new Ollama({ host: gateway.url });
});
after(() => gateway.stop());

function ask(model, words, more = {}) {
    return { model, messages: [{ role: 'user', content: words }], ...more };
}

async function collect(stream) {
    const lines = [];
    for await (const line of stream) lines.push(line);
    return lines;
}

for (const [how, model] of Object.entries(BOTH)) {
    test(`${how}: chat`, async () => {
        const answer = await client.chat(ask(model, 'write 7 words'));
        assert.equal(answer.message.role, 'assistant');
        assert.match(answer.message.content, /^\[qwen2\.5:\d+b m=1 i=0 t=0 n=7 #\w{8}\]( \w+){7}\.$/);
        assert.equal(answer.done, true);
        assert.equal(answer.done_reason, 'stop');
        assert.ok(answer.prompt_eval_count > 0 && answer.eval_count > 0);
        assert.ok(answer.total_duration > 0 && answer.eval_duration > 0);
        assert.ok(!Number.isNaN(Date.parse(answer.created_at)));
    });

    test(`${how}: a stream says what the plain answer says`, async () => {
        const plain = await client.chat(ask(model, 'write 20 words'));
        const lines = await collect(await client.chat(ask(model, 'write 20 words', { stream: true })));
        assert.ok(lines.length > 20, `${lines.length} lines`);
        assert.equal(lines.map((l) => l.message.content).join(''), plain.message.content);
        assert.deepEqual(lines.filter((l) => l.done), [lines.at(-1)]);
        assert.equal(lines.at(-1).eval_count, plain.eval_count);
    });

    test(`${how}: a stream is the default of the API`, async () => {
        const response = await fetch(`${gateway.url}/api/chat`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(ask(model, 'write 3 words')),
        });
        assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
        const lines = (await response.text()).trimEnd().split('\n').map(JSON.parse);
        assert.ok(lines.length > 3);
        assert.equal(lines.at(-1).done, true);
    });

    test(`${how}: a tool is called, and its result answered`, async () => {
        const asked = ask(model, 'please call weather', { tools: [WEATHER] });
        const first = await client.chat(asked);
        const [call] = first.message.tool_calls;
        assert.equal(call.function.name, 'weather');
        assert.equal(typeof call.function.arguments.city, 'string');
        assert.ok(Number.isInteger(call.function.arguments.days));

        asked.messages.push(first.message,
            { role: 'tool', tool_name: 'weather', content: '{"sky": "clear"}' });
        const second = await client.chat(asked);
        assert.match(second.message.content, /^\[\S+ m=3 i=0 t=1 /);
    });

    test(`${how}: a tool call arrives whole in a stream`, async () => {
        const lines = await collect(await client.chat(
            ask(model, 'please call weather', { tools: [WEATHER], stream: true })));
        const calls = lines.flatMap((l) => l.message.tool_calls ?? []);
        assert.equal(calls.length, 1);
        assert.equal(typeof calls[0].function.arguments.city, 'string');
    });

    test(`${how}: JSON in the form of a schema`, async () => {
        const { message } = await client.chat(
            ask(model, 'anything', { format: WEATHER.function.parameters }));
        assert.ok(Number.isInteger(JSON.parse(message.content).days));
    });

    test(`${how}: generate, plain and streaming, with a system prompt`, async () => {
        const asked = { model, prompt: 'write 6 words', system: 'Be brief.' };
        const plain = await client.generate(asked);
        assert.match(plain.response, /^\[\S+ m=2 .* n=6 /);
        const lines = await collect(await client.generate({ ...asked, stream: true }));
        assert.equal(lines.map((l) => l.response).join(''), plain.response);
    });

    test(`${how}: num_predict cuts the answer, and says so`, async () => {
        const answer = await client.chat(ask(model, 'write 90 words', { options: { num_predict: 5 } }));
        assert.equal(answer.done_reason, 'length');
        assert.equal(answer.eval_count, 5);
    });

    test(`${how}: a load is answered, an unload refused`, async () => {
        const loaded = await client.generate({ model, prompt: '' });
        assert.deepEqual([loaded.done, loaded.done_reason], [true, 'load']);
        const error = await errorOf(client.generate({ model, prompt: '', keep_alive: 0 }));
        assert.equal(error.status_code, 400);
        assert.match(error.message, /keep_alive/);
    });

    test(`${how}: pictures to a model without eyes are refused`, async () => {
        const error = await errorOf(client.chat({
            model, messages: [{ role: 'user', content: 'what is this?', images: [PNG] }] }));
        assert.equal(error.status_code, 400);
        assert.match(error.message, /vision/);
    });
}

test('what a caller says of the context is left out, and listed', async () => {
    const response = await fetch(`${gateway.url}/api/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(ask(DESK, 'write 3 words',
            { stream: false, keep_alive: '1h', options: { num_ctx: 512, num_gpu: 0, seed: 1 } })),
    });
    assert.equal(response.headers.get('x-tampu-dropped'),
        'keep_alive, options.num_ctx, options.num_gpu');
    const { models } = await client.ps();
    assert.equal(models.find((m) => m.name === DESK)?.context_length ?? 8192, 8192);
});

test('embeddings: many at once, and one in the first way', async () => {
    const many = await client.embed({ model: EMBED, input: ['a llama', 'two llamas'] });
    assert.equal(many.embeddings.length, 2);
    assert.equal(many.embeddings[0].length, 768);
    const one = await client.embeddings({ model: EMBED, prompt: 'a llama' });
    assert.equal(one.embedding.length, 768);
});

test('the lists: everything that can be asked for, and what is loaded', async () => {
    const { models } = await client.list();
    assert.deepEqual(models.map((m) => m.name).sort(), [DESK, EMBED, SHELF].sort());
    for (const m of models) {
        assert.match(m.digest, /^[0-9a-f]{64}$/);
        assert.ok(m.size > 0 && m.details.family && m.details.parameter_size);
        assert.ok(!Number.isNaN(Date.parse(m.modified_at)));
    }
    await client.chat(ask(DESK, 'write 1 words'));
    await waitUntil(async () => (await client.ps()).models.some((m) => m.name === DESK));
    const [loaded] = (await client.ps()).models.filter((m) => m.name === DESK);
    assert.ok(loaded.size > 0 && !Number.isNaN(Date.parse(loaded.expires_at)));
});

test('show: what it can do and how much it can read', async () => {
    const shown = await client.show({ model: `${DESK}:latest` });
    assert.ok(shown.capabilities.includes('tools'));
    assert.equal(shown.model_info['qwen2.5.context_length'], 8192);
    assert.equal(shown.parameters, 'num_ctx 8192');
    const error = await errorOf(client.show({ model: 'nothing' }));
    assert.equal(error.status_code, 404);
});

test('version', async () => {
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
});

test('pull, push, create, copy and delete say why not', async () => {
    const asked = [
        client.pull({ model: 'qwen3:14b' }), client.push({ model: 'qwen3:14b' }),
        client.create({ model: 'x', from: DESK }), client.copy({ source: DESK, destination: 'x' }),
        client.delete({ model: DESK }),
    ];
    for (const error of await Promise.all(asked.map(errorOf))) {
        assert.equal(error.status_code, 501);
        assert.match(error.message, /fleet file/);
    }
});

test('an unknown model is 404, in words', async () => {
    const error = await errorOf(client.chat(ask('nothing', 'hi')));
    assert.equal(error.status_code, 404);
    assert.match(error.message, /there is no model 'nothing'/);
});

test('a machine that is cut off in mid-stream is an error, not an end', async () => {
    await gateway.imagine({ machine: 'shelf', do: 'cut', after_tokens: 5 });
    try {
        const stream = await client.chat(ask(SHELF, 'write 90 words', { stream: true }));
        const error = await errorOf(collect(stream));
        assert.match(error.message, /lost|closed|ended/);
    } finally {
        await gateway.imagine({ machine: 'shelf', do: 'revive' });
    }
});

test('leaving a stream stops the engine', async () => {
    const stream = await client.chat(ask(DESK, 'write 20000 words', { stream: true }));
    for await (const line of stream) {
        if (line.message.content) break;
    }
    stream.abort();
    await waitUntil(async () => (await gateway.engine('desk')).loaded.every((m) => m.busy === 0));
});
