// The unmodified browser SDK in headless Chromium: wss under the server's own CA, CORS for real.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { Browser } from './chromium.mjs';
import { Server, worldOf } from './harness.mjs';

let server; let browser;

before(async () => {
  server = await Server.start();
  browser = await Browser.open('page.mjs', server.ca);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const channelOf = async (world, bearer, ...MemberArns) => (await world.messaging.createChannel({
  AppInstanceArn: world.app, Name: 'channel', Mode: 'UNRESTRICTED', Privacy: 'PRIVATE', ChimeBearer: bearer,
  MemberArns: MemberArns.length ? MemberArns : undefined, ClientRequestToken: randomUUID() })).ChannelArn;

const say = (world, ChannelArn, ChimeBearer, Content) => world.messaging.sendChannelMessage({
  ChannelArn, ChimeBearer, Content, Type: 'STANDARD', Persistence: 'PERSISTENT' });

/** A page with a session of this user; `outcome` is how connecting went. */
async function pageOf(userArn, more = {}) {
  const page = await browser.page();
  const outcome = await page.evaluate((options) => window.chime.connect(options),
    { endpoint: server.httpsUrl, credentials: server.root, userArn, ...more });
  return { page, outcome };
}

const receives = (page, type, content) => page.waitForFunction(
  ([wanted, text]) => window.chime.received.some(
    (each) => each.type === wanted && (text === null || each.payload.Content === text)),
  [type, content ?? null], { timeout: 10_000, polling: 50 });

test('the session is established over wss and the page hears another user', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const [alice, bob] = world.users;
  const channel = await channelOf(world, alice, bob);
  const { page, outcome } = await pageOf(bob);
  assert.equal(outcome, 'started', page.log.join('\n'));
  await say(world, channel, alice, 'hello from alice \u2603');
  await receives(page, 'CREATE_CHANNEL_MESSAGE', 'hello from alice \u2603');
  const received = await page.evaluate(() => window.chime.received);
  assert.equal(received[0].type, 'SESSION_ESTABLISHED');
  const message = received.find((each) => each.type === 'CREATE_CHANNEL_MESSAGE');
  assert.equal(message.headers['x-amz-chime-message-type'], 'STANDARD');
  assert.deepEqual(message.payload.Sender, { Arn: alice, Name: 'alice' });
  assert.ok(!Number.isNaN(Date.parse(message.payload.CreatedTimestamp)));
  await page.close();
});

test('the page sends through the v3 client across origins and both users get it', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const [alice, bob] = world.users;
  const channel = await channelOf(world, alice, bob);
  const [first, second] = [await pageOf(alice), await pageOf(bob)];
  const id = await second.page.evaluate((options) => window.chime.send(options),
    { channelArn: channel, bearer: bob, content: 'from the page' });
  assert.match(id, /^[-_a-zA-Z0-9]{1,128}$/);
  for (const { page } of [first, second]) await receives(page, 'CREATE_CHANNEL_MESSAGE', 'from the page');
  const { ChannelMessages } = await world.messaging.listChannelMessages({ ChannelArn: channel, ChimeBearer: alice });
  assert.deepEqual(ChannelMessages.map((each) => each.MessageId), [id]);
  await first.page.close();
  await second.page.close();
});

test('a refusal is readable across origins: its class and its request id', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const channel = await channelOf(world, world.users[0]);
  const { page } = await pageOf(world.users[1]);
  const answer = await page.evaluate((options) => window.chime.send(options),
    { channelArn: channel, bearer: world.users[1], content: 'not a member' });
  assert.equal(answer, 'ForbiddenException: with a request id');
  await page.close();
});

test('joining later, editing and leaving arrive without a reconnect', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const [alice, bob] = world.users;
  const channel = await channelOf(world, alice);
  const { page } = await pageOf(bob);
  const member = { ChannelArn: channel, MemberArn: bob, ChimeBearer: alice };
  await world.messaging.createChannelMembership({ ...member, Type: 'DEFAULT' });
  await receives(page, 'CREATE_CHANNEL_MEMBERSHIP');
  const { MessageId } = await say(world, channel, alice, 'first');
  await world.messaging.updateChannelMessage({ ChannelArn: channel, MessageId, Content: 'second', ChimeBearer: alice });
  await receives(page, 'UPDATE_CHANNEL_MESSAGE', 'second');
  await world.messaging.deleteChannelMembership(member);
  await receives(page, 'DELETE_CHANNEL_MEMBERSHIP');
  assert.deepEqual(await page.evaluate(() => window.chime.events), ['connecting', 'started']);
  await page.close();
});

test('prefetch on connect brings the channel details', async () => {
  const world = await worldOf(server, 'alice');
  const channel = await channelOf(world, world.users[0]);
  const { page, outcome } = await pageOf(world.users[0], { prefetch: true });
  assert.equal(outcome, 'started');
  await receives(page, 'CHANNEL_DETAILS');
  const received = await page.evaluate(() => window.chime.received);
  assert.ok(JSON.stringify(received).includes(channel));
  await page.close();
});

test('a user who does not exist is refused for good, without a reconnect loop', async () => {
  const world = await worldOf(server);
  const { page, outcome } = await pageOf(`${world.app}/user/nobody`);
  assert.match(outcome, /^closed (4003|4401)$/);
  assert.deepEqual(await page.evaluate(() => window.chime.events), ['connecting']);
  await page.close();
});
