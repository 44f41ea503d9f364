// From an empty gateway to a call that is seen in the log, as a person does it in the browser, in both languages.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Gateway, waitFor } from '../harness/gateway.mjs';
import { launch, PASSWORD, Portal } from './portal.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const [locale, lang] of [['en-US', 'en'], ['zh-CN', 'zh-CN']]) {
  test(`set up, configure, call, see it (${locale})`, async () => {
    const gateway = await Gateway.start({ apply: false });
    const portal = await Portal.open(browser, gateway, { locale });
    const { page } = portal;
    const look = async (where) => {
      await portal.isWellFormed(where, lang);
      await portal.isAccessible(where);
    };
    try {
      await portal.setUp();
      await look('first steps of an empty gateway');
      await portal.go('/admin/home');
      await look('overview of an empty gateway');

      await portal.go('/admin/config/providers');
      await look('no provider');
      await portal.go('/admin/config/providers/new');
      await portal.fill('name', 'acme');
      await portal.fill('base_url', `${gateway.simUrl}/v1`);
      await portal.fill('label', 'main');
      await portal.fill('secret', 'sk-up-canary-browser');
      await look('new provider');
      await portal.submit('base_url');
      await page.waitForURL(/\/admin\/config\/providers\/(?!new)[^/]+$/);
      await look('provider');

      await page.locator('form[action$="/test"] button').click();
      const offer = page.locator('#test-result form button');
      await offer.waitFor();
      await look('provider whose list of models proves no key');
      await offer.click();
      await page.locator('#test-result .mg-notice-success').waitFor();
      await look('provider after its test');

      await page.locator('form[action$="/models/fetch"] button').click();
      await page.locator('input[type="checkbox"][value="sim-chat"]').check();
      await look('models of the provider');
      await page.locator('main form', { has: page.locator('input[value="sim-chat"]') }).locator('button[type="submit"]').last().click();
      await waitFor('the model', async () => {
        await portal.go('/admin/config/models');
        return (await page.locator('main table').innerText().catch(() => '')).includes('sim-chat');
      });
      await look('models');

      await page.getByRole('link', { name: 'sim-chat', exact: true }).click();
      await page.locator('[name="input"]').fill('0.15');
      await page.locator('[name="output"]').fill('0.60');
      await portal.submit('output');
      await look('model');

      await portal.go('/admin/api-keys/new');
      await portal.fill('name', 'alice');
      await page.locator('[name="all_models"]').check();
      await look('new key');
      await portal.submit('all_models');
      const shown = page.locator('#new-key');
      await shown.waitFor();
      const key = /sk-mg-[0-9A-Za-z_-]+/.exec((await shown.innerHTML()).replace(/\s+/g, ' '))[0];
      await look('the key, once');
      await portal.go('/admin/api-keys');
      assert.ok(!(await page.content()).includes(key), 'the key is shown once');
      await look('keys');

      const request = await waitFor('the key to work', async () => {
        const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'sim-chat', messages: [{ role: 'user', content: 'Hello' }] }),
        });
        await answer.text();
        return answer.ok && answer.headers.get('x-request-id');
      }, 5_000);

      await waitFor('the record', async () => {
        await portal.go('/admin/logs');
        return (await page.content()).includes(request);
      }, 5_000);
      await look('request log');
      const link = page.locator(`main a[href*="${request}"]`).first();
      await link.click();
      await page.locator('main, dialog[open]').getByText(request).first().waitFor();
      await look('request');
      const words = await page.locator('body').innerText();
      for (const part of ['alice', 'acme', 'sim-chat', '200']) assert.ok(words.includes(part), `the detail says ${part}`);

      await portal.go('/admin/home');
      await look('overview');
      for (const path of ['/admin/system-config', '/account']) {
        await portal.go(path);
        await look(path);
      }

      await page.locator('form[action$="/logout"] button').evaluate((button) => button.form.requestSubmit());
      await page.waitForURL(/\/(login)?(\?|$)/);
      await page.goto(`${gateway.url}/admin/home`);
      assert.match(page.url(), /\/login/, 'logged out is logged out');
      assert.ok(!gateway.output().includes(PASSWORD), 'no password in the log');
      await portal.close();
    } finally {
      await portal.context.close();
      await gateway.stop();
    }
  });
}
