// Media nodes that are killed while headless Chromium with the unmodified client is in a meeting on them.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Cord } from './link.mjs';
import { ENDED, Stage, World, portOf, throughPort } from './meetings-harness.mjs';
import { Postgres } from './postgres.mjs';

const ROOT = { CHIME_ROOT_ACCESS_KEY_ID: 'AKIACLUSTERTESTS0002', CHIME_ROOT_SECRET_ACCESS_KEY: 'a-secret-that-all-nodes-share' };
const TONES = { ann: 410, bob: 590, cleo: 830, dan: 1130 };
/** A node that died is known as gone after 45 s, others look every ten; clients come every few seconds, or every 15. */
const MOVED = 75_000;
const BACK = 40_000;

let postgres; let stage; let spare;
before(async () => {
  postgres = await Postgres.start();
  // Its pages speak to the plain listeners of all nodes.
  spare = await World.start();
  stage = await Stage.open(spare.server.ca);
});
after(async () => {
  await stage?.close();
  await spare?.stop();
  await postgres?.stop();
});
afterEach(() => stage.clear());

/** A node that carries us-east-1, and one that carries eu-west-1. */
async function twoNodes(context) {
  const database = postgres.database();
  const nodes = [];
  for (const region of ['us-east-1', 'eu-west-1']) {
    const node = await World.start({ ...ROOT, CHIME_DATABASE: database, CHIME_CLUSTER: 'notify', CHIME_REGIONS: region });
    context.after(() => node.stop());
    nodes.push(node);
  }
  return nodes;
}

const signalingPort = (meeting) => portOf(new URL(meeting.MediaPlacement.SignalingUrl).host);

/** Two people in a meeting on a node, who hear each other. */
async function pair(node, meeting, [one, other], options) {
  const join = (name) => stage.joined(node, meeting, name, { hertz: TONES[name], ...options });
  const people = await Promise.all([join(one), join(other)]);
  await hearEachOther(people);
  return people;
}

const hearEachOther = ([one, other], timeout) =>
  Promise.all([one.hears([other], [one, other], timeout), other.hears([one], [one, other], timeout)]);

const startedAgain = (one, timeout) => one.until('it has started again', () =>
  window.person.events.filter(([name]) => name === 'started').length === 2, null, timeout);

test('people on a node that is killed go on at another: by themselves behind a balancer, else as their application joins again', { timeout: 240_000 }, async (context) => {
  const [east, west] = await twoNodes(context);
  const [balanced, direct] = [await west.meeting('eu-west-1'), await west.meeting('eu-west-1')];
  for (const meeting of [balanced, direct]) assert.equal(signalingPort(meeting), west.server.port);
  const balancer = await Cord.to(west.server.port);
  context.after(() => balancer.close());
  const here = await pair(west, throughPort(balanced, balancer.port), ['ann', 'bob']);
  const there = await pair(west, direct, ['cleo', 'dan'], { patience: 8000 });
  const killed = Date.now();
  const since = () => Math.round((Date.now() - killed) / 1000);
  await west.server.kill();
  balancer.leadsTo = east.server.port;

  // They try for as long as they are told to, and tell their application so.
  await Promise.all(there.map((one) => one.endsWith(ENDED.TASK_FAILED, 30_000)));
  context.diagnostic(`sessions without a balancer ended after ${since()} s`);
  let moved = await east.asked(direct);
  for (; signalingPort(moved) !== east.server.port; moved = await east.asked(direct)) {
    assert.ok(Date.now() - killed < MOVED, 'the meeting has not moved');
    await sleep(500);
  }
  context.diagnostic(`meetings moved after ${since()} s`);
  await Promise.all(here.map((one) => startedAgain(one, MOVED)));
  context.diagnostic(`sessions behind the balancer went on after ${since()} s`);
  await hearEachOther(here);
  for (const one of here) assert.deepEqual(await one.do(() => window.person.events.filter(([name]) => name === 'stopped')), []);

  const again = await Promise.all(there.map(async (one) => {
    const person = await stage.person(moved, one.attendee);
    await person.join({ hertz: one.hertz });
    return person;
  }));
  await hearEachOther(again);
  assert.ok(Date.now() - killed < 2 * MOVED);
});

test('people on a node that is killed and comes back at its address go on by themselves', { timeout: 120_000 }, async (context) => {
  const [, west] = await twoNodes(context);
  const people = await pair(west, await west.meeting('eu-west-1'), ['ann', 'bob']);
  const { server } = west;
  server.media = server.mediaPort;
  await server.kill();
  await server.launch();
  const back = Date.now();
  await Promise.all(people.map((one) => startedAgain(one, BACK)));
  context.diagnostic(`started again ${Math.round((Date.now() - back) / 1000)} s after the node was back`);
  await hearEachOther(people);
});
