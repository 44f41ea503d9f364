// Coding agents as people install them, each before vendors of two dialects: one reads a file, writes another and says so. They are set up with the files that the portal gives to the holder of a key.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ALICE, Gateway, waitFor } from '../harness/gateway.mjs';
import { TASK, startVendor } from './vendor.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const MINUTE = 60_000;

const configured = (address) => `
[[providers]]
name = "openais"
protocol = "openai"
base_url = "http://${address}/openai/v1"
keys = [{ label = "main", secret = "sk-up-agents-1" }]

[[providers]]
name = "claudes"
protocol = "anthropic"
base_url = "http://${address}/anthropic"
keys = [{ label = "main", secret = "sk-up-agents-2" }]

[[models]]
name = "gpt-x"
kind = "chat"
context_length = 200000
max_output_tokens = 16384
targets = [{ provider = "openais", upstream_model = "gpt-up" }]

[[models]]
name = "claude-x"
kind = "chat"
context_length = 200000
max_output_tokens = 16384
targets = [{ provider = "claudes", upstream_model = "claude-up" }]

[[api_keys]]
name = "alice"
secret = "${ALICE}"
models = ["*"]
`;

let scratch;
let vendor;
let gateway;
let cookie;

/** Logs in to the portal with the key. */
async function logIn() {
  const at = `${gateway.url}/user/login`;
  const page = await fetch(at);
  const before = page.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())[1];
  const headers = { origin: gateway.url, cookie: before };
  const answer = await fetch(at, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams({ csrf, key: ALICE }) });
  assert.equal(answer.status, 303);
  return answer.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
}

/** The settings of a tool as the portal gives them, with the key where a person would put it. */
async function settings(tool, model) {
  const answer = await fetch(`${gateway.url}/user/tools/${tool}/file?model=${model}`, { headers: { cookie } });
  assert.equal(answer.status, 200);
  return (await answer.text()).replaceAll('YOUR_API_KEY', ALICE);
}

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'modelgate-agents-'));
  vendor = await startVendor();
  gateway = await Gateway.start({ apply: false });
  gateway.apply(configured(vendor.address));
  const headers = { authorization: `Bearer ${ALICE}` };
  await waitFor('the models', async () => (await fetch(`${gateway.url}/v1/models/claude-x`, { headers })).ok);
  cookie = await logIn();
});
after(async () => {
  await gateway?.stop();
  vendor?.stop();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

/** A home and a workspace of an agent's own; `files` go into the home. */
function place(name, files) {
  const home = join(scratch, name);
  const work = join(home, 'work');
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, TASK.given), TASK.content);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  vendor.work(work);
  return { home, work };
}

/** Runs an agent to its end and gives what it said. */
function run(program, args, { home, work }, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(HERE, 'node_modules/.bin', program), args, {
      cwd: work,
      env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1', CI: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MINUTE,
      killSignal: 'SIGKILL',
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (part) => (out += part));
    child.stderr.on('data', (part) => (err += part));
    child.on('error', reject);
    child.on('close', (code, signal) => (code === 0 ? resolve(out) : reject(new Error(`${program} ended with ${code ?? signal}\n${out}\n${err}\n${gateway.output()}`))));
  });
}

/** The task was done by the vendor's model, and nothing else was asked of the gateway in vain. */
function isDone(out, { work }, form) {
  assert.match(out, /Doubled: 42/);
  assert.equal(readFileSync(join(work, TASK.made), 'utf8').trim(), '42');
  assert.deepEqual([...new Set(vendor.asked.splice(0).map((one) => one.form))], [form]);
}

const AGENTS = {
  'Claude Code': async (model, at) => {
    at({ '.claude/settings.json': await settings('claude-code', model) });
    return ['claude', ['-p', TASK.prompt, '--allowedTools', 'Read,Write']];
  },
  'Codex CLI': async (model, at) => {
    at({ '.codex/config.toml': await settings('codex', model) });
    return ['codex', ['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access', TASK.prompt], { MODELGATE_API_KEY: ALICE }];
  },
  'Gemini CLI': async (model, at) => {
    const chosen = { security: { auth: { selectedType: 'gemini-api-key' } } };
    at({ '.gemini/.env': await settings('gemini-cli', model), '.gemini/settings.json': JSON.stringify(chosen) });
    return ['gemini', ['-p', TASK.prompt, '--approval-mode', 'yolo'], { GEMINI_CLI_TRUST_WORKSPACE: 'true' }];
  },
  OpenCode: async (model, at) => {
    at({ '.config/opencode/opencode.json': await settings('opencode', model) });
    return ['opencode', ['run', '--auto', TASK.prompt], { MODELGATE_API_KEY: ALICE }];
  },
};

for (const [name, setUp] of Object.entries(AGENTS)) {
  for (const [model, form, spoken] of [['gpt-x', 'openai', 'chat completions'], ['claude-x', 'anthropic', 'messages']]) {
    test(`${name} before a vendor that speaks ${spoken}`, { timeout: 3 * MINUTE }, async () => {
      let at;
      const [program, args, env] = await setUp(model, (files) => (at = place(`${name}-${model}`.replaceAll(' ', '-'), files)));
      isDone(await run(program, args, at, env), at, form);
    });
  }
}
