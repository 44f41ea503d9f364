// A real gateway in front of the simulated vendor, both separate processes on loopback, for tests written for Node.

import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const BINARY = process.env.MODELGATE_BIN ?? join(ROOT, 'target/debug/modelgate');

/** One model of a vendor of each dialect: chat completions, messages, Google's, responses. */
export const VENDORS = ['gpt-x', 'claude-x', 'gemini-x', 'responses-x', 'llama-x'];

export const ALICE = 'sk-mg-canary-alice-0123456789abcdef';

/** A port that nothing uses at the moment. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Calls `check` until it gives something true. */
export async function waitFor(what, check, patienceMs = 30_000) {
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const found = await check();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`waited ${patienceMs} ms for ${what}`);
}

async function status(url) {
  try {
    return (await fetch(url)).status;
  } catch {
    return 0;
  }
}

/** `modelgate serve` and `modelgate simulate` in a folder of their own. */
export class Gateway {
  /** Starts both; `apply: false` leaves the gateway empty. */
  static async start({ settings = {}, apply = true } = {}) {
    const made = new Gateway();
    made.folder = mkdtempSync(join(tmpdir(), 'modelgate-node-'));
    made.port = await freePort();
    made.simPort = await freePort();
    made.url = `http://127.0.0.1:${made.port}`;
    made.simUrl = `http://127.0.0.1:${made.simPort}`;
    made.env = {
      PATH: '/usr/bin:/bin',
      HOME: made.folder,
      PORT: String(made.port),
      DATA_DIR: join(made.folder, 'data'),
      DRAIN_DELAY: '0',
      ...settings,
    };
    made.log = join(made.folder, 'server.log');
    made.simulator = made.#spawn(['simulate', '--port', String(made.simPort)], 'simulator.log');
    try {
      await waitFor('the simulator', async () => {
        if (made.simulator.exitCode !== null) throw new Error(`the simulator ended with ${made.simulator.exitCode}`);
        return (await status(`${made.simUrl}/_sim/stats`)) === 200;
      });
      if (apply) made.apply(readFileSync(join(ROOT, 'tests/harness/gateway.toml'), 'utf8'));
      made.server = made.#spawn(['serve'], 'server.log');
      await waitFor('the gateway', async () => {
        if (made.server.exitCode !== null) throw new Error(made.output());
        return (await status(`${made.url}/readyz`)) === 200;
      });
      return made;
    } catch (error) {
      await made.stop();
      throw error;
    }
  }

  #spawn(args, log) {
    const child = spawn(BINARY, args, { env: this.env, cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = createWriteStream(join(this.folder, log), { flags: 'a' });
    child.stdout.pipe(out, { end: false });
    child.stderr.pipe(out, { end: false });
    return child;
  }

  /** Runs a command of the same binary with the same settings and gives its output. */
  run(...args) {
    return execFileSync(BINARY, args, { env: this.env, cwd: this.folder, encoding: 'utf8' });
  }

  /** `modelgate apply` of a text in which SIMULATOR stands for the vendor's address. */
  apply(text) {
    const path = join(this.folder, 'gateway.toml');
    writeFileSync(path, text.replaceAll('SIMULATOR', `127.0.0.1:${this.simPort}`));
    return this.run('apply', path);
  }

  /** What the server has said. */
  output() {
    return readFileSync(this.log, 'utf8');
  }

  /** What the simulated vendor has counted. */
  async stats() {
    return (await fetch(`${this.simUrl}/_sim/stats`)).json();
  }

  async stop() {
    for (const [child, signal] of [[this.server, 'SIGTERM'], [this.simulator, 'SIGKILL']]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await Promise.race([gone, sleep(15_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
