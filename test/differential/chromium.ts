/** The answers of Chromium: a page of this machine, which is a secure context, under a policy as strict as a web client's. */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import type { Said } from './all.ts';
import { pageScript } from './bundle.ts';
import type { PageSays } from './page.ts';
import type { VectorFile } from './vector.ts';

const EXECUTABLE = '/usr/bin/chromium';
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
/** WebAssembly is for Argon2id. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

export function hasChromium(): boolean {
  return existsSync(EXECUTABLE);
}

export async function askChromium(files: readonly VectorFile[]): Promise<Said> {
  const server = await serve(await pageScript());
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'ask' in globalThis);
    const says = await page.evaluate(
      (given) => (globalThis as unknown as { ask(files: unknown): Promise<PageSays> }).ask(given),
      files,
    );
    return { version: `Chromium ${browser.version()}`, parts: 'BoringSSL', ...says };
  } finally {
    await browser.close();
    server.close();
  }
}

async function serve(script: string): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.writeHead(isScript || url === '/' ? 200 : 404, {
      'content-type': isScript ? 'text/javascript' : 'text/html',
      'content-security-policy': POLICY,
    });
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
