// Anthropic's own library asks models that it was not made for, and gets what it was made for.
'use strict';
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const Anthropic = require('@anthropic-ai/sdk');
const { start, errorOf, DESK, SHELF } = require('./gateway.js');

const EYES = 'L-LOC-FRE-qwen2.5-vl-72b';
const EYED = `
  eyes:
    hardware: {cpu: i9-12900K, gpu: 2x RTX 5090, ram: 256 GB}
    engines: [ollama]
    models: [{pull: "qwen2.5vl:72b", name: ${EYES}, context: 8K}]
`;
const BOTH = { Ollama: DESK, 'llama-server': SHELF };
const WEATHER = {
    name: 'weather',
    description: 'The weather in a city.',
    input_schema: {
        type: 'object',
        properties: { city: { type: 'string' }, days: { type: 'integer' } },
        required: ['city', 'days'],
    },
};
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let gateway, client;

before(async () => {
    gateway = await start({ body_max: '64 KiB' }, EYED);
    client = new Anthropic({ baseURL: gateway.url, apiKey: 'none', maxRetries: 0 });
});
after(() => gateway.stop());

function ask(model, words, more = {}) {
    return { model, max_tokens: 200, messages: [{ role: 'user', content: words }], ...more };
}

for (const [engine, model] of Object.entries(BOTH)) {
    test(`${engine}: a message`, async () => {
        const { data, response } = await client.messages.create(ask(model, 'write 7 words')).withResponse();
        assert.equal(data.type, 'message');
        assert.equal(data.role, 'assistant');
        assert.equal(data.model, model);
        assert.equal(data.stop_reason, 'end_turn');
        assert.equal(data.stop_sequence, null);
        assert.equal(data.content.length, 1);
        assert.match(data.content[0].text, /^\[qwen2\.5:\d+b m=1 i=0 t=0 n=7 #\w{8}\]( \w+){7}\.$/);
        assert.ok(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
        assert.equal(data._request_id, response.headers.get('x-tampu-request-id'));
        assert.equal(response.headers.get('x-tampu-machine'), model === DESK ? 'desk' : 'shelf');
    });

    test(`${engine}: what the system says, in several parts, is heard`, async () => {
        const system = [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } },
            { type: 'text', text: 'Be brief.' }];
        const { data, response } = await client.messages
            .create(ask(model, 'write 3 words', { system })).withResponse();
        assert.match(data.content[0].text, / m=2 /);
        assert.equal(response.headers.get('x-tampu-dropped'), 'cache_control');
    });

    test(`${engine}: a stream says what the plain answer says`, async () => {
        const plain = await client.messages.create(ask(model, 'write 20 words'));
        const events = [];
        let text = '';
        for await (const event of await client.messages.create(ask(model, 'write 20 words', { stream: true }))) {
            events.push(event.type);
            if (event.type === 'content_block_delta') text += event.delta.text;
        }
        assert.equal(text, plain.content[0].text);
        assert.equal(events[0], 'message_start');
        assert.deepEqual(events.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
        assert.equal(events.filter((type) => type === 'content_block_start').length, 1);
        assert.ok(events.filter((type) => type === 'content_block_delta').length > 20);
    });

    test(`${engine}: the library's own helper puts the stream together`, async () => {
        const stream = client.messages.stream(ask(model, 'write 9 words'));
        const heard = [];
        stream.on('text', (piece) => heard.push(piece));
        const whole = await stream.finalMessage();
        assert.equal(heard.join(''), whole.content[0].text);
        assert.equal(whole.stop_reason, 'end_turn');
        assert.ok(whole.usage.input_tokens > 0 && whole.usage.output_tokens > 0);
    });

    test(`${engine}: max_tokens cuts the answer, and says so`, async () => {
        const answer = await client.messages.create(ask(model, 'write 90 words', { max_tokens: 5 }));
        assert.equal(answer.stop_reason, 'max_tokens');
        assert.equal(answer.usage.output_tokens, 5);
    });

    for (const how of ['plain', 'streaming']) {
        test(`${engine}, ${how}: a tool is called, and its result answered`, async () => {
            const asked = ask(model, 'please call weather', { tools: [WEATHER] });
            const first = how === 'plain' ? await client.messages.create(asked)
                : await client.messages.stream(asked).finalMessage();
            assert.equal(first.stop_reason, 'tool_use');
            const call = first.content.find((block) => block.type === 'tool_use');
            assert.equal(call.name, 'weather');
            assert.ok(call.id);
            assert.equal(typeof call.input.city, 'string');
            assert.ok(Number.isInteger(call.input.days));

            asked.messages.push({ role: 'assistant', content: first.content }, {
                role: 'user',
                content: [{ type: 'tool_result', tool_use_id: call.id, content: '{"sky": "clear"}' }],
            });
            const second = await client.messages.create(asked);
            assert.equal(second.stop_reason, 'end_turn');
            assert.match(second.content[0].text, /^\[\S+ m=3 i=0 t=1 /);
        });
    }

    test(`${engine}: JSON in the form of a schema`, async () => {
        const answer = await client.messages.create(ask(model, 'anything', {
            output_config: { format: { type: 'json_schema', schema: WEATHER.input_schema } },
        }));
        const value = JSON.parse(answer.content[0].text);
        assert.equal(typeof value.city, 'string');
        assert.ok(Number.isInteger(value.days));
    });
}

test('a picture goes where eyes are; one that must be fetched is refused by name', async () => {
    const shown = (source) => [{ role: 'user', content: [{ type: 'image', source }, { type: 'text', text: 'write 2 words' }] }];
    const seen = await client.messages.create(ask(EYES, '', {
        messages: shown({ type: 'base64', media_type: 'image/png', data: PIXEL }) }));
    assert.match(seen.content[0].text, / i=1 /);
    const error = await errorOf(client.messages.create(ask(EYES, '', {
        messages: shown({ type: 'url', url: 'https://example.org/a.png' }) })));
    assert.ok(error instanceof Anthropic.BadRequestError, error);
    assert.match(error.message, /url/);
});

test('tokens are counted: an estimate where no engine can', async () => {
    const { data, response } = await client.messages.countTokens(
        { model: DESK, messages: [{ role: 'user', content: 'twelve bytes' }] }).withResponse();
    assert.equal(data.input_tokens, 3);
    assert.equal(response.headers.get('x-tampu-estimated'), 'input_tokens');
});

test('models: all are listed, each can be looked up', async () => {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    for (const name of [DESK, SHELF, EYES]) assert.ok(names.includes(name), name);
    const model = await client.models.retrieve(DESK);
    assert.equal(model.type, 'model');
    assert.equal(model.id, DESK);
    assert.ok(Date.parse(model.created_at) > 0);
});

test('errors are the library\'s own', async () => {
    const wrong = [
        [() => client.messages.create(ask('nobody:7b', 'hi')), Anthropic.NotFoundError, 'not_found_error'],
        [() => client.models.retrieve('nobody:7b'), Anthropic.NotFoundError, 'not_found_error'],
        [() => client.messages.create({ model: DESK, max_tokens: 5, messages: 'hi' }), Anthropic.BadRequestError, 'invalid_request_error'],
        [() => client.messages.create(ask(DESK, 'hi', { max_tokens: undefined })), Anthropic.BadRequestError, 'invalid_request_error'],
        [() => client.messages.create(ask(DESK, 'hi', { container: 'c' })), Anthropic.BadRequestError, 'invalid_request_error'],
        [() => client.messages.create(ask(DESK, 'x'.repeat(100000))), Anthropic.APIError, 'request_too_large'],
    ];
    for (const [asker, kind, type] of wrong) {
        const error = await errorOf(asker());
        assert.ok(error instanceof kind, error);
        assert.equal(error.error.type, 'error');
        assert.equal(error.error.error.type, type, error.message);
    }
});

test('an engine that fails in the middle of a stream is an error, not an end', async () => {
    await gateway.imagine({ machine: 'desk', do: 'cut', after_tokens: 5 });
    const error = await errorOf(client.messages.stream(ask(DESK, 'write 50 words')).finalMessage());
    assert.ok(error instanceof Anthropic.APIError, error);
    assert.match(error.message, /lost|closed|cut/);
    await gateway.imagine({ machine: 'desk', do: 'revive' });
});

test('a key comes in x-api-key or as a bearer; a wrong one is AuthenticationError', async () => {
    const own = await start({ require_keys: true });
    try {
        const { key } = await own.key('--name', 'anthropic');
        const ways = [{ apiKey: key }, { apiKey: null, authToken: key }];
        for (const way of ways) {
            const known = new Anthropic({ baseURL: own.url, maxRetries: 0, ...way });
            const deadline = Date.now() + 20000;
            let answer;
            while (!answer) {
                answer = await known.messages.create(ask(DESK, 'write 2 words')).catch((error) => {
                    // until the key is known to the gateway
                    assert.ok(Date.now() < deadline && [401, 403].includes(error.status), error);
                });
            }
            assert.equal(answer.stop_reason, 'end_turn');
        }
        const wrong = new Anthropic({ baseURL: own.url, apiKey: 'tampu-wrong', maxRetries: 0 });
        const error = await errorOf(wrong.messages.create(ask(DESK, 'hi')));
        assert.ok(error instanceof Anthropic.AuthenticationError, error);
    } finally {
        await own.stop();
    }
});
