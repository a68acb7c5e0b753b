// A Postgres server of our own, for servers that share a database.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePorts } from './harness.mjs';

const INSTALLED = '/usr/lib/postgresql';

/** The newest that is installed, as the user `postgres`, since it refuses to run as root; call `stop` at the end. */
export class Postgres {
  #databases = 0;

  static async start() {
    const one = new Postgres();
    const versions = readdirSync(INSTALLED).toSorted((a, b) => Number(a) - Number(b));
    one.bin = path.join(INSTALLED, versions.at(-1), 'bin');
    one.folder = mkdtempSync(path.join(tmpdir(), 'chime-postgres-'));
    chmodSync(one.folder, 0o777);
    [one.port] = await freePorts(1);
    const data = path.join(one.folder, 'data');
    const [initdb, ...options] = one.#as('initdb', '-D', data, '-U', 'chime', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync');
    execFileSync(initdb, options, { stdio: 'ignore', cwd: '/' });
    const [postgres, ...more] = one.#as('postgres', '-D', data, '-c', `port=${one.port}`, '-c', 'listen_addresses=127.0.0.1',
      '-c', 'unix_socket_directories=');
    one.process = spawn(postgres, more, { stdio: 'ignore', cwd: '/' });
    one.ended = new Promise((resolve) => { one.process.once('exit', resolve); });
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(100)) {
      try {
        one.#sql('SELECT 1');
        return one;
      } catch { /* it is starting */ }
    }
    throw new Error('Postgres did not start');
  }

  #as(program, ...options) {
    const other = process.getuid() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
    return [...other, path.join(this.bin, program), ...options];
  }

  #sql(text) {
    execFileSync(path.join(this.bin, 'psql'), ['-XAtqc', text, this.#url('postgres')], { stdio: 'ignore' });
  }

  #url(database) { return `postgres://chime@127.0.0.1:${this.port}/${database}`; }

  /** The URL of a new database. */
  database() {
    this.#databases += 1;
    const name = `meetings_${this.#databases}`;
    this.#sql(`CREATE DATABASE ${name}`);
    return this.#url(name);
  }

  async stop() {
    this.process.kill('SIGINT');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
