// OpenAI's own library: sound, images and responses, in front of imagined engines.
'use strict';
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
globalThis.File ??= require('node:buffer').File; // Node 18 hides it, and the library wants it
const { toFile } = require('openai');
const { start, errorOf, waitUntil, DESK, SHELF } = require('./gateway.js');

const HEAR = 'XS-LOC-FRE-whisper-large-v3-turbo';
const DRAW = 'M-LOC-FRE-flux-schnell';
const SPEAK = 'XS-LOC-FRE-kokoro';
const FILM = 'XS-LOC-FRE-wan2.1-t2v-1.3b';
const STUDIO = `
  studio:
    hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}
    engines:
      - {kind: whisper-server, args: [--inference-path, /v1/audio/transcriptions]}
      - sd-server
      - {kind: sd-server, name: sd-video, port: 1235}
      - openai
    models:
      - {pull: whisper-large-v3-turbo, name: ${HEAR}, engine: whisper-server}
      - {pull: flux-schnell-q8_0, name: ${DRAW}, engine: sd-server}
      - {pull: wan2.1-t2v-1.3b-q8_0, name: ${FILM}, engine: sd-video}
      - {pull: kokoro, name: ${SPEAK}, engine: openai}
`;
const WAV = Buffer.concat([Buffer.from('RIFF'), Buffer.alloc(64000, 7)]);
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const SAID = /^\[\S+whisper\S* m=1 i=0 t=0 n=\d+ #\w{8}\] /;

let gateway, client;

before(async () => {
    gateway = await start({}, STUDIO.slice(1));
    client = gateway.client();
});
after(() => gateway.stop());

async function hear(more = {}) {
    return client.audio.transcriptions.create(
        { model: HEAR, file: await toFile(WAV, 'hallo.wav'), ...more });
}

test('a transcript as JSON', async () => {
    const heard = await hear({ language: 'de', prompt: 'Lamas' });
    assert.match(heard.text, SAID);
});

test('a transcript as text, subtitles and with times', async () => {
    assert.match((await hear({ response_format: 'text' })).trim(), SAID);
    assert.match(await hear({ response_format: 'srt' }), /^1\n00:00:00,000 --> /);
    assert.match(await hear({ response_format: 'vtt' }), /^WEBVTT\n/);
    const verbose = await hear({ response_format: 'verbose_json', timestamp_granularities: ['segment'] });
    assert.equal(verbose.task, 'transcribe');
    assert.equal(verbose.duration, 2.000125);
});

test('a transcript as a stream', async () => {
    const whole = await hear();
    const types = [];
    let text = '';
    for await (const event of await hear({ stream: true })) {
        types.push(event.type);
        if (event.type === 'transcript.text.delta') text += event.delta;
        if (event.type === 'transcript.text.done') assert.equal(event.text, whole.text);
    }
    assert.equal(text, whole.text);
    assert.equal(types.at(-1), 'transcript.text.done');
});

test('a translation', async () => {
    const heard = await client.audio.translations.create(
        { model: HEAR, file: await toFile(WAV, 'hallo.wav'), response_format: 'verbose_json' });
    assert.equal(heard.task, 'translate');
    assert.match(heard.text, SAID);
});

test('the same sound is heard the same by whoever hears it', async () => {
    assert.deepEqual(await hear(), await hear());
});

test('speech', async () => {
    const answer = await client.audio.speech.create(
        { model: SPEAK, voice: 'af_heart', input: 'Good morning.', response_format: 'wav' });
    const sound = Buffer.from(await answer.arrayBuffer());
    assert.equal(answer.headers.get('content-type'), 'audio/wav');
    assert.equal(answer.headers.get('x-tampu-machine'), 'studio');
    assert.equal(sound.toString('latin1', 0, 4), 'RIFF');
    assert.equal(sound.readUInt32LE(4) + 8, sound.length);
});

test('images', async () => {
    const made = await client.images.generate({ model: DRAW, prompt: 'a llama', n: 2, size: '512x512' });
    assert.equal(made.data.length, 2);
    assert.deepEqual(Buffer.from(made.data[0].b64_json, 'base64'), PNG);
});

test('images as a stream', async () => {
    const types = [];
    for await (const event of await client.images.generate({ model: DRAW, prompt: 'a llama', stream: true })) {
        types.push(event.type);
        assert.deepEqual(Buffer.from(event.b64_json, 'base64'), PNG);
    }
    assert.deepEqual(types, ['image_generation.completed']);
});

test('images from images', async () => {
    const made = await client.images.edit({
        model: DRAW, prompt: 'with a hat', image: [await toFile(PNG, 'a.png'), await toFile(PNG, 'b.png')],
    });
    assert.deepEqual(Buffer.from(made.data[0].b64_json, 'base64'), PNG);
});

test('a video, from words to bytes', async () => {
    let video = await client.videos.create({ model: FILM, prompt: 'a llama runs', seconds: '4', size: '64x64' });
    assert.match(video.id, /^video_/);
    assert.equal(video.status, 'queued');
    await waitUntil(async () => {
        video = await client.videos.retrieve(video.id);
        return video.status === 'completed';
    });
    assert.equal(video.progress, 100);
    const answer = await client.videos.downloadContent(video.id);
    const bytes = Buffer.from(await answer.arrayBuffer());
    assert.equal(answer.headers.get('content-type'), 'video/webm');
    assert.equal(bytes.toString('hex', 0, 4), '1a45dfa3');
    const error = await errorOf(client.videos.retrieve(`${video.id}x`));
    assert.equal(error.status, 404);
});

test('what no copy can do is refused by the name of the ability', async () => {
    const errors = await Promise.all([
        errorOf(hear({ model: DRAW })),
        errorOf(client.images.generate({ model: DESK, prompt: 'x' })),
        errorOf(client.audio.speech.create({ model: HEAR, input: 'x', voice: 'y' })),
        errorOf(client.moderations.create({ model: DESK, input: 'x' })),
    ]);
    const lacking = [/transcribe/, /image/, /speech/, /moderation/];
    errors.forEach((error, i) => {
        assert.equal(error.status, 400);
        assert.equal(error.code, 'unsupported');
        assert.match(error.message, lacking[i]);
    });
});

test('a machine that dies with the sound in its hands', async () => {
    await gateway.imagine({ machine: 'studio', do: 'error' });
    const error = await errorOf(hear());
    assert.equal(error.status, 502);
    await gateway.imagine({ machine: 'studio', do: 'revive' });
    await gateway.loaded('studio');
});

for (const [how, model] of Object.entries({ 'over Ollama': DESK, 'over llama-server': SHELF })) {
    test(`${how}: a response`, async () => {
        const answer = await client.responses.create({ model, instructions: 'Be brief.', input: 'write 7 words' });
        assert.match(answer.output_text, / m=2 i=0 t=0 n=7 #\w{8}\]( \w+\.?){7}$/);
        assert.equal(answer.status, 'completed');
        assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
    });

    test(`${how}: a response as a stream says what the plain one says`, async () => {
        const plain = await client.responses.create({ model, input: 'write 20 words' });
        const events = [];
        const stream = client.responses.stream({ model, input: 'write 20 words' });
        for await (const event of stream) events.push(event);
        const final = await stream.finalResponse();
        assert.equal(final.output_text, plain.output_text);
        assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
        assert.equal(events[0].type, 'response.created');
        assert.equal(events.at(-1).type, 'response.completed');
        assert.equal(final.usage.total_tokens, plain.usage.total_tokens);
    });

    test(`${how}: a function is called, and its result answered`, async () => {
        const tools = [{
            type: 'function', name: 'weather', strict: true,
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        }];
        const input = [{ role: 'user', content: 'please call weather' }];
        const first = await client.responses.create({ model, input, tools });
        const call = first.output.find((item) => item.type === 'function_call');
        assert.equal(typeof JSON.parse(call.arguments).city, 'string');
        input.push(...first.output, { type: 'function_call_output', call_id: call.call_id, output: 'clear' });
        const second = await client.responses.create({ model, input, tools });
        assert.match(second.output_text, / m=3 i=0 t=1 /);

        const stream = client.responses.stream({ model, input: input.slice(0, 1), tools });
        const streamed = (await stream.finalResponse()).output.find((i) => i.type === 'function_call');
        assert.equal(streamed.arguments, call.arguments);
    });

    test(`${how}: a response that is cut says so`, async () => {
        const answer = await client.responses.create({ model, input: 'write 90 words', max_output_tokens: 16 });
        assert.equal(answer.status, 'incomplete');
        assert.equal(answer.incomplete_details.reason, 'max_output_tokens');
    });
}

test('answers are not kept: a previous response is refused in words', async () => {
    const error = await errorOf(client.responses.create(
        { model: DESK, input: 'and then?', previous_response_id: 'resp_1' }));
    assert.equal(error.status, 400);
    assert.match(error.message, /previous_response_id: answers are not kept here/);
});

test('a stream of a response that breaks off raises an error', async () => {
    await gateway.imagine({ machine: 'desk', do: 'cut', after_tokens: 4 });
    const error = await errorOf((async () => {
        for await (const event of await client.responses.create(
            { model: DESK, input: 'write 50 words', stream: true })) assert.notEqual(event.type, 'response.completed');
    })());
    assert.match(error.message, /lost in the middle|ended/);
    await gateway.imagine({ machine: 'desk', do: 'revive' });
});
