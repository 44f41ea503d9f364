// The portal in the dark, on a phone, with the keyboard alone, and without JavaScript.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ALICE, Gateway, waitFor } from '../harness/gateway.mjs';
import { ADMIN, launch, makeCalls, PASSWORD, Portal } from './portal.mjs';

// The pages of the menu are looked at besides.
const FORMS = ['/admin/api-keys/new', '/admin/config/providers/new?vendor=moonshot', '/admin/config/errors/new', '/admin/start', '/account'];
const PHONE = { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true };
// Every theme with every language and every width, two by two.
const LOOKS = [
  ['light, English, wide', 'en', { colorScheme: 'light' }],
  ['dark, Chinese, wide', 'zh-CN', { colorScheme: 'dark', locale: 'zh-CN' }],
  ['dark, English, phone', 'en', { colorScheme: 'dark', ...PHONE }],
  ['light, Chinese, phone', 'zh-CN', { colorScheme: 'light', locale: 'zh-CN', ...PHONE }],
];

let browser;
let gateway;
let request;

before(async () => {
  browser = await launch();
  gateway = await Gateway.start({ settings: { ADMIN_USERS: `${ADMIN}:${PASSWORD}` } });
  request = await makeCalls(gateway, ALICE);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** A window that is closed, and judged, at the end of the test. */
async function withPortal(options, body) {
  const portal = await Portal.open(browser, gateway, options);
  try {
    await body(portal, portal.page);
    await portal.close();
  } finally {
    await portal.context.close();
  }
}

/** The detail of the last call, and of the things that were configured. */
async function details(portal) {
  const paths = [];
  for (const list of ['/admin/config/providers', '/admin/config/models', '/admin/api-keys']) {
    await portal.go(list);
    paths.push(new URL(await portal.page.locator('main tbody a').first().evaluate((a) => a.href)).pathname);
  }
  await waitFor('the record', async () => {
    await portal.go('/admin/logs');
    return (await portal.page.content()).includes(request);
  });
  const link = portal.page.locator(`main a[href*="${request}"]`).first();
  paths.push(await link.evaluate((a) => new URL(a.href).pathname + new URL(a.href).search));
  return paths;
}

/** The pages that the menu leads to. */
function menu(page) {
  return page.locator('#menu a[data-go]').evaluateAll((links) => links.map((a) => new URL(a.href).pathname));
}

for (const [look, lang, options] of LOOKS) {
  test(`every page passes axe and fits its window (${look})`, () =>
    withPortal(options, async (portal, page) => {
      const visit = async (path) => {
        await portal.go(path);
        await portal.isWellFormed(path, lang);
        await portal.isAccessible(`${path} (${look})`);
        await portal.fits(`${path} (${look})`);
      };
      for (const path of ['/', '/login', '/user/login']) await visit(path);
      await portal.go('/user/login');
      await portal.fill('key', ALICE);
      await page.locator('main button[type="submit"]').click();
      await page.waitForURL(/\/user\/dashboard/);
      const own = await menu(page);
      assert.ok(own.includes('/user/playground'), `${own}`);
      for (const path of own) await visit(path);
      await page.context().clearCookies();
      await portal.logIn();
      const all = await menu(page);
      assert.ok(all.includes('/admin/storage'), `${all}`);
      for (const path of [...all, ...FORMS, ...(await details(portal))]) await visit(path);
    }));
}

test('the theme switch wins over the system and lasts', () =>
  withPortal({ colorScheme: 'light' }, async (portal, page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await portal.go('/login');
    const light = await background();
    await page.locator('button[name="theme"][value="dark"]').first().click();
    await page.waitForFunction(() => document.documentElement.dataset.bsTheme === 'dark');
    assert.notEqual(await background(), light);
    await portal.go('/');
    assert.equal(await page.locator('html').getAttribute('data-bs-theme'), 'dark');
  }));

test('the language switch keeps the address', () =>
  withPortal({}, async (portal, page) => {
    await portal.go('/login?to=/admin/logs');
    await page.locator('button[name="lang"][value="zh"]').first().click();
    await page.waitForFunction(() => document.documentElement.lang === 'zh-CN');
    assert.match(page.url(), /\/login\?to=\/admin\/logs$/);
  }));

test('the menu of a phone', () =>
  withPortal(PHONE, async (portal, page) => {
    await portal.logIn();
    await page.locator('[popovertarget="menu"]').first().click();
    await page.locator('#menu a[href$="/admin/api-keys"]').click();
    await page.waitForURL(/\/admin\/api-keys/);
  }));

test('the keyboard alone', () =>
  withPortal({}, async (portal, page) => {
    await portal.go('/login');
    // the first field takes the focus by itself
    await page.locator('[name="username"]:focus').waitFor();
    await page.keyboard.type(ADMIN);
    assert.equal(await page.inputValue('[name="username"]'), ADMIN);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/admin\/home/);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '#main', 'the skip link comes first');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await page.keyboard.press('?');
    await page.locator('dialog#keys[open]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog#keys[open]').waitFor({ state: 'detached' });
    const row = page.locator('#menu a[data-go]').filter({ hasNot: page.locator('[aria-current]') }).nth(1);
    const [letter, href] = await row.evaluate((a) => [a.dataset.go, a.getAttribute('href')]);
    await page.keyboard.press('g');
    await page.keyboard.press(letter);
    await page.waitForURL((url) => url.pathname === href);
  }));

test('focus is always visible', () =>
  withPortal({}, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/api-keys/new');
    for (let step = 0; step < 25; step += 1) {
      await page.keyboard.press('Tab');
      const seen = await page.evaluate(() => {
        const { activeElement: at } = document;
        if (!at || at === document.body) return 'body';
        const style = getComputedStyle(at);
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        return ring || style.boxShadow !== 'none' ? 'ring' : at.outerHTML.slice(0, 120);
      });
      assert.ok(['ring', 'body'].includes(seen), `no focus ring on ${seen}`);
    }
  }));

test('revoking asks first, and Escape keeps the key', () =>
  withPortal({}, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/api-keys');
    await page.getByRole('link', { name: 'root', exact: true }).click();
    const opener = page.locator('main a[href$="/revoke"]');
    await opener.click();
    await page.locator('dialog#dialog[open]').waitFor();
    assert.match(await page.locator('dialog#dialog').innerText(), /root/);
    await portal.isAccessible('confirm dialog');
    await page.keyboard.press('Escape');
    await page.locator('dialog#dialog[open]').waitFor({ state: 'detached' });
    await portal.go('/admin/api-keys');
    assert.ok(await page.getByRole('link', { name: 'root', exact: true }).isVisible());
  }));

test('keys are found while their name is typed, and what is done to ticked ones stays in sight', () =>
  withPortal({ viewport: { width: 1024, height: 420 } }, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/api-keys');
    const rows = page.locator('#results tbody tr');
    const all = await rows.count();
    assert.ok(all > 1, 'several keys');
    const bulk = page.locator('fieldset.mg-bulk');
    const inSight = () => bulk.evaluate((e) => { const { top, bottom } = e.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight + 1; });
    assert.equal(await inSight(), false, 'a long page');
    await rows.first().locator('[name="id"]').check();
    assert.equal(await inSight(), true);
    await page.locator('[name="q"]').pressSequentially('root');
    await page.waitForFunction((n) => document.querySelectorAll('#results tbody tr').length < n, all);
    assert.ok(await page.getByRole('link', { name: 'root', exact: true }).isVisible());
    assert.match(page.url(), /[?&]q=root/);
    assert.equal(await page.evaluate(() => document.activeElement.name), 'q', 'one types on');

    await portal.go('/admin/audit');
    const deeds = await rows.count();
    await page.locator('[name="object"]').pressSequentially('nothing of this name');
    await page.waitForFunction((n) => document.querySelectorAll('#results tbody tr').length < n, deeds);
    assert.match(page.url(), /[?&]object=nothing/);
  }));

test('without JavaScript: log in, make a key, refuse a bad form, revoke the key', () =>
  withPortal({ javaScriptEnabled: false }, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/config/providers/new');
    await portal.fill('name', 'Not A Slug');
    await portal.fill('base_url', 'http://127.0.0.1:1/v1');
    await portal.submit('base_url');
    assert.equal(await page.locator('[name="base_url"]').inputValue(), 'http://127.0.0.1:1/v1', 'what was typed is kept');
    assert.ok(await page.locator('[name="name"][aria-invalid="true"]').count());

    await portal.go('/admin/api-keys/new');
    await portal.fill('name', 'paper');
    await page.locator('[name="all_models"]').check();
    await portal.submit('all_models');
    assert.match(await page.locator('#new-key').innerHTML(), /sk-mg-/);

    await portal.go('/admin/api-keys');
    await page.getByRole('link', { name: 'paper', exact: true }).click();
    await page.locator('main a[href$="/revoke"]').click();
    assert.match(await page.locator('main').innerText(), /paper/);
    await page.locator('main form button[type="submit"]').last().click();
    await portal.go('/admin/api-keys');
    assert.equal(await page.getByRole('link', { name: 'paper', exact: true }).count(), 0);
  }));

test('filters live in the address', () =>
  withPortal({}, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/logs?status=success');
    const rows = await page.locator('main table tbody tr').count();
    assert.ok(rows > 0, 'successes are listed');
    const all = await page.locator('main table tbody').innerText();
    assert.doesNotMatch(all, /rate limited|cancelled/);
  }));

test('a chat in the playground streams, can be stopped, and shows what it took', () =>
  withPortal({}, async (portal, page) => {
    await portal.go('/user/login');
    await portal.fill('key', ALICE);
    await page.locator('main button[type="submit"]').click();
    await page.waitForURL(/\/user\/dashboard/);
    await portal.go('/user/playground?model=steady');
    await portal.fill('message', 'Hello <b>there</b>');
    await page.keyboard.press('Control+Enter');
    await page.locator('[data-receipt] p').waitFor();
    assert.match(await page.locator('[data-receipt]').last().innerText(), /success .* tokens in/s);
    await page.locator('.mg-turn-assistant .mg-prose').waitFor();
    assert.ok((await page.locator('.mg-turn-assistant [data-said]').innerText()).length > 0);
    assert.equal(await page.locator('.mg-turn b').count(), 0, 'text is text');
    await portal.isAccessible('an answer in the playground');
    await page.locator('[value="code"]').click();
    await page.locator('pre').first().waitFor();
    assert.match(await page.locator('pre').first().innerText(), /Hello <b>there/);
    assert.equal(await page.locator('.mg-turn').count(), 2, 'the conversation goes on');
    await portal.go('/user/playground?model=slow');
    await portal.fill('message', 'Wait for it');
    await page.locator('[data-send]').click();
    await page.locator('.mg-turn-assistant .mg-said:not(:empty)').waitFor();
    await page.locator('[data-stop]').click();
    await page.getByText('Stopped. The call was cancelled').waitFor();
    await page.locator('[data-receipt] p').waitFor();
    assert.match(await page.locator('[data-receipt]').last().innerText(), /cancelled/);
  }));

test('without JavaScript the playground brings the whole answer', () =>
  withPortal({ javaScriptEnabled: false }, async (portal, page) => {
    await portal.go('/user/login');
    await portal.fill('key', ALICE);
    await page.locator('main button[type="submit"]').click();
    await portal.go('/user/playground?model=gpt-x');
    await portal.fill('message', 'Hello');
    await page.locator('[data-send]').click();
    await page.locator('.mg-turn-assistant').waitFor();
    assert.match(await page.locator('main').innerText(), /tokens in/);
  }));
