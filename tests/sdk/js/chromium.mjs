// Headless Chromium with pages that are one bundled module each.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** Debian's Chromium, or the one that CHIME_CHROMIUM names. */
function chromiumPath() {
  const found = [process.env.CHIME_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    (each) => each && existsSync(each));
  if (!found) throw new Error('no Chromium: install the package chromium or set CHIME_CHROMIUM');
  return found;
}

/** A home folder whose certificate store trusts the server's CA, so that no certificate check is switched off. */
function homeTrusting(ca, folder) {
  const store = path.join(folder, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  execFileSync('certutil', ['-N', '--empty-password', '-d', `sql:${store}`]);
  execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-t', 'C,,', '-n', 'chime', '-i', ca]);
}

/** A browser that trusts this CA, and the site that its pages come from; call `close` at the end. */
export class Browser {
  /** `module` is a file of this folder. */
  static async open(module, ca, flags = []) {
    const browser = new this();
    browser.folder = mkdtempSync(path.join(tmpdir(), 'chime-browser-'));
    homeTrusting(ca, browser.folder);
    const { outputFiles: [bundle] } = await build({ entryPoints: [fileURLToPath(new URL(module, import.meta.url))], bundle: true,
      write: false, format: 'iife', platform: 'browser', mainFields: ['browser', 'module', 'main'],
      define: { global: 'globalThis' }, logLevel: 'error' });
    browser.site = createServer((request, response) => {
      const script = request.url === '/bundle.js';
      response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html; charset=utf-8');
      response.end(script ? bundle.text : '<!doctype html><title>chime</title><script src="/bundle.js"></script>');
    });
    await new Promise((resolve) => { browser.site.listen(0, '127.0.0.1', resolve); });
    browser.origin = `http://127.0.0.1:${browser.site.address().port}/`;
    browser.context = await chromium.launchPersistentContext(path.join(browser.folder, 'profile'), {
      executablePath: chromiumPath(), headless: true, args: [...FLAGS, ...flags], env: { ...process.env, HOME: browser.folder } });
    return browser;
  }

  /** A new page, with what it says in `log`. */
  async page(url = this.origin) {
    const page = await this.context.newPage();
    page.log = [];
    page.on('console', (message) => page.log.push(message.text()));
    page.on('pageerror', (error) => page.log.push(`error: ${error.message}`));
    await page.goto(url);
    return page;
  }

  /** Closes every page but the browser's first. */
  async clear() { await Promise.all(this.context.pages().slice(1).map((page) => page.close())); }

  async close() {
    await this.context?.close();
    this.site?.close();
    this.site?.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
