// OpenAI's own library asks: what it was made for works, translated and passed through.
'use strict';
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { start, waitUntil, DESK, SHELF, EMBED } = require('./gateway.js');

const BOTH = { translated: DESK, 'passed through': SHELF };
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
    client = gateway.client();
});
after(() => gateway.stop());

function ask(model, words, more = {}) {
    return { model, messages: [{ role: 'user', content: words }], ...more };
}

// The chunks of a stream, and what they say together.
async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const text = chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');
    return { chunks, text };
}

for (const [how, model] of Object.entries(BOTH)) {
    test(`${how}: chat`, async () => {
        const { data, response } = await client.chat.completions
            .create(ask(model, 'write 7 words')).withResponse();
        assert.equal(data.object, 'chat.completion');
        assert.equal(data.choices.length, 1);
        assert.equal(data.choices[0].finish_reason, 'stop');
        assert.equal(data.choices[0].message.role, 'assistant');
        assert.match(data.choices[0].message.content, /^\[qwen2\.5:\d+b m=1 i=0 t=0 n=7 #\w{8}\]( \w+){7}\.$/);
        assert.ok(data.usage.prompt_tokens > 0 && data.usage.completion_tokens > 0);
        assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
        assert.equal(response.headers.get('x-tampu-machine'), model === DESK ? 'desk' : 'shelf');
        assert.equal(response.headers.get('x-tampu-model'), model);
        assert.equal(response.headers.get('x-tampu-parity'), 'identical');
        assert.equal(response.headers.get('x-tampu-attempts'), '1');
        assert.ok(response.headers.get('x-tampu-request-id'));
    });

    test(`${how}: a stream says what the plain answer says`, async () => {
        const plain = await client.chat.completions.create(ask(model, 'write 20 words'));
        const { chunks, text } = await collect(await client.chat.completions.create(
            ask(model, 'write 20 words', { stream: true, stream_options: { include_usage: true } })));
        assert.equal(text, plain.choices[0].message.content);
        assert.ok(chunks.length > 20, `${chunks.length} chunks`);
        assert.equal(chunks[0].choices[0].delta.role, 'assistant');
        assert.ok(chunks.every((c) => c.object === 'chat.completion.chunk' && c.id === chunks[0].id));
        const finished = chunks.filter((c) => c.choices[0]?.finish_reason);
        assert.deepEqual(finished.map((c) => c.choices[0].finish_reason), ['stop']);
        const last = chunks.at(-1);
        assert.deepEqual(last.choices, []);
        assert.equal(last.usage.completion_tokens, plain.usage.completion_tokens);
        assert.equal(last.usage.prompt_tokens, plain.usage.prompt_tokens);
    });

    test(`${how}: a stream without include_usage has none, and a choice in every chunk`, async () => {
        const { chunks } = await collect(await client.chat.completions.create(
            ask(model, 'write 3 words', { stream: true })));
        assert.ok(chunks.every((c) => c.choices.length === 1 && !c.usage));
    });

    test(`${how}: the library's own helper puts the stream together`, async () => {
        const stream = client.chat.completions.stream(ask(model, 'write 9 words'));
        const heard = [];
        stream.on('content', (delta) => heard.push(delta));
        const whole = await stream.finalChatCompletion();
        assert.equal(heard.join(''), whole.choices[0].message.content);
        assert.match(whole.choices[0].message.content, / n=9 /);
    });

    test(`${how}: max_tokens cuts the answer, and says so`, async () => {
        const answer = await client.chat.completions.create(ask(model, 'write 90 words', { max_tokens: 5 }));
        assert.equal(answer.choices[0].finish_reason, 'length');
        assert.equal(answer.usage.completion_tokens, 5);
    });

    test(`${how}: a tool is called, and its result answered`, async () => {
        const asked = ask(model, 'please call weather', { tools: [WEATHER] });
        const first = await client.chat.completions.create(asked);
        assert.equal(first.choices[0].finish_reason, 'tool_calls');
        const [call] = first.choices[0].message.tool_calls;
        assert.equal(call.type, 'function');
        assert.equal(call.function.name, 'weather');
        const args = JSON.parse(call.function.arguments);
        assert.equal(typeof args.city, 'string');
        assert.ok(Number.isInteger(args.days));

        asked.messages.push(first.choices[0].message,
            { role: 'tool', tool_call_id: call.id, content: '{"sky": "clear"}' });
        const second = await client.chat.completions.create(asked);
        assert.equal(second.choices[0].finish_reason, 'stop');
        assert.match(second.choices[0].message.content, /^\[\S+ m=3 i=0 t=1 /);
    });

    test(`${how}: a tool call arrives in a stream`, async () => {
        const stream = client.chat.completions.stream(ask(model, 'please call weather', { tools: [WEATHER] }));
        const message = await stream.finalMessage();
        assert.equal(message.tool_calls.length, 1);
        assert.equal(message.tool_calls[0].function.name, 'weather');
        assert.ok(message.tool_calls[0].id);
        assert.equal(typeof JSON.parse(message.tool_calls[0].function.arguments).city, 'string');
    });

    test(`${how}: JSON in the form of a schema`, async () => {
        const answer = await client.chat.completions.create(ask(model, 'anything', {
            response_format: {
                type: 'json_schema',
                json_schema: { name: 'w', schema: WEATHER.function.parameters },
            },
        }));
        const value = JSON.parse(answer.choices[0].message.content);
        assert.equal(typeof value.city, 'string');
        assert.ok(Number.isInteger(value.days));
    });

    test(`${how}: text completion, plain and streaming`, async () => {
        const asked = { model, prompt: 'write 6 words' };
        const plain = await client.completions.create(asked);
        assert.equal(plain.object, 'text_completion');
        assert.match(plain.choices[0].text, / n=6 /);
        assert.equal(plain.choices[0].finish_reason, 'stop');
        let text = '';
        for await (const c of await client.completions.create({ ...asked, stream: true })) {
            text += c.choices[0]?.text ?? '';
        }
        assert.equal(text, plain.choices[0].text);
    });

    test(`${how}: leaving a stream stops the engine`, async () => {
        const machine = model === DESK ? 'desk' : 'shelf';
        const stream = await client.chat.completions.create(ask(model, 'write 20000 words', { stream: true }));
        for await (const chunk of stream) {
            if (chunk.choices[0]?.delta.content) break;   // leaving the loop aborts the request
        }
        await waitUntil(async () => (await gateway.engine(machine)).loaded.every((m) => m.busy === 0));
        await waitUntil(async () => await gateway.counter('tampu_running', `"${machine}"`) === 0);
        const { choices } = await client.chat.completions.create(ask(model, 'write 2 words'));
        assert.equal(choices[0].finish_reason, 'stop');
    });
}

test('embeddings: numbers, and the base64 that the library asks for by itself, are the same', async () => {
    const input = ['a llama', 'two llamas'];
    const numbers = await client.embeddings.create({ model: EMBED, input, encoding_format: 'float' });
    const decoded = await client.embeddings.create({ model: EMBED, input });
    assert.equal(numbers.object, 'list');
    assert.deepEqual(numbers.data.map((d) => d.index), [0, 1]);
    assert.equal(numbers.data[0].embedding.length, 768);
    assert.notDeepEqual(numbers.data[0].embedding, numbers.data[1].embedding);
    assert.ok(numbers.usage.prompt_tokens > 0);
    for (const i of [0, 1]) {
        assert.deepEqual(decoded.data[i].embedding, Array.from(Float32Array.from(numbers.data[i].embedding)));
    }
    const raw = await client.embeddings.create({ model: EMBED, input, encoding_format: 'base64' });
    assert.equal(typeof raw.data[0].embedding, 'string');
    assert.equal(Buffer.from(raw.data[0].embedding, 'base64').length, 768 * 4);
});

test('models: all are listed, each can be looked up', async () => {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    for (const name of [DESK, SHELF, EMBED]) assert.ok(names.includes(name), name);
    const model = await client.models.retrieve(DESK);
    assert.equal(model.id, DESK);
    assert.equal(model.object, 'model');
    assert.ok(Number.isInteger(model.created));
});
