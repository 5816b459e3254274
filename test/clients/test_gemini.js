// Google's own library asks: the fleet answers as Gemini would, whatever engine is behind a name.
'use strict';
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { GoogleGenAI, FunctionCallingConfigMode } = require('@google/genai');
const { start, errorOf, waitUntil, DESK, SHELF, EMBED } = require('./gateway.js');

const BOTH = { Ollama: DESK, 'llama-server': SHELF };
const PNG = 'iVBORw0KGgo=';
const SCHEMA = {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city', 'days'],
};
const WEATHER = {
    name: 'weather', description: 'The weather in a city.', parametersJsonSchema: SCHEMA,
};

let gateway, client;

before(async () => {
    gateway = await start();
    client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: gateway.url } });
});
after(() => gateway.stop());

async function collect(stream) {
    const pieces = [];
    for await (const piece of stream) pieces.push(piece);
    return pieces;
}

const text = (pieces) => pieces.map((p) => p.text ?? '').join('');

for (const [how, model] of Object.entries(BOTH)) {
    test(`${how}: chat`, async () => {
        const answer = await client.models.generateContent({ model, contents: 'write 7 words' });
        assert.match(answer.text, /^\[qwen2\.5:\d+b m=1 i=0 t=0 n=7 #\w{8}\]( \w+){7}\.$/);
        assert.equal(answer.candidates.length, 1);
        assert.equal(answer.candidates[0].finishReason, 'STOP');
        assert.equal(answer.candidates[0].content.role, 'model');
        assert.equal(answer.modelVersion, model);
        assert.ok(answer.responseId);
        const usage = answer.usageMetadata;
        assert.ok(usage.promptTokenCount > 0 && usage.candidatesTokenCount > 0);
        assert.equal(usage.totalTokenCount, usage.promptTokenCount + usage.candidatesTokenCount);
    });

    test(`${how}: a stream says what the plain answer says`, async () => {
        const asked = { model, contents: 'write 20 words' };
        const plain = await client.models.generateContent(asked);
        const pieces = await collect(await client.models.generateContentStream(asked));
        assert.ok(pieces.length > 20, `${pieces.length} pieces`);
        assert.equal(text(pieces), plain.text);
        const finished = pieces.filter((p) => p.candidates[0].finishReason);
        assert.deepEqual(finished, [pieces.at(-1)]);
        assert.equal(pieces.at(-1).usageMetadata.candidatesTokenCount,
            plain.usageMetadata.candidatesTokenCount);
    });

    test(`${how}: the same stream as one JSON array`, async () => {
        const response = await fetch(
            `${gateway.url}/v1beta/models/${model}:streamGenerateContent?key=none`, {
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify({ contents: [{ parts: [{ text: 'write 9 words' }] }] }),
            });
        assert.match(response.headers.get('content-type'), /^application\/json/);
        const pieces = await response.json();
        assert.ok(pieces.length > 9);
        const said = pieces.map((p) => p.candidates[0].content.parts[0].text).join('');
        assert.match(said, /^\[qwen2\.5:\d+b m=1 .* n=9 #\w{8}\] .*\.$/);
    });

    test(`${how}: the library's own chat remembers`, async () => {
        const chat = client.chats.create({ model, config: { systemInstruction: 'Be brief.' } });
        await chat.sendMessage({ message: 'write 2 words' });
        const second = await chat.sendMessage({ message: 'write 3 words' });
        assert.match(second.text, /^\[\S+ m=4 /);
        assert.equal(chat.getHistory().length, 4);
    });

    test(`${how}: a tool is called, and its result answered`, async () => {
        const contents = [{ role: 'user', parts: [{ text: 'please call weather' }] }];
        const config = { tools: [{ functionDeclarations: [WEATHER] }] };
        const first = await client.models.generateContent({ model, contents, config });
        const [call] = first.functionCalls;
        assert.equal(call.name, 'weather');
        assert.equal(typeof call.args.city, 'string');
        assert.ok(Number.isInteger(call.args.days));

        contents.push(first.candidates[0].content, { role: 'user', parts: [{
            functionResponse: { id: call.id, name: call.name, response: { sky: 'clear' } } }] });
        const second = await client.models.generateContent({ model, contents, config });
        assert.match(second.text, /^\[\S+ m=3 i=0 t=1 /);
    });

    test(`${how}: a tool call arrives in a stream`, async () => {
        const pieces = await collect(await client.models.generateContentStream({
            model, contents: 'please call weather',
            config: { tools: [{ functionDeclarations: [WEATHER] }] } }));
        const calls = pieces.flatMap((p) => p.functionCalls ?? []);
        assert.equal(calls.length, 1);
        assert.equal(typeof calls[0].args.city, 'string');
    });

    test(`${how}: JSON in the form of a schema, in both forms of schemas`, async () => {
        const google = { type: 'OBJECT', properties: { city: { type: 'STRING' },
            days: { type: 'INTEGER' } }, required: ['city', 'days'] };
        for (const schema of [{ responseJsonSchema: SCHEMA }, { responseSchema: google }]) {
            const answer = await client.models.generateContent({ model, contents: 'anything',
                config: { responseMimeType: 'application/json', ...schema } });
            assert.ok(Number.isInteger(JSON.parse(answer.text).days), answer.text);
        }
    });

    test(`${how}: maxOutputTokens cuts the answer, and says so`, async () => {
        const answer = await client.models.generateContent({ model, contents: 'write 90 words',
            config: { maxOutputTokens: 5 } });
        assert.equal(answer.candidates[0].finishReason, 'MAX_TOKENS');
        assert.equal(answer.usageMetadata.candidatesTokenCount, 5);
    });

    test(`${how}: what no engine can do is refused by its name`, async () => {
        const asked = [
            [{ contents: [{ role: 'user', parts: [
                { fileData: { fileUri: 'gs://x', mimeType: 'image/png' } }] }] }, /fileData/],
            [{ contents: 'hi', config: { tools: [{ googleSearch: {} }] } }, /googleSearch|tools/],
            [{ contents: 'hi', config: { candidateCount: 2 } }, /candidateCount/],
            [{ contents: 'hi', config: { cachedContent: 'cachedContents/x' } }, /cachedContent/],
            [{ contents: [{ role: 'user', parts: [
                { inlineData: { data: PNG, mimeType: 'image/png' } }] }] }, /vision/],
        ];
        for (const [request, words] of asked) {
            const error = await errorOf(client.models.generateContent({ model, ...request }));
            assert.equal(error.status, 400);
            assert.match(error.message, words);
        }
    });

}

test('tokens are counted, roughly where the engine cannot', async () => {
    const { totalTokens } = await client.models.countTokens({ model: DESK,
        contents: 'a prompt of some words' });
    assert.ok(totalTokens > 3 && totalTokens < 30, `${totalTokens}`);
});

test('a tool must be called where the engine can be made to', async () => {
    const config = {
        tools: [{ functionDeclarations: [WEATHER] }],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
    };
    const answer = await client.models.generateContent({ model: SHELF, contents: 'hi', config });
    assert.equal(answer.functionCalls[0].name, 'weather');
    const error = await errorOf(
        client.models.generateContent({ model: DESK, contents: 'hi', config }));
    assert.equal(error.status, 400);
    assert.match(error.message, /tool/);
});

test('embeddings', async () => {
    const one = await client.models.embedContent({ model: EMBED, contents: 'a llama' });
    assert.equal(one.embeddings[0].values.length, 768);
    const two = await client.models.embedContent({ model: EMBED, contents: ['a llama', 'two'] });
    assert.deepEqual(two.embeddings[0].values, one.embeddings[0].values);
    assert.equal(two.embeddings.length, 2);
});

test('models: all are listed, each can be looked up', async () => {
    const names = [];
    for await (const model of await client.models.list()) names.push(model.name);
    for (const name of [DESK, SHELF, EMBED]) assert.ok(names.includes(`models/${name}`), name);
    const model = await client.models.get({ model: DESK });
    assert.equal(model.name, `models/${DESK}`);
    assert.equal(model.inputTokenLimit, 8192);
    const error = await errorOf(client.models.get({ model: 'nothing' }));
    assert.equal(error.status, 404);
});

test('errors are in the form that the library reads', async () => {
    const error = await errorOf(client.models.generateContent({ model: 'nothing', contents: 'hi' }));
    assert.equal(error.status, 404);
    assert.equal(JSON.parse(error.message).error.status, 'NOT_FOUND');
    assert.match(error.message, /there is no model/);
});

test('a machine that is cut off in mid-stream is an error, not an end', async () => {
    await gateway.imagine({ machine: 'shelf', do: 'cut', after_tokens: 5 });
    try {
        const stream = await client.models.generateContentStream(
            { model: SHELF, contents: 'write 90 words' });
        const error = await errorOf(collect(stream));
        assert.match(error.message, /UNAVAILABLE|lost/);
    } finally {
        await gateway.imagine({ machine: 'shelf', do: 'revive' });
    }
});

test('a key of the library opens the gateway, another does not', async () => {
    const own = await start({ require_keys: true });
    try {
        const { key } = await own.key('--name', 'laptop');
        const url = { baseUrl: own.url };
        const good = new GoogleGenAI({ apiKey: key, httpOptions: url });
        await waitUntil(async () => good.models.get({ model: DESK }).then(() => true, () => false));
        const bad = new GoogleGenAI({ apiKey: 'tampu-wrong', httpOptions: url });
        const error = await errorOf(bad.models.generateContent({ model: DESK, contents: 'hi' }));
        assert.equal(error.status, 401);
        assert.match(error.message, /UNAUTHENTICATED/);
        const answer = await fetch(`${own.url}/v1beta/models?key=${key}`);
        assert.equal(answer.status, 200);
    } finally {
        await own.stop();
    }
});
