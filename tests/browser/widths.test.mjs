// Every page of the console between a phone and a desk, in both languages, with names as long as names may be.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Gateway, waitFor } from '../harness/gateway.mjs';
import { launch, PASSWORD, Portal } from './portal.mjs';

const WIDTHS = [375, 768, 820, 1024, 1280];
const MODEL = `${'m'.repeat(100)}${'W'.repeat(100)}`;
const CHINESE = '没有空格的很长的名字'.repeat(10);
const LATIN = 'k'.repeat(100);
const PROVIDER = 'p'.repeat(64);
const USER = 'u'.repeat(64);
const KEY = 'sk-mg-canary-long-0123456789abcdef';
const NAMES = `
[[providers]]
name = "${PROVIDER}"
display_name = "${CHINESE}"
protocol = "openai"
base_url = "http://SIMULATOR/v1"
keys = [{ label = "${CHINESE}", secret = "sk-up-canary-8c1f5a" }]
[[models]]
name = "${MODEL}"
display_name = "${CHINESE}"
kind = "chat"
targets = [{ provider = "${PROVIDER}", upstream_model = "sim-${'0'.repeat(190)}" }]
[[api_keys]]
name = "${CHINESE}"
secret = "${KEY}"
models = ["*"]
tags = ["${'标'.repeat(40)}", "${'t'.repeat(40)}"]
[[api_keys]]
name = "${LATIN}"
secret = "sk-mg-canary-kkkk-0123456789abcdef"
models = ["${MODEL}"]
`;
const FORMS = ['/admin/api-keys/new', '/admin/config/models/new', '/admin/config/errors/new', '/admin/users/new', '/admin/start', '/account'];
const COLUMNS = ['status', 'model', 'key', 'asked', 'error', 'fault', 'input', 'output', 'cost', 'tries', 'queue', 'total', 'session', 'address', 'client'];

let browser;
let gateway;
let request;

before(async () => {
  browser = await launch();
  gateway = await Gateway.start({ settings: { ADMIN_USERS: `${USER}:${PASSWORD}` } });
  const usual = readFileSync(fileURLToPath(new URL('../harness/gateway.toml', import.meta.url)), 'utf8');
  gateway.apply(usual + NAMES);
  const call = (model) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
  await waitFor('the key', async () => (await call('gpt-x')).status === 200);
  for (const model of ['busy', 'broken', 'picky', 'n'.repeat(200), MODEL, MODEL, MODEL]) request = (await call(model)).headers.get('x-request-id');
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** The pages of the menu, those of the things with long names, and some more. */
async function pages(portal, page) {
  const found = await page.locator('#menu a[data-go]').evaluateAll((links) => links.map((a) => new URL(a.href).pathname));
  for (const [list, name] of [['/admin/config/providers', PROVIDER], ['/admin/config/models', MODEL], ['/admin/api-keys', CHINESE], ['/admin/api-keys', LATIN]]) {
    await portal.go(list);
    found.push(new URL(await page.locator('main tbody a', { hasText: name }).first().evaluate((a) => a.href)).pathname);
  }
  const provider = found.find((path) => /providers\/\d+$/.test(path));
  return [...found, `${provider}/selftest`, `/admin/logs/${request}`, `/admin/logs?${COLUMNS.map((name) => `column=${name}`).join('&')}`, ...FORMS];
}

/** What stands beyond the window where nothing can be scrolled to it. */
function outside() {
  const scrolls = (e) => e && (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const room = document.documentElement.clientWidth + 1;
  const seen = [...document.querySelectorAll('main *')].filter((e) => !e.closest('svg, .mg-custom:not([open]), details:not([open])') && e.getBoundingClientRect().width > 0);
  return seen.filter((e) => e.getBoundingClientRect().right > room && !scrolls(e.parentElement)).map((e) => e.outerHTML.slice(0, 120));
}

for (const [locale, colorScheme] of [['en-US', 'light'], ['zh-CN', 'dark']]) {
  test(`long names and every width leave every page within its window (${locale})`, async () => {
    const portal = await Portal.open(browser, gateway, { locale, colorScheme });
    const { page } = portal;
    await portal.go('/login');
    await portal.fill('username', USER);
    await portal.fill('password', PASSWORD);
    await page.locator('main button[type="submit"]').click();
    await page.waitForURL(/\/admin\/home/);
    for (const path of await pages(portal, page)) {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await portal.go(path);
        await page.evaluate(() => document.querySelectorAll('main details:not(.mg-custom)').forEach((details) => { details.open = true; }));
        await portal.fits(`${path} at ${width}`);
        for (const html of (await page.evaluate(outside)).slice(0, 3)) portal.complaints.push(`${path} at ${width}: beyond the window: ${html}`);
      }
    }
    await portal.close();
  });
}

test('a wide table scrolls in its own box', async () => {
  const portal = await Portal.open(browser, gateway, { viewport: { width: 820, height: 900 } });
  const { page } = portal;
  await portal.go('/login');
  await portal.fill('username', USER);
  await portal.fill('password', PASSWORD);
  await page.locator('main button[type="submit"]').click();
  await page.waitForURL(/\/admin\/home/);
  await portal.go('/admin/logs');
  const box = page.locator('#p-rows');
  const moved = await box.evaluate((e) => { e.scrollLeft = 10_000; return [e.scrollLeft, e.scrollWidth - e.clientWidth]; });
  assert.ok(moved[0] > 0 && Math.abs(moved[0] - moved[1]) <= 1, `all of it can be reached: ${moved}`);
  await portal.close();
});

test('a name that is cut is told whole under the pointer, with the focus and to who listens', async () => {
  const portal = await Portal.open(browser, gateway, {});
  const { page } = portal;
  await portal.go('/login');
  await portal.fill('username', USER);
  await portal.fill('password', PASSWORD);
  await page.locator('main button[type="submit"]').click();
  await page.waitForURL(/\/admin\/home/);
  await portal.go('/admin/monitor');
  const link = page.locator('main a.mg-list-line', { hasText: MODEL }).first();
  const name = link.locator('.mg-clip');
  const isCut = () => name.evaluate((e) => e.scrollWidth > e.clientWidth);
  assert.ok(await isCut());
  await name.hover();
  assert.equal(await name.getAttribute('title'), MODEL);
  await page.keyboard.press('Tab');
  await link.focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  assert.equal(await isCut(), false, 'with the focus there is room for all of it');
  assert.match(await link.innerText(), new RegExp(MODEL), 'it is all in the text');
  await portal.close();
});
