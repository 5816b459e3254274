// Writes docs/screenshots: every view of the demo's dashboard, light, dark and on a phone.
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { chromium } = require('playwright-core');

const ROOT = path.resolve(__dirname, '../..');
const FOLDER = path.join(ROOT, 'docs/screenshots');
const BYTES_MAX = 150 * 1000;
const VIEWS = ['fleet', 'map', 'requests', 'plan', 'usage', 'models', 'drills', 'settings', 'playground'];
const LOOKS = {
    light: { viewport: { width: 1100, height: 680 }, colorScheme: 'light' },
    dark: { viewport: { width: 1100, height: 680 }, colorScheme: 'dark' },
    phone: { viewport: { width: 390, height: 800 }, colorScheme: 'light', hasTouch: true },
};
const JSON_TYPE = { 'content-type': 'application/json' };

async function post(url, where, body) {
    const answer = await fetch(url + where, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) });
    return answer.text();
}

// Something to look at: requests of several categories, a dead machine, a plan, a drill.
async function live(url) {
    for (const [model, words] of [['l-code', 'write 300 words'], ['s-fast', 'write 120 words'], ['xl-code', 'write 200 words'],
        ['general', 'write 90 words'], ['no-such-model', 'hello'], ['reasoning', 'write 150 words']])
        await post(url, '/v1/chat/completions', { model, messages: [{ role: 'user', content: words }] });
    await post(url, '/imagine', { machine: 'evo-x2', do: 'die' });
    await post(url, '/imagine', { machine: 'evo-x2', do: 'revive' });
    await post(url, '/admin/v1/plan', {});
    while ((await (await fetch(`${url}/admin/v1/plan`)).json()).state === 'planning');
    await post(url, '/admin/v1/drills', {});
    while ((await (await fetch(`${url}/admin/v1/drills`)).json()).running);
    await post(url, '/imagine', { machine: 'evo-x2', do: 'die' });
    post(url, '/v1/chat/completions', { model: 'xl-code', messages: [{ role: 'user', content: 'write 4000 words' }] });
}

async function shoot(browser, url, look) {
    const page = await browser.newPage(LOOKS[look]);
    for (const view of VIEWS) {
        await page.goto(`${url}/#/${view}`);
        await page.waitForFunction((name) => document.getElementById('view').dataset.view === name, view);
        await page.waitForFunction(() => !/Asking\.|Waiting for|Every engine is asked/.test(document.getElementById('view').textContent));
        if (view === 'requests') await page.locator('tbody tr', { hasText: 'reasoning' }).locator('button').first().click();
        if (view === 'playground') {
            await page.fill('#words', 'write 60 words about llamas');
            await page.keyboard.press('Enter');
            await page.waitForSelector('.facts');
        }
        await page.waitForLoadState('networkidle', { timeout: 700 }).catch(() => {});
        const file = path.join(FOLDER, `${view}-${look}.png`);
        await page.screenshot({ path: file });
        if (fs.statSync(file).size > BYTES_MAX) throw new Error(`${file} is too large`);
    }
    await page.close();
}

async function main() {
    const child = spawn(process.env.TAMPU || path.join(ROOT, 'build/tampu'), ['demo', '--speed', '20', '--listen', '127.0.0.1:0'],
        { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TAMPU_LOOPBACK_ONLY: '1' } });
    const lines = readline.createInterface({ input: child.stderr });
    const url = await new Promise((ready) => lines.on('line', (line) => {
        const found = line.match(/^tampu: ready on (\S+)$/);
        if (found) ready(found[1]);
    }));
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    try {
        fs.mkdirSync(FOLDER, { recursive: true });
        await live(url);
        for (const look of Object.keys(LOOKS)) await shoot(browser, url, look);
    } finally {
        await browser.close();
        child.kill('SIGTERM');
    }
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
