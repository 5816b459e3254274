// Every failure is one of the library's own errors, so that programs can tell them apart.
'use strict';
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const OpenAI = require('openai');
const { start, waitUntil, errorOf, DESK, SHELF } = require('./gateway.js');

const BOTH = { translated: DESK, 'passed through': SHELF };

let gateway, client;

before(async () => {
    gateway = await start({ body_max: '64 KiB', queue_max: '0', breaker_cooldown: '200ms' });
    client = gateway.client();
});
after(() => gateway.stop());

function ask(model, words, more = {}) {
    return { model, messages: [{ role: 'user', content: words }], ...more };
}

function create(model, words, more) {
    return client.chat.completions.create(ask(model, words, more));
}

// Every error has OpenAI's four fields, so what programs read is there.
function assertWords(error) {
    assert.equal(typeof error.error.message, 'string');
    assert.ok(error.error.message.length > 10);
    assert.equal(typeof error.type, 'string');
    assert.equal(typeof error.code, 'string');
}

test('a model that nobody has is NotFoundError', async () => {
    const askers = [() => create('nobody:7b', 'hello'), () => client.models.retrieve('nobody:7b')];
    for (const asker of askers) {
        const error = await errorOf(asker());
        assert.ok(error instanceof OpenAI.NotFoundError, error);
        assert.equal(error.status, 404);
        assert.equal(error.code, 'model_not_found');
        assert.match(error.message, /nobody:7b/);
    }
});

test('an endpoint that does not exist is NotFoundError', async () => {
    const error = await errorOf(client.post('/nowhere', { body: {} }));
    assert.ok(error instanceof OpenAI.NotFoundError, error);
    assertWords(error);
});

for (const [how, model] of Object.entries(BOTH)) {
    const wrong = {
        'messages that are none': { messages: 'hello' },
        'a message without role': { messages: [{ content: 'hello' }] },
    };
    for (const [what, more] of Object.entries(wrong)) {
        test(`${how}: ${what} is BadRequestError`, async () => {
            const error = await errorOf(client.chat.completions.create({ model, ...more }));
            assert.ok(error instanceof OpenAI.BadRequestError, error);
            assert.equal(error.status, 400);
        });
    }
}

test('what cannot be translated is BadRequestError that names the field', async () => {
    const error = await errorOf(create(DESK, 'hello', { n: 2 }));
    assert.ok(error instanceof OpenAI.BadRequestError, error);
    assert.match(error.message, /\bn\b/);
    assertWords(error);
});

test('a body that is no JSON is BadRequestError', async () => {
    const error = await errorOf(client.post('/chat/completions', {
        body: '{"model": ', headers: { 'content-type': 'application/json' },
    }));
    assert.ok(error instanceof OpenAI.BadRequestError, error);
    assertWords(error);
});

test('a body that is too large is an APIError with status 413', async () => {
    for (const letters of [70e3, 5e6]) {
        const error = await errorOf(create(DESK, 'x'.repeat(letters)));
        assert.ok(error instanceof OpenAI.APIError, error);
        assert.equal(error.status, 413, `${letters} letters: ${error}`);
        assertWords(error);
    }
});

for (const [how, model] of Object.entries(BOTH)) {
    test(`${how}: more than may wait is RateLimitError, and says when to come back`, async () => {
        const stream = await create(model, 'write 20000 words', { stream: true });
        const error = await errorOf(create(model, 'hello'));
        assert.ok(error instanceof OpenAI.RateLimitError, error);
        assert.equal(error.status, 429);
        assert.ok(Number(error.headers.get('retry-after')) >= 1);
        assertWords(error);
        stream.controller.abort();
        // Node 18 forgets to abort what it has collected as garbage: leaving the loop closes it, too.
        for await (const chunk of stream) break;
        await waitUntil(async () => await gateway.counter('tampu_running') === 0);
    });

    test(`${how}: a stream that is cut ends in an APIError, after what had been said`, async () => {
        const machine = model === DESK ? 'desk' : 'shelf';
        await gateway.imagine({ machine, do: 'cut', after_tokens: 5 });
        let text = '';
        const error = await errorOf((async () => {
            for await (const chunk of await create(model, 'write 50 words', { stream: true })) {
                text += chunk.choices[0]?.delta.content ?? '';
            }
        })());
        assert.ok(error instanceof OpenAI.APIError, error);
        assert.ok(!(error instanceof OpenAI.APIConnectionError), error);
        assert.ok(text.length > 0);
        assert.match(error.message, /lost|closed|ended/);
        await gateway.imagine({ machine, do: 'revive' });
    });
}

test('a machine that is gone is InternalServerError, and the library may try again', async () => {
    await gateway.imagine({ machine: 'shelf', do: 'die' });
    const error = await errorOf(create(SHELF, 'hello'));
    assert.ok(error instanceof OpenAI.InternalServerError, error);
    assert.ok(error.status === 502 || error.status === 503, error);
    assertWords(error);
    await gateway.imagine({ machine: 'shelf', do: 'revive' });
    const patient = gateway.client({ maxRetries: 5 });
    const { choices } = await patient.chat.completions.create(ask(SHELF, 'write 2 words'));
    assert.equal(choices[0].finish_reason, 'stop');
});

test('a key that nobody gave out is AuthenticationError', async () => {
    const strict = await start({ require_keys: 'true' });
    try {
        const locked = await errorOf(strict.client().models.list());
        assert.ok(locked instanceof OpenAI.PermissionDeniedError, locked);
        const { key } = await strict.key('--name', 'test');
        const invited = strict.client({ apiKey: key });
        await waitUntil(() => invited.models.list().then(() => true, () => false));
        const error = await errorOf(strict.client().models.list());
        assert.ok(error instanceof OpenAI.AuthenticationError, error);
        assert.equal(error.status, 401);
        assertWords(error);
        const { choices } = await invited.chat.completions.create(ask(DESK, 'write 2 words'));
        assert.equal(choices[0].finish_reason, 'stop');
    } finally {
        await strict.stop();
    }
});
