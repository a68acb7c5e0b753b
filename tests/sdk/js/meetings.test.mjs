// Meetings in headless Chromium with the unmodified client: people hear, see and share, come, go and are sent away.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePorts } from './harness.mjs';
import { Cord, Link } from './link.mjs';
import { ENDED, Stage, World, portOf, throughPort } from './meetings-harness.mjs';

const RED = { name: '#c02020', seen: [192, 32, 32] };
const GREEN = { name: '#20c020', seen: [32, 192, 32] };
const BLUE = { name: '#2020c0', seen: [32, 32, 192] };

const USUAL = { timeout: 60_000 };
const LONG = { timeout: 120_000 };

/** Tones of which none is a multiple or a sum of others. */
const TONES = [410, 590, 830, 1130, 1510, 1870, 2210, 2650, 3070, 3490];

let world; let stage;
before(async () => {
  world = await World.start();
  stage = await Stage.open(world.server.ca);
});
after(async () => {
  await stage?.close();
  await world?.stop();
});
afterEach(() => stage.clear());

/** People of one meeting, with a tone each. */
async function together(count, options = {}, where = world) {
  const meeting = await where.meeting();
  const people = [];
  // Two at a time: more at once only wait for each other.
  for (let at = 0; at < count; at += 2) {
    people.push(...await Promise.all(TONES.slice(at, Math.min(at + 2, count)).map((hertz, next) =>
      stage.joined(where, meeting, `person${at + next}`, { hertz, ...options }))));
  }
  return { meeting, people };
}

const othersThan = (people, one) => people.filter((each) => each !== one);
const show = (person, colour, more) => person.do((what) => window.person.show(what), { colour: colour.name, ...more });
const eachHearsTheOthers = (people, timeout) => Promise.all(
  people.map((one) => one.hears(othersThan(people, one), people, timeout)));

for (const count of [2, 3]) {
  test(`med_02 ${count} attendees hear exactly the others and never themselves`, USUAL, async (context) => {
    const { people } = await together(count);
    for (const one of people) context.diagnostic(`started after ${Math.round(await one.do(() => window.person.startedAfter))} ms`);
    await eachHearsTheOthers(people);
  });
}

test('ten attendees hear all who talk, and all see the one camera', LONG, async () => {
  const { people } = await together(TONES.length, { gain: 0 });
  await show(people[0], RED, { width: 640, height: 360 });
  // A mix has the loudest few, so they take turns.
  for (const turn of [people.slice(0, 4), people.slice(4, 7), people.slice(7)]) {
    for (const one of people) await one.do((gain) => window.person.speak(gain), turn.includes(one) ? 0.2 : 0);
    await Promise.all(people.map((one) => one.hears(othersThan(turn, one), people, 15_000)));
  }
  for (const one of people.slice(1)) await one.sees(people[0].id, RED.seen);
});

test('whoever comes without devices hears and sees, and is not heard', USUAL, async () => {
  const meeting = await world.meeting();
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0] });
  const listener = await stage.joined(world, meeting, 'listener', { listener: true });
  await listener.hears([ann], [ann]);
  await show(ann, RED);
  await listener.sees(ann.id, RED.seen);
  await ann.knows(listener.id, true);
});

test('med_03 sound comes with all that a sampling of 48 kHz has', USUAL, async () => {
  const meeting = await world.meeting();
  const ann = await stage.joined(world, meeting, 'ann', {});
  const bob = await stage.joined(world, meeting, 'bob', { hertz: 'noise', gain: 0 });
  assert.match(await bob.do(() => window.person.speaks()), /48000$/);
  const high = (levels) => window.person.spectrum([13_000, 15_000, 18_000]).every((level) => level > levels[0] && level < levels[1]);
  await ann.until('there is silence', high, [-Infinity, -90]);
  await bob.do(() => window.person.speak(0.5));
  await ann.until('the noise has its highest parts', high, [-75, 0]);
});

test('med_04 voices are Opus of 32 kbit/s, or of 64 where that is asked for', USUAL, async () => {
  const meeting = await world.meeting();
  const ann = await stage.joined(world, meeting, 'ann', { hertz: 'noise' });
  const bob = await stage.joined(world, meeting, 'bob', { hertz: 'noise', bitrate: 64_000 });
  for (const [one, least, most] of [[ann, 24, 40], [bob, 50, 72]]) {
    assert.match(await one.do(() => window.person.speaks()), /^audio\/opus/);
    const kbps = await one.do(() => window.person.voiceRate());
    assert.ok(kbps > least && kbps < most, `${kbps} kbit/s`);
  }
});

test('a voice that is alone comes as its sender coded it, until there is another', USUAL, async (context) => {
  const meeting = await world.meeting();
  // At this rate whatever it is has to be coded by the model of a voice, and only that can be passed on.
  const ann = await stage.joined(world, meeting, 'ann', { hertz: 410, gain: 0, bitrate: 12_000 });
  const bob = await stage.joined(world, meeting, 'bob', { hertz: 590, gain: 0 });
  const cid = await stage.joined(world, meeting, 'cid');
  for (const [one, way] of [[ann, 'out'], [bob, 'in'], [cid, 'in']]) await one.do((which) => window.person.follow(which), way);
  const noted = () => Promise.all([ann, bob, cid].map((one) => one.do(() => window.person.frames)));
  const asSent = ([sent, ...came]) => came.map((frames) => frames.filter((frame) => sent.includes(frame)).length);
  // In words, because a voice that was not passed on for a moment is again from its next pause on.
  const words = setInterval(() => ann.do(() => window.person.speak(window.person.volume.gain.value ? 0 : 0.2)).catch(() => {}), 400);
  let same = [0, 0];
  for (const until = Date.now() + 20_000; Math.min(...same) < 100 && Date.now() < until; await sleep(200)) same = asSent(await noted());
  clearInterval(words);
  context.diagnostic(`${same} of ${(await noted()).map((each) => each.length)} as they were sent`);
  assert.ok(Math.min(...same) >= 100, `${same} as they were sent`);
  for (const one of [ann, bob]) await one.do(() => window.person.speak(0.2));
  await cid.hears([ann, bob], [ann, bob]);
  for (const one of [ann, bob, cid]) await one.do(() => window.person.frames.splice(0));
  await cid.until('100 frames came', () => window.person.frames.length > 100);
  const [, mixed] = asSent(await noted());
  assert.equal(mixed, 0);
});

test('med_05 who sends sound of 16 kHz, as clients on phones do, is heard', USUAL, async () => {
  const { meeting, people: [ann] } = await together(1);
  await stage.joined(world, meeting, 'bob', { hertz: [1130, 10_000], phone: true });
  await ann.hears([1130], [ann, 1130, 10_000]);
});

test('med_06_and_07 every camera is seen once by every other, in its own colour', USUAL, async () => {
  const { people } = await together(3);
  const colours = [RED, GREEN, BLUE];
  for (const [at, one] of people.entries()) await show(one, colours[at], { width: 640, height: 360 });
  for (const one of people) {
    for (const other of othersThan(people, one)) await one.sees(other.id, colours[people.indexOf(other)].seen);
  }
  const tiles = await people[0].do(() => window.person.tiles().map((tile) => tile.attendee));
  assert.deepEqual(tiles.toSorted(), [people[1].id, people[2].id].toSorted(), 'nobody is seen twice, nor sees itself');
});

for (const simulcast of [false, true]) {
  test(`a camera that was off is seen again${simulcast ? ', with simulcast' : ''}`, USUAL, async () => {
    const { people: [ann, bob] } = await together(2, { simulcast, policy: simulcast ? 'priority' : undefined });
    await show(ann, RED);
    await bob.sees(ann.id, RED.seen);
    // By then the browser names its encodings no more: its packets were acknowledged.
    await sleep(4000);
    await ann.do(async () => { window.person.av.stopLocalVideoTile(); await window.person.av.stopVideoInput(); });
    await bob.until('the tile is gone', () => window.person.tiles().length === 0);
    await show(ann, BLUE);
    await bob.sees(ann.id, BLUE.seen);
  });
}

test('med_11 a squeezed receiver gets the small layer until it has room again; others keep the large one', LONG, async (context) => {
  const meeting = await world.meeting();
  const link = await Link.to(portOf(meeting.MediaPlacement.AudioHostUrl));
  context.after(() => link.close());
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0], simulcast: true, policy: 'priority' });
  const bob = await stage.joined(world, meeting, 'bob', { policy: 'priority', port: link.port });
  const cleo = await stage.joined(world, meeting, 'cleo', { policy: 'priority' });
  await show(ann, RED);
  await bob.sees(ann.id, RED.seen, { width: (width) => width === 1280, timeout: 45_000 });
  await cleo.sees(ann.id, RED.seen, { width: (width) => width === 1280, timeout: 45_000 });
  link.down.set({ kbps: 500 });
  const small = bob.sees(ann.id, RED.seen, { width: (width) => width < 1280, steady: 4000, timeout: 20_000 });
  await cleo.keepsSeeing(ann.id, RED.seen, (width) => width === 1280, small);
  link.down.set({ kbps: Infinity });
  await bob.sees(ann.id, RED.seen, { width: (width) => width === 1280, steady: 1000, timeout: 40_000 });
});

test('med_11 a squeezed receiver of scalable pictures gets a smaller layer until it has room again', LONG, async (context) => {
  const meeting = await world.meeting();
  const link = await Link.to(portOf(meeting.MediaPlacement.AudioHostUrl));
  context.after(() => link.close());
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0], svc: true });
  const bob = await stage.joined(world, meeting, 'bob', { svc: true, port: link.port });
  const cleo = await stage.joined(world, meeting, 'cleo', { svc: true });
  await show(ann, RED);
  const large = { width: (width) => width === 1280, timeout: 45_000 };
  for (const one of [bob, cleo]) await one.sees(ann.id, RED.seen, large);
  link.down.set({ kbps: 400 });
  await bob.sees(ann.id, RED.seen, { width: (width) => width < 1280, steady: 4000, timeout: 25_000 });
  const before = await bob.do(() => window.person.pictures('inbound-rtp'));
  await bob.until('they move on', (from) => window.person.pictures('inbound-rtp').then((now) => now > from + 30), before);
  // On a busy machine the sender goes smaller for all, now and then.
  await cleo.sees(ann.id, RED.seen, large);
  link.down.set({ kbps: Infinity });
  await bob.sees(ann.id, RED.seen, { ...large, steady: 1000 });
});

test('a receiver gets the layer that it prefers, and none of a tile that it paused', LONG, async () => {
  const meeting = await world.meeting();
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0], simulcast: true, policy: 'priority' });
  const bob = await stage.joined(world, meeting, 'bob', { policy: 'priority' });
  const cleo = await stage.joined(world, meeting, 'cleo');
  await show(ann, RED);
  const large = { width: (width) => width === 1280, timeout: 45_000 };
  for (const one of [bob, cleo]) await one.sees(ann.id, RED.seen, large);
  await bob.do((id) => window.person.prefer([{ id, size: 1 }]), ann.id);
  await bob.sees(ann.id, RED.seen, { width: (width) => width === 320 });
  await cleo.sees(ann.id, RED.seen, large);
  await bob.do((id) => window.person.prefer([{ id, size: 3 }]), ann.id);
  await bob.sees(ann.id, RED.seen, large);
  const still = await bob.do(async () => {
    const tile = window.person.av.getAllRemoteVideoTiles()[0].state().tileId;
    window.person.av.pauseVideoTile(tile);
    return tile;
  });
  await bob.until('no more pictures come', async () => {
    const count = async () => (await window.person.stats('inbound-rtp')).find((each) => each.kind === 'video')?.packetsReceived;
    const before = await count();
    await new Promise((resolve) => { setTimeout(resolve, 700); });
    return before === await count();
  });
  await bob.do((tile) => window.person.av.unpauseVideoTile(tile), still);
  await bob.sees(ann.id, RED.seen);
});

test('who may only receive is neither heard nor seen until that changes', USUAL, async () => {
  const { meeting, people: [ann] } = await together(1);
  const bob = await stage.person(meeting, await world.attendee(meeting, 'bob', { Audio: 'Receive', Video: 'Receive', Content: 'None' }));
  await bob.join({ hertz: TONES[1] });
  await bob.hears([ann], [ann, bob]);
  await ann.hears([], [ann, bob]);
  await show(bob, BLUE, { width: 640, height: 360 });
  await bob.until('bob may only watch', () => window.person.events.some(([name]) => name === 'view-only'));
  await world.allow(meeting, bob.attendee, { Audio: 'SendReceive', Video: 'SendReceive', Content: 'SendReceive' });
  await ann.hears([bob], [ann, bob]);
  await show(bob, BLUE, { width: 640, height: 360 });
  await ann.sees(bob.id, BLUE.seen);
  await world.allow(meeting, bob.attendee, { Audio: 'None', Video: 'None', Content: 'None' });
  await ann.hears([], [ann, bob]);
  await bob.hears([], [ann, bob]);
  await ann.until('bob is not seen any more', () => window.person.tiles().length === 0);
});

for (const [rate, simulcast] of [[30, false], [15, true]]) {
  test(`med_09 pictures of 1280x720, ${rate} a second, come whole and all${simulcast ? ', with simulcast' : ''}`, LONG, async () => {
    const { people: [ann, bob] } = await together(3, { simulcast, policy: simulcast ? 'priority' : undefined });
    await show(ann, RED, { rate });
    await bob.sees(ann.id, RED.seen, { width: (width) => width === 1280, timeout: 45_000 });
    const counts = async () => [await ann.do(() => window.person.pictures('outbound-rtp')), await bob.do(() => window.person.pictures('inbound-rtp'))];
    const [sent, came] = await counts();
    await bob.until('some seconds of pictures', (from) => window.person.pictures('inbound-rtp').then((now) => now > from + 90), came, 30_000);
    const [sentThen, cameThen] = await counts();
    assert.ok(Math.abs(sentThen - sent - (cameThen - came)) <= 9, `${sentThen - sent} sent and ${cameThen - came} came`);
  });
}

test('scalable pictures of one encoding are seen by all', USUAL, async () => {
  const { people } = await together(3, { svc: true });
  const [ann, ...others] = people;
  await show(ann, GREEN);
  for (const one of others) await one.sees(ann.id, GREEN.seen);
  await others[0].until('pictures come in VP9', () => window.person.receives('VP9'));
});

test('a sender on a narrow uplink is seen smaller by all, and large when it has room again', LONG, async (context) => {
  const meeting = await world.meeting();
  const link = await Link.to(portOf(meeting.MediaPlacement.AudioHostUrl));
  context.after(() => link.close());
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0], simulcast: true, policy: 'priority', port: link.port });
  const others = [await stage.joined(world, meeting, 'bob'), await stage.joined(world, meeting, 'cleo')];
  const seenBy = (width, timeout) => Promise.all(others.map((one) => one.sees(ann.id, RED.seen, { width, timeout, steady: 2000 })));
  await show(ann, RED);
  await seenBy((width) => width === 1280, 45_000);
  link.up.set({ kbps: 500 });
  await seenBy((width) => width < 1280, 20_000);
  link.up.set({ kbps: Infinity });
  await seenBy((width) => width === 1280, 40_000);
});

test('a camera that is on goes on in each codec that its sender prefers', LONG, async () => {
  const { people: [ann, bob] } = await together(2);
  await show(bob, RED, { width: 640, height: 360 });
  for (const codec of ['VP8', 'H264', 'VP9', 'AV1']) {
    await bob.do((name) => window.person.preferCodec(name), codec);
    await ann.until(`pictures come in ${codec}`, (name) => window.person.receives(name), codec);
    await ann.sees(bob.id, RED.seen);
  }
});

test('a camera comes in the codec that its sender prefers', LONG, async () => {
  const { meeting, people: [ann] } = await together(1);
  for (const codec of ['VP8', 'H264', 'VP9', 'AV1']) {
    const bob = await stage.joined(world, meeting, 'bob', { codec });
    await show(bob, RED, { width: 640, height: 360 });
    await ann.until(`pictures come in ${codec}`, (name) => window.person.receives(name), codec);
    await ann.sees(bob.id, RED.seen);
    await bob.do(() => window.person.av.stop());
    await ann.until('the tile is gone', () => window.person.tiles().length === 0);
  }
});

test('med_13_and_15 a shared screen is seen whole and its sound heard by all but its owner, until it ends', USUAL, async () => {
  const { people } = await together(3);
  const [ann, bob, cleo] = people;
  const sound = 3490;
  await ann.do((what) => window.person.share(what), { colour: BLUE.name, hertz: sound, rate: 15 });
  for (const one of [bob, cleo]) {
    await one.knows(`${ann.id}#content`, true);
    await one.sees(`${ann.id}#content`, BLUE.seen, { width: (width) => width === 1280 });
  }
  await Promise.all(people.map((one) =>
    one.hears([...othersThan(people, one), ...(one === ann ? [] : [sound])], [...people, sound])));
  await ann.until('it is told that it shares', () => window.person.events.some(([name]) => name === 'sharing'));
  await ann.do(() => window.person.av.stopContentShare());
  await bob.knows(`${ann.id}#content`, false, false);
  await bob.until('the shared screen is gone', () => window.person.tiles().length === 0);
  await bob.hears([ann, cleo], [...people, sound]);
});

test('med_14 a captured screen is seen by the others, at most 15 times a second', USUAL, async () => {
  const { people: [ann, bob] } = await together(2);
  await ann.do(() => window.person.capture());
  await bob.knows(`${ann.id}#content`, true);
  await bob.until('the screen moves', (id) => window.person.tiles().some((each) => each.attendee === id && each.frames > 10), `${ann.id}#content`, 20_000);
  const rate = await ann.do(() => window.person.captured());
  assert.ok(rate > 0 && rate <= 15, `${rate} a second`);
});

test('med_12 data messages reach the others, and those with a lifetime who join later', USUAL, async () => {
  const { meeting, people: [ann, bob] } = await together(2);
  await ann.do(() => {
    window.person.av.realtimeSendDataMessage('chat', 'for now');
    window.person.av.realtimeSendDataMessage('chat', 'for later ☃', 60_000);
  });
  await bob.until('both messages came', () => window.person.data.length === 2);
  const [first] = await bob.do(() => window.person.data);
  assert.equal(first.text, 'for now');
  assert.equal(first.from, ann.id);
  assert.equal(first.external, 'person0#1');
  assert.equal(first.throttled, false);
  assert.ok(Math.abs(first.at - Date.now()) < 60_000, `told at ${first.at}`);
  const cleo = await stage.joined(world, meeting, 'cleo', {});
  await cleo.until('the kept message came', () => window.person.data.length > 0);
  await ann.do(() => window.person.av.realtimeSendDataMessage('chat', 'last'));
  await cleo.until('the last message came', () => window.person.data.some((each) => each.text === 'last'));
  assert.deepEqual(await cleo.do(() => window.person.data.map((each) => each.text)), ['for later ☃', 'last']);
  assert.deepEqual(await ann.do(() => window.person.data), [], 'nobody gets their own messages');
});

test('a flood of data messages comes back to its sender as throttled', USUAL, async () => {
  const { people: [ann, bob] } = await together(2);
  await ann.do(() => { for (let at = 0; at < 400; at += 1) window.person.av.realtimeSendDataMessage('chat', `${at}`); });
  await ann.until('some come back', () => window.person.data.length > 0);
  await bob.until('the first 200 came', () => window.person.data.length >= 200);
  const returned = await ann.do(() => window.person.data);
  assert.ok(returned.every((each) => each.throttled && each.from === ann.id), JSON.stringify(returned[0]));
  await ann.until('what did not go through came back', (gone) => window.person.data.length + gone >= 400,
    await bob.do(() => window.person.data.length));
  assert.equal(await bob.do(() => window.person.data.some((each) => each.throttled)), false);
});

test('med_19 mute is told to all and heard by none, and so is its end', USUAL, async () => {
  const { people } = await together(3);
  const [ann, bob, cleo] = people;
  await eachHearsTheOthers(people);
  const muted = ([id, wanted]) => window.person.volumes[id]?.muted === wanted;
  await ann.do(() => window.person.av.realtimeMuteLocalAudio());
  for (const one of people) await one.until('ann is told as muted', muted, [ann.id, true]);
  await Promise.all([bob.hears([cleo], people), cleo.hears([bob], people), ann.hears([bob, cleo], people)]);
  await ann.do(() => window.person.av.realtimeUnmuteLocalAudio());
  for (const one of people) await one.until('ann is told as not muted', muted, [ann.id, false]);
  await eachHearsTheOthers(people);
});

test('who joins muted is known as muted and heard after unmuting', USUAL, async () => {
  const { meeting, people: [ann] } = await together(1);
  const bob = await stage.joined(world, meeting, 'bob', { hertz: TONES[1], muted: true });
  await ann.until('bob is muted', (id) => window.person.volumes[id]?.muted === true, bob.id);
  await ann.hears([], [ann, bob]);
  await bob.do(() => window.person.av.realtimeUnmuteLocalAudio());
  await ann.hears([bob], [ann, bob]);
});

test('med_19 volume and active speaker follow who talks', USUAL, async () => {
  const { people } = await together(3, { gain: 0 });
  const [ann, bob, cleo] = people;
  for (const [talker, silent] of [[ann, bob], [bob, ann]]) {
    await talker.do(() => window.person.speak(0.2));
    await silent.do(() => window.person.speak(0));
    for (const one of [cleo, talker]) {
      await one.until('volumes tell who talks', ([loud, quiet]) =>
        window.person.volumes[loud]?.volume > 0.5 && !window.person.volumes[quiet]?.volume, [talker.id, silent.id]);
      await one.until('the talker is the active speaker', (id) => window.person.speakers[0] === id, talker.id);
    }
  }
  await bob.do(() => window.person.speak(0));
  await cleo.until('nobody speaks', () => window.person.speakers.length === 0);
});

test('med_19_and_22 everybody knows who is there, and that one left, for whom alone it is over', USUAL, async () => {
  const { people } = await together(3);
  const [ann, bob, cleo] = people;
  for (const one of people) {
    for (const other of people) await one.knows(other.id, true);
    const names = await one.do(() => window.person.events.filter(([name]) => name === 'presence').map(([, , , external]) => external));
    assert.deepEqual([...new Set(names)].toSorted(), ['person0#1', 'person1#1', 'person2#1']);
  }
  await cleo.do(() => window.person.av.stop());
  await cleo.endsWith(ENDED.LEFT);
  for (const one of [ann, bob]) await one.knows(cleo.id, false, false);
  await ann.hears([bob], people);
});

test('whose page is gone is told as dropped', USUAL, async () => {
  const { people: [ann, bob] } = await together(2);
  await ann.knows(bob.id, true);
  await bob.page.close();
  await ann.knows(bob.id, false, true, 30_000);
});

test('med_19 a weak connection is told to all, and that it is good again', USUAL, async (context) => {
  const meeting = await world.meeting();
  const link = await Link.to(portOf(meeting.MediaPlacement.AudioHostUrl));
  context.after(() => link.close());
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0], port: link.port });
  const bob = await stage.joined(world, meeting, 'bob', { hertz: TONES[1] });
  await bob.hears([ann], [ann, bob]);
  link.up.set({ loss: 0.35 });
  for (const one of [ann, bob]) await one.until("ann's signal falls", (id) => window.person.volumes[id]?.signal < 1, ann.id);
  assert.equal((await ann.do((id) => window.person.volumes[id].signal, bob.id)) ?? 1, 1, "bob's is good");
  await ann.until('ann is told of her own', () => window.person.signal < 1);
  link.up.set({ loss: 0 });
  for (const one of [ann, bob]) {
    await one.until("ann's signal is good again", (id) => window.person.volumes[id]?.signal === 1, ann.id, 15_000);
  }
  await bob.hears([ann], [ann, bob]);
});

test('med_20 who hears too little is told that the connection is poor, or to go without video, and when it is good', LONG, async (context) => {
  const [one, other] = [await world.meeting(), await world.meeting()];
  const link = await Link.to(portOf(one.MediaPlacement.AudioHostUrl));
  context.after(() => link.close());
  const ann = await stage.joined(world, one, 'ann', { port: link.port, cooldown: 1000 });
  const bob = await stage.joined(world, other, 'bob', { port: link.port, cooldown: 1000 });
  for (const meeting of [one, other]) await stage.joined(world, meeting, 'cleo', { hertz: TONES[0] });
  await show(bob, RED, { width: 320, height: 180 });
  for (const each of [ann, bob]) {
    await each.until('metrics and health are told', () => window.person.reports.metrics > 2 && window.person.reports.health > 0);
    assert.deepEqual(await each.do(() => window.person.events.filter(([name]) => ['poor', 'suggests-no-video'].includes(name))), []);
  }
  link.down.set({ loss: 0.75 });
  const told = (name) => window.person.events.some(([each]) => each === name);
  await ann.until('the connection is poor', told, 'poor', 45_000);
  await bob.until('video is too much', told, 'suggests-no-video', 45_000);
  link.down.set({ loss: 0 });
  for (const each of [ann, bob]) await each.until('the connection is good', told, 'good', 45_000);
});

test('med_21 a session tells that it connects, has started, connects again, and why it stopped', USUAL, async (context) => {
  const meeting = await world.meeting();
  const cord = await Cord.to(portOf(new URL(meeting.MediaPlacement.SignalingUrl).host));
  context.after(() => cord.close());
  const ann = await stage.joined(world, throughPort(meeting, cord.port), 'ann', { hertz: TONES[0] });
  cord.cut();
  await ann.until('it has started again', () => window.person.events.filter(([name]) => name === 'started').length === 2, null, 20_000);
  await ann.do(() => window.person.av.stop());
  await ann.endsWith(ENDED.LEFT);
  const lifecycle = await ann.do(() => window.person.events.filter(([name]) => ['connecting', 'started', 'stopped'].includes(name)));
  assert.deepEqual(lifecycle, [['connecting', false], ['started'], ['connecting', true], ['started'], ['stopped', ENDED.LEFT]]);
});

test('a cut of the signaling is mended without a word to the others', USUAL, async (context) => {
  const meeting = await world.meeting();
  const cord = await Cord.to(portOf(new URL(meeting.MediaPlacement.SignalingUrl).host));
  context.after(() => cord.close());
  const ann = await stage.joined(world, meeting, 'ann', { hertz: TONES[0] });
  const bob = await stage.joined(world, throughPort(meeting, cord.port), 'bob', { hertz: TONES[1] });
  await show(ann, RED, { width: 640, height: 360 });
  await show(bob, BLUE, { width: 640, height: 360 });
  await bob.sees(ann.id, RED.seen);
  await ann.sees(bob.id, BLUE.seen);
  cord.cut();
  await bob.until('bob is connected again', () => window.person.events.filter(([name]) => name === 'started').length === 2, null, 20_000);
  assert.deepEqual(await bob.do(() => window.closes), [1006]);
  await eachHearsTheOthers([ann, bob]);
  await ann.sees(bob.id, BLUE.seen);
  await bob.sees(ann.id, RED.seen);
  assert.equal(cord.made, 2);
  assert.deepEqual(await ann.presenceOf(bob.id), ['present']);
  assert.ok(!(await bob.presenceOf(ann.id)).includes('left'));
  assert.equal(await ann.do(() => window.person.tiles().length), 1);
});

test('med_22 a deleted meeting ends for all', USUAL, async () => {
  const { meeting, people } = await together(2);
  await world.end(meeting);
  for (const one of people) await one.endsWith(ENDED.MEETING_ENDED);
  const late = await stage.person(meeting, people[0].attendee);
  await assert.rejects(late.join({ timeout: 3000 }), /stopped/);
});

test('a deleted attendee is sent away, and the others are told', USUAL, async () => {
  const { meeting, people: [ann, bob] } = await together(2);
  await world.remove(meeting, bob.attendee);
  await bob.endsWith(ENDED.REMOVED);
  await ann.knows(bob.id, false, false);
  const again = await stage.person(meeting, bob.attendee);
  await assert.rejects(again.join({ timeout: 3000 }), new RegExp(`stopped ${ENDED.REFUSED}`));
});

test('the same attendee on a second device ends the first', USUAL, async () => {
  const { meeting, people: [ann, bob] } = await together(2);
  const second = await stage.person(meeting, bob.attendee);
  await second.join({ hertz: TONES[2] });
  await bob.endsWith(ENDED.ELSEWHERE);
  await Promise.all([ann.hears([second], [ann, bob, second]), second.hears([ann], [ann, bob, second])]);
  await ann.knows(bob.id, true);
  assert.ok(!(await ann.presenceOf(bob.id)).includes('dropped'));
});

test('qta_03_09_10 one attendee, camera or shared screen too many is refused, and the others go on', USUAL, async (context) => {
  const small = await World.start({ CHIME_QUOTAS__AUDIO_STREAMS_PER_MEETING: '2', CHIME_QUOTAS__VIDEO_TILES_PER_MEETING: '1',
    CHIME_QUOTAS__CONTENT_SHARES_PER_MEETING: '1' });
  context.after(() => small.stop());
  const { meeting, people: [ann, bob] } = await together(2, {}, small);
  const cleo = await stage.person(meeting, await small.attendee(meeting, 'cleo'));
  await assert.rejects(cleo.join({}), new RegExp(`stopped ${ENDED.FULL}`));
  await eachHearsTheOthers([ann, bob]);
  // A camera too many goes on without being seen.
  await show(ann, RED, { width: 640, height: 360 });
  await bob.sees(ann.id, RED.seen);
  await show(bob, BLUE, { width: 640, height: 360 });
  await bob.until('bob may only watch', () => window.person.events.some(([name]) => name === 'view-only'));
  await bob.sees(ann.id, RED.seen);
  assert.equal(await ann.do(() => window.person.tiles().length), 0);
  await ann.do((what) => window.person.share(what), { colour: GREEN.name });
  await bob.sees(`${ann.id}#content`, GREEN.seen);
  await bob.do((what) => window.person.share(what), { colour: BLUE.name }).catch(() => {});
  await bob.until('bob is told that his screen is not shared', () => window.person.events.some(([name]) => name === 'not-sharing'));
  await bob.sees(`${ann.id}#content`, GREEN.seen);
});

for (const [relay, protocol] of [['udp', 'udp'], ['tcp', 'tcp'], ['tls', 'tls']]) {
  test(`med_16 through the relay over ${relay} people hear and see each other`, USUAL, async (context) => {
    const [tls] = await freePorts(1);
    const relayed = await World.start({ CHIME_MEDIA_RELAY: relay, CHIME_MEDIA_TLS_LISTEN: `127.0.0.1:${tls}` });
    context.after(() => relayed.stop());
    const own = relay === 'tls' ? await Stage.open(relayed.server.ca) : null;
    context.after(() => own?.close());
    const meeting = await relayed.meeting();
    const ann = await (own ?? stage).joined(relayed, meeting, 'ann', { hertz: TONES[0] });
    const bob = await (own ?? stage).joined(relayed, meeting, 'bob', { hertz: TONES[1] });
    await show(ann, RED, { width: 640, height: 360 });
    await eachHearsTheOthers([ann, bob]);
    await bob.sees(ann.id, RED.seen);
    for (const one of [ann, bob]) {
      const way = await one.do(() => window.person.way());
      assert.equal(way.candidateType, 'relay');
      assert.equal(way.relayProtocol, protocol);
    }
  });
}

test('med_17 whose network lets no datagrams through comes over TCP by itself, to hear and see the others', USUAL, async (context) => {
  // Nobody takes datagrams at the public port: there is only the cord, which is told where it leads when the server knows.
  const cord = await Cord.to(null);
  context.after(() => cord.close());
  const narrow = await World.start({ CHIME_MEDIA_PUBLIC: `127.0.0.1:${cord.port}` });
  context.after(() => narrow.stop());
  cord.leadsTo = narrow.server.mediaPort;
  const { people: [ann, bob] } = await together(2, {}, narrow);
  await show(ann, RED, { width: 640, height: 360 });
  await show(bob, BLUE, { width: 640, height: 360 });
  await eachHearsTheOthers([ann, bob]);
  await bob.sees(ann.id, RED.seen);
  await ann.sees(bob.id, BLUE.seen);
  for (const one of [ann, bob]) assert.equal((await one.do(() => window.person.way())).protocol, 'tcp');
});

test('a server that is restarted tells clients to come back, and they do', LONG, async (context) => {
  const mortal = await World.start();
  context.after(() => mortal.stop());
  const { people: [ann, bob] } = await together(2, {}, mortal);
  await eachHearsTheOthers([ann, bob]);
  await mortal.server.terminate();
  for (const one of [ann, bob]) {
    await one.until('the socket is closed with a code to come back on', () => window.closes[0] >= 4500 && window.closes[0] < 4600);
  }
  await mortal.server.launch();
  for (const one of [ann, bob]) {
    await one.until('it is connected again', () => window.person.events.filter(([name]) => name === 'started').length === 2, null, 30_000);
  }
  await eachHearsTheOthers([ann, bob]);
});

/** The demo page, with Join clicked. */
async function visit(name, before = () => {}) {
  const page = await stage.page(`${world.server.url}/demo/meeting?room=party`);
  await page.evaluate(before);
  await page.fill('#name', name);
  const joining = page.waitForResponse((response) => response.url().endsWith('/demo/meeting/join'));
  await page.click('#join-button');
  const { Meeting } = await (await joining).json();
  const shows = (what, holds, argument) => page.waitForFunction(holds, argument, { timeout: 15_000, polling: 50 })
    .catch((error) => {
      throw new Error(`the page of ${name} never showed ${what}: ${error.message}\n${page.log.slice(-12).join('\n')}`);
    });
  return { page, shows, name, meeting: Meeting };
}

test('the demo page: one click in two tabs, and people hear, see and write to each other', USUAL, async () => {
  const [ann, bob] = [await visit('Ann'), await visit('Bob')];
  for (const [one, other] of [[ann, bob], [bob, ann]]) {
    await one.shows('both people', ([first, second]) => {
      const people = [...document.querySelectorAll('#people li')].map((each) => each.textContent);
      return people.length === 2 && [`${first} (you)`, second].every((who) => people.some((each) => each.startsWith(who)));
    }, [one.name, other.name]);
    await one.shows('both videos', () => {
      const videos = [...document.querySelectorAll('.tile video')];
      return videos.length === 2 && videos.every((video) => video.getVideoPlaybackQuality().totalVideoFrames > 5);
    });
    await one.shows('who speaks: the beeps of the other microphone', (name) =>
      [...document.querySelectorAll('#people .speaking')].some((each) => each.textContent.startsWith(name)), other.name);
  }
  await ann.page.fill('#say-text', 'hello <b>there</b>');
  await ann.page.click('#say button');
  await bob.shows('the message', () => document.getElementById('chat').textContent.includes('hello <b>there</b>'));
  await ann.page.click('#mute');
  await bob.shows('that Ann is muted', () => document.querySelector('#people .muted') !== null);
  await ann.page.click('#leave');
  await ann.shows('the lobby', () => !document.getElementById('lobby').hidden);
  await bob.shows('that Ann left', () => document.querySelectorAll('#people li').length === 1);
  await world.end(bob.meeting);
  await bob.shows('that the meeting has ended', () => document.getElementById('lobby-note').textContent === 'The meeting has ended.');
  assert.deepEqual(bob.page.log.filter((line) => /^error:|Content Security Policy/.test(line)), []);
});

test('the demo page: who has no microphone and no camera hears and sees the others', USUAL, async () => {
  const ann = await visit('Ann');
  const bob = await visit('Bob', () => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
  });
  await bob.shows('what is missing', () => /no microphone.*no camera/.test(document.getElementById('banner').textContent));
  await bob.shows('the video of Ann', () => (document.querySelector('.tile video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 5);
  await bob.shows('that Ann speaks', () => document.querySelector('#people .speaking')?.textContent.startsWith('Ann'));
  await ann.shows('Bob', () => [...document.querySelectorAll('#people li')].some((each) => each.textContent.startsWith('Bob')));
});
