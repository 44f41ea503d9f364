// The pictures of the READMEs: the demo's main pages in both themes, as WebP. Run by scripts/screenshots.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort, waitFor } from '../harness/gateway.mjs';
import { launch } from './portal.mjs';

/** Name, path, and who looks: the operator or the holder of a key. */
const PICTURES = [
  ['overview', '/admin/home?range=7d', 'operator'],
  ['request', '/admin/logs?status=failed', 'operator'],
  ['monitor', '/admin/monitor?range=7d', 'operator'],
  ['portal', '/user/dashboard?range=7d', 'holder'],
];
const LARGEST = 60_000;
const VIEW = { width: 1280, height: 800 };

const folder = process.argv[2];
const port = await freePort();
const home = mkdtempSync(join(tmpdir(), 'modelgate-pictures-'));
const env = { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home, HOST: '127.0.0.1', PORT: String(port), DRAIN_DELAY: '0' };
const demo = spawn(process.env.MODELGATE_BIN, ['demo'], { env, cwd: home, stdio: ['ignore', 'pipe', 'inherit'] });
const gone = new Promise((resolve) => demo.once('exit', resolve));
let said = '';
demo.stdout.on('data', (text) => { said += text; });
const url = `http://127.0.0.1:${port}`;
let browser;

/** Sends the first form of a page. */
async function enter(page, path, fields) {
  await page.goto(url + path);
  for (const [name, value] of Object.entries(fields)) await page.locator(`main [name="${name}"]`).fill(value);
  await page.locator('main button[type="submit"]').click();
  await page.waitForURL((now) => !now.pathname.endsWith('/login'));
}

/** A picture small enough to stand in a README. */
async function take(page, name) {
  const session = await page.context().newCDPSession(page);
  for (const quality of [82, 70, 55, 40]) {
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality });
    const path = join(folder, `${name}.webp`);
    writeFileSync(path, Buffer.from(data, 'base64'));
    if (statSync(path).size <= LARGEST) {
      console.log(`${path}: ${statSync(path).size} bytes`);
      return;
    }
  }
  assert.fail(`${name} is larger than ${LARGEST} bytes`);
}

try {
  await waitFor('the demo', () => {
    assert.equal(demo.exitCode, null, `the demo ended:\n${said}`);
    return said.includes('API key');
  }, 120_000);
  const [, username, password] = /Login\s+(\S+) \/ (\S+)/.exec(said);
  const key = /API key\s+(\S+)/.exec(said)[1];
  browser = await launch();
  // The people of the demo call every few seconds; a key that has not called shows an empty portal.
  for (let n = 0; n < 6; n += 1) {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'atlas-mini', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    await answer.text();
  }
  await sleep(2_000);
  for (const colorScheme of ['light', 'dark']) {
    const contexts = {};
    for (const who of ['operator', 'holder']) {
      const context = await browser.newContext({ locale: 'en-US', timezoneId: 'UTC', viewport: VIEW, colorScheme, reducedMotion: 'reduce' });
      contexts[who] = await context.newPage();
    }
    await enter(contexts.operator, '/login', { username, password });
    await enter(contexts.holder, '/user/login', { key });
    for (const [name, path, who] of PICTURES) {
      const page = contexts[who];
      const answer = await page.goto(url + path);
      assert.equal(answer.status(), 200, path);
      if (name === 'request') {
        await page.locator('main table a').first().click();
        await page.locator('.mg-drawer h2').waitFor();
      }
      await page.mouse.move(2, 2);
      await page.evaluate(() => document.activeElement?.blur());
      await sleep(600);
      await take(page, `${name}-${colorScheme}`);
    }
    for (const page of Object.values(contexts)) await page.context().close();
  }
} finally {
  await browser?.close();
  demo.kill('SIGTERM');
  await Promise.race([gone, sleep(15_000, undefined, { ref: false })]);
  if (demo.exitCode === null) demo.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
}
