// A browser on the portal, which notes everything that a careful person would complain about.

import assert from 'node:assert/strict';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

export const ADMIN = 'anna';
export const PASSWORD = 'canary-browser-Passw0rd';

/** Starts Chromium: CHROMIUM_PATH, or where Debian puts it. */
export function launch() {
  const args = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  // Chromium's own sandbox refuses to run as root.
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  return chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium', args });
}

/** One person's browser window. `complaints` fills with script errors, refused content and requests to other origins. */
export class Portal {
  static async open(browser, gateway, options = {}) {
    const made = new Portal();
    made.gateway = gateway;
    made.complaints = [];
    made.context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 }, ...options });
    made.page = await made.context.newPage();
    made.page.setDefaultTimeout(15_000);
    made.page.on('pageerror', (error) => {
      // Chromium's own note on a page left before its view transition began.
      if (!error.message.startsWith('Transition was ')) made.complaints.push(`script error: ${error.message}`);
    });
    made.page.on('console', (message) => {
      // A refused form is a 4xx on purpose, and Chromium reports it.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) made.complaints.push(`console: ${message.text()}`);
    });
    made.page.on('request', (request) => {
      if (!request.url().startsWith(gateway.url) && !request.url().startsWith('data:')) made.complaints.push(`asked elsewhere: ${request.url()}`);
    });
    made.page.on('response', (response) => {
      if (response.status() >= 500) made.complaints.push(`${response.status()} from ${response.url()}`);
    });
    return made;
  }

  async go(path) {
    const answer = await this.page.goto(this.gateway.url + path);
    assert.ok(answer.ok(), `${path}: ${answer.status()}`);
  }

  fill(name, value) {
    return this.page.locator(`main [name="${name}"]:visible`).first().fill(value);
  }

  /** Sends the form that holds the field `name`, and waits for the page that follows. */
  async submit(name) {
    const form = this.page.locator('main form').filter({ has: this.page.locator(`[name="${name}"]`) }).first();
    await Promise.all([this.page.waitForLoadState('load'), form.locator('button[type="submit"]').last().click()]);
  }

  /** Chooses the first administrator through the link on the console. */
  async setUp() {
    const link = /https?:\/\/\S+(\/setup\/\S+)/.exec(this.gateway.output());
    assert.ok(link, `no set-up link in:\n${this.gateway.output()}`);
    await this.go(link[1]);
    await this.fill('username', ADMIN);
    await this.fill('password', PASSWORD);
    await this.fill('password_again', PASSWORD);
    await this.page.locator('main button[type="submit"]').click();
    await this.page.waitForURL(/\/admin\/start/);
  }

  async logIn() {
    await this.go('/login');
    await this.fill('username', ADMIN);
    await this.fill('password', PASSWORD);
    await this.page.locator('main button[type="submit"]').click();
    await this.page.waitForURL(/\/admin\/home/);
  }

  /** Notes what axe finds on the present page. */
  async isAccessible(where) {
    const { violations } = await new AxeBuilder({ page: this.page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
    for (const { id, help, nodes } of violations) {
      for (const { html, failureSummary } of nodes.slice(0, 4)) {
        this.complaints.push(`axe, ${where}: ${id}: ${help}: ${html.slice(0, 200)} ${failureSummary?.split('\n')[1] ?? ''}`);
      }
    }
  }

  /** One heading of the first level, a title that names the product, the language of the page. */
  async isWellFormed(where, lang) {
    assert.equal(await this.page.locator('h1').count(), 1, `${where}: one h1`);
    assert.match(await this.page.title(), /^.+ - ModelGate$/, where);
    assert.equal(await this.page.locator('html').getAttribute('lang'), lang, where);
    // A key without a text is shown as itself.
    const words = await this.page.locator('body').innerText();
    assert.doesNotMatch(words, /\b(admin|user|public|error|action|state|status|unit|menu)-[a-z]+-[a-z-]+\b/, `${where}: a text is missing`);
  }

  /** Notes a page that scrolls sideways. */
  async fits(where) {
    const [inner, scroll] = await this.page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
    if (scroll > inner) this.complaints.push(`${where}: ${scroll} px wide in a window of ${inner}`);
  }

  /** Closes the window, and fails with everything that was noted. */
  async close() {
    await this.context.close();
    assert.equal(this.complaints.length, 0, `\n${[...new Set(this.complaints)].join('\n')}`);
  }
}

/** Calls of every kind, so that the pages have something to show; gives the id of the last. */
export async function makeCalls(gateway, key) {
  const call = (model, more = {}) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...more }),
    }).then(async (answer) => [answer, await answer.text()]);
  for (const model of ['failover', 'busy', 'broken', 'picky', 'private', 'gpt-x']) await call(model);
  await call('steady', { stream: true });
  const [answer] = await call('gpt-x');
  return answer.headers.get('x-request-id');
}
