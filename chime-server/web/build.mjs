// Bundles the page into the folder named by the first argument: meeting.html with its styles inside, and meeting.js.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [out] = process.argv.slice(2);
const here = fileURLToPath(new URL('.', import.meta.url));
const { warnings } = await build({
  entryPoints: [path.join(here, 'meeting.mjs')], outfile: path.join(out, 'meeting.js'), bundle: true, minify: true,
  format: 'iife', platform: 'browser', target: 'es2022', mainFields: ['browser', 'module', 'main'],
  define: { global: 'globalThis' }, legalComments: 'eof', logLevel: 'warning',
});
if (warnings.length) process.exitCode = 1;
const styles = readFileSync(path.join(here, 'meeting.css'), 'utf8');
const page = readFileSync(path.join(here, 'meeting.html'), 'utf8');
writeFileSync(path.join(out, 'meeting.html'), page.replace('/* meeting.css */', () => `\n${styles}`));
