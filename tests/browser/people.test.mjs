// What people do in a day: without JavaScript, with the keyboard alone, as somebody who may only look, and while
// things happen.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { ALICE, Gateway, waitFor } from '../harness/gateway.mjs';
import { ADMIN, launch, makeCalls, PASSWORD, Portal } from './portal.mjs';

const VIEWER = 'vera';

let browser;
let gateway;

before(async () => {
  browser = await launch();
  gateway = await Gateway.start({ settings: { ADMIN_USERS: `${ADMIN}:${PASSWORD}` } });
  await makeCalls(gateway, ALICE);
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

/** The rows of the log, once there are any. */
async function rows(portal, path) {
  return waitFor('rows of the log', async () => {
    await portal.go(path);
    return portal.page.locator('main table tbody tr').count();
  });
}

test('without JavaScript: edit a provider, filter the log, choose columns, keep a view, export', () =>
  withPortal({ javaScriptEnabled: false }, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/config/providers');
    await page.getByRole('link', { name: 'acme', exact: true }).click();
    await portal.fill('display_name', 'Acme on paper');
    await portal.submit('base_url');
    assert.equal(await page.locator('main [name="display_name"]').first().inputValue(), 'Acme on paper');

    await rows(portal, '/admin/logs');
    await page.locator('select[name="status"]').selectOption('success');
    await portal.submit('q');
    assert.match(page.url(), /status=success/);
    const seen = await page.locator('main table tbody').innerText();
    assert.doesNotMatch(seen, /rate limited|cancelled/);

    await page.locator('summary', { hasText: 'Columns' }).click();
    const columns = page.locator('form', { has: page.locator('[name="column"]') }).first();
    await columns.locator('[value="client"]').check();
    await columns.locator('[value="cost"]').uncheck();
    await columns.locator('button[type="submit"]').click();
    const heads = await page.locator('main table thead').innerText();
    assert.ok(heads.includes('Client') && !heads.includes('Cost'), heads);
    assert.match(page.url(), /status=success/, 'the filter is kept');

    await page.locator('summary', { hasText: 'Views' }).click();
    await portal.fill('name', 'Paper view');
    await page.locator('main [name="opens"]').check();
    await portal.submit('opens');
    await portal.go('/admin/logs');
    assert.match(page.url(), /column=client/, 'the log opens with the view');
    await page.locator('summary', { hasText: 'Paper view' }).click();
    await page.getByRole('button', { name: 'Delete view Paper view' }).click();
    await portal.go('/admin/logs');
    assert.doesNotMatch(page.url(), /column=/);

    await page.locator('summary', { hasText: 'Export' }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^CSV/ }).click()]);
    assert.match(file.suggestedFilename(), /^modelgate-calls-.*\.csv$/);
    const text = readFileSync(await file.path(), 'utf8');
    assert.ok(text.includes('\r\nreq_') && !text.includes(ALICE));
  }));

test('who may only look reads everything and is offered nothing', () =>
  withPortal({}, async (portal, page) => {
    await portal.logIn();
    await portal.go('/admin/users/new');
    await portal.fill('username', VIEWER);
    await page.locator('main [name="role"]').selectOption('viewer');
    await portal.submit('username');
    const link = /\/setup\/[\w-]+/.exec(await page.locator('main').innerText())[0];
    await page.context().clearCookies();
    await portal.go(link);
    await portal.fill('password', PASSWORD);
    await portal.fill('password_again', PASSWORD);
    await page.locator('main button[type="submit"]').click();
    await waitFor('the viewer to be in', async () => {
      await page.goto(`${gateway.url}/admin/home`);
      if (/\/login/.test(page.url())) {
        await portal.fill('username', VIEWER);
        await portal.fill('password', PASSWORD);
        await page.locator('main button[type="submit"]').click();
      }
      return /\/admin\/home/.test(page.url());
    });
    for (const list of ['/admin/config/providers', '/admin/config/models', '/admin/api-keys']) {
      await portal.go(list);
      await page.locator('main tbody a').first().click();
      await page.waitForLoadState('load');
      const fields = page.locator('main form[method="post"] :is(input:not([type="hidden"]), select, textarea)');
      assert.ok((await fields.count()) > 3, `${list}: the values are there`);
      for (const field of await fields.all()) assert.ok(await field.isDisabled(), `${list}: ${await field.evaluate((f) => f.outerHTML)}`);
      assert.equal(await page.locator('main form[method="post"] button[type="submit"]:visible').count(), 0, list);
      await portal.isAccessible(`${list} as a viewer`);
    }
    await rows(portal, '/admin/logs?view=all');
    await page.locator('summary', { hasText: 'Views' }).click();
    assert.equal(await page.locator('main [name="shared"]').count(), 0, 'a viewer shares nothing');
    await portal.go('/admin/audit');
    assert.ok((await page.locator('main table tbody').innerText()).includes(VIEWER));
  }));

/** Presses Tab until the element has the focus. */
async function tabTo(page, selector) {
  for (let n = 0; n < 120; n += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
  }
  assert.fail(`the keyboard does not reach ${selector}`);
}

test('with the keyboard alone: make a key, edit a provider, read a request, change the columns', () =>
  withPortal({}, async (portal, page) => {
    await portal.logIn();
    await page.keyboard.press('g');
    await page.keyboard.press('k');
    await page.waitForURL(/\/admin\/api-keys/);
    await tabTo(page, 'a[href$="/admin/api-keys/new"]');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/new$/);
    await tabTo(page, '[name="name"]');
    await page.keyboard.type('by keyboard');
    await tabTo(page, '[name="all_models"]');
    if (!(await page.locator('[name="all_models"]').isChecked())) await page.keyboard.press('Space');
    await tabTo(page, 'main form .btn-primary[type="submit"]');
    await page.keyboard.press('Enter');
    await page.locator('#new-key').waitFor();

    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.waitForURL(/\/providers/);
    await tabTo(page, 'main table a');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/providers\/\d+/);
    await tabTo(page, '[name="display_name"]');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Typed');
    await tabTo(page, 'form:has([name="display_name"]) .btn-primary[type="submit"]');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('[name="display_name"]').defaultValue === 'Typed');

    await rows(portal, '/admin/logs?view=all');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.name), 'q', 'slash finds the search');
    await tabTo(page, 'main table a');
    await page.keyboard.press('Enter');
    await page.locator('.mg-drawer:not(:empty)').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.mg-drawer:not(:empty)').waitFor({ state: 'detached' });
    assert.ok(await page.evaluate(() => document.activeElement.matches('main table a')), 'the focus comes back');
    await page.locator('main summary').nth(1).focus();
    await page.keyboard.press('Enter');
    await tabTo(page, '[name="column"][value="session"]');
    await page.keyboard.press('Space');
    await tabTo(page, 'form:has([name="column"]) button[type="submit"]');
    await page.keyboard.press('Enter');
    await page.waitForURL(/column=session/);
  }));

test('the log follows what happens, and waits while somebody reads', () =>
  withPortal({}, async (portal, page) => {
    await portal.logIn();
    await rows(portal, '/admin/logs?view=all');
    await page.getByRole('link', { name: 'Follow live' }).click();
    await page.locator('[data-live][data-streams]').waitFor();
    await page.mouse.move(2, 2);
    const call = () => fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ALICE}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-x', messages: [{ role: 'user', content: 'Hello' }] }),
    }).then(async (answer) => [await answer.text(), answer.headers.get('x-request-id')][1]);
    const first = await call();
    await page.locator(`main table a[href*="${first}"]`).waitFor();
    await page.getByText('1 request ended since').waitFor();
    assert.equal(await page.locator('[role="status"] #p-news').count(), 1, 'the number is announced');
    await portal.isAccessible('the log that follows');

    await page.locator(`main table a[href*="${first}"]`).click();
    await page.locator('.mg-drawer', { hasText: first }).waitFor();
    assert.match(page.url(), /live=1/, 'a row that came by itself opens beside the list');
    await page.keyboard.press('Escape');

    // under the pointer nothing moves, but the number is told
    await page.locator('main table tbody tr').first().hover();
    await page.evaluate(() => document.activeElement.blur());
    const second = await call();
    await page.getByText('2 requests ended since').waitFor();
    assert.equal(await page.locator(`main table a[href*="${second}"]`).count(), 0);
    await page.mouse.move(2, 2);
    const third = await call();
    await page.locator(`main table a[href*="${third}"]`).waitFor();

    await page.locator('[data-pause]').check();
    await page.locator('[data-live][data-streams]').waitFor({ state: 'detached' });
  }));
