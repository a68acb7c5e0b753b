// Start one `chime-server` by its launch contract, and the clients that talk to it.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ChimeSDKIdentity } from '@aws-sdk/client-chime-sdk-identity';
import { ChimeSDKMeetings } from '@aws-sdk/client-chime-sdk-meetings';
import { ChimeSDKMessaging } from '@aws-sdk/client-chime-sdk-messaging';
import { IAM } from '@aws-sdk/client-iam';
import { STS } from '@aws-sdk/client-sts';

/** Ports that were free a moment ago: bound at port 0 together, then released together. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  })));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => { server.close(resolve); })));
  return ports;
}

/** A running server; call `stop` at the end. */
export class Server {
  static async start(settings = {}) {
    if (!process.env.CHIME_SERVER_BIN) {
      throw new Error('set CHIME_SERVER_BIN to the chime-server binary under test (make test-sdk does it)');
    }
    const server = new Server();
    server.folder = mkdtempSync(path.join(tmpdir(), 'chime-js-'));
    server.dataDir = path.join(server.folder, 'data');
    [server.port, server.httpsPort] = await freePorts(2);
    server.settings = settings;
    await server.launch();
    return server;
  }

  /** Starts the process, at first or after its end. */
  async launch() {
    const log = openSync(path.join(this.folder, 'log'), 'a');
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CHIME|AWS)_/.test(name)));
    Object.assign(env, this.settings);
    this.process = spawn(process.env.CHIME_SERVER_BIN, ['serve', '--data-dir', this.dataDir, '--http-listen',
      `127.0.0.1:${this.port}`, '--https-listen', `127.0.0.1:${this.httpsPort}`, '--media-listen', `127.0.0.1:${this.media ?? 0}`, '--test-clock'],
    { stdio: ['ignore', log, log], env });
    this.ended = new Promise((resolve) => { this.process.once('exit', resolve); });
    await this.#ready();
  }

  async #ready() {
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(20)) {
      if (this.process.exitCode !== null) break;
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.status === 200) return;
    }
    this.process.kill('SIGKILL');
    throw new Error(`the server did not become ready:\n${this.log()}`);
  }

  log() { return readFileSync(path.join(this.folder, 'log'), 'utf8').slice(-4000); }

  /** Ends the process as a service manager does; its data stay. */
  async terminate() {
    this.process.kill('SIGTERM');
    const late = sleep(10_000, 'late', { ref: false });
    if (await Promise.race([this.ended, late]) === 'late') {
      this.process.kill('SIGKILL');
      throw new Error('SIGTERM did not end the server within 10 s');
    }
  }

  /** Ends the process without a word to anybody. */
  kill() {
    this.process.kill('SIGKILL');
    return this.ended;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.terminate();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get url() { return `http://127.0.0.1:${this.port}`; }

  get httpsUrl() { return `https://127.0.0.1:${this.httpsPort}`; }

  get mediaPort() { return Number(JSON.parse(readFileSync(path.join(this.dataDir, 'endpoints.json'), 'utf8')).Media.split(':').at(-1)); }

  get ca() { return path.join(this.dataDir, 'tls', 'ca.pem'); }

  get root() {
    if (this.settings.CHIME_ROOT_ACCESS_KEY_ID) {
      return { accessKeyId: this.settings.CHIME_ROOT_ACCESS_KEY_ID, secretAccessKey: this.settings.CHIME_ROOT_SECRET_ACCESS_KEY };
    }
    const { AccessKeyId, SecretAccessKey } = JSON.parse(
      readFileSync(path.join(this.dataDir, 'root-credentials.json'), 'utf8'));
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
  }
}

/** The services, signed with these keys (the root key unless told). */
export function clientsOf(server, credentials = server.root, endpoint = server.url) {
  const options = { region: 'us-east-1', endpoint, credentials, maxAttempts: 1 };
  return {
    identity: new ChimeSDKIdentity(options),
    meetings: new ChimeSDKMeetings(options),
    messaging: new ChimeSDKMessaging(options),
    iam: new IAM(options),
    sts: new STS(options),
  };
}

/** An app instance with users and a channel, made by the root key. */
export async function worldOf(server, ...names) {
  const clients = clientsOf(server);
  const { AppInstanceArn } = await clients.identity.createAppInstance({ Name: 'js', ClientRequestToken: randomUUID() });
  const users = [];
  for (const name of names) {
    const { AppInstanceUserArn } = await clients.identity.createAppInstanceUser({
      AppInstanceArn, AppInstanceUserId: name, Name: name, ClientRequestToken: randomUUID() });
    users.push(AppInstanceUserArn);
  }
  return { ...clients, app: AppInstanceArn, users };
}
