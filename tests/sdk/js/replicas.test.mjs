// Replicas of meetings in headless Chromium with the unmodified client: their attendees get what happens in the primary
// meeting, nobody gets anything of them, and they are promoted and sent back.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';

import { ENDED, Stage, World } from './meetings-harness.mjs';

const RED = { name: '#c02020', seen: [192, 32, 32] };
const BLUE = { name: '#2020c0', seen: [32, 32, 192] };
const TONES = { ann: 410, bob: 590, vic: 830, wes: 1130 };
const USUAL = { timeout: 90_000 };

/** What the client makes of the answer to a promotion, and of the end of one, as it numbers it. */
const STATUS = { OK: 0, REFUSED: 3, REMOVED_FROM_PRIMARY: 23 };

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

/** Ann and Bob in a meeting, Vic and Wes in a replica of it. */
async function webinar() {
  const primary = await world.meeting();
  const { Meeting: replica } = await world.api.createMeeting({
    ClientRequestToken: randomUUID(), ExternalMeetingId: 'replica', MediaRegion: 'us-east-1', PrimaryMeetingId: primary.MeetingId });
  const join = (meeting, name) => stage.joined(world, meeting, name, { hertz: TONES[name] });
  const [ann, bob] = await Promise.all([join(primary, 'ann'), join(primary, 'bob')]);
  const [vic, wes] = await Promise.all([join(replica, 'vic'), join(replica, 'wes')]);
  for (const one of [vic, wes]) {
    await one.do(() => window.person.av.addObserver({
      audioVideoWasDemotedFromPrimaryMeeting: (status) => window.person.note('demoted', status.statusCode()) }));
  }
  return { primary, replica, ann, bob, vic, wes, all: [ann, bob, vic, wes] };
}

const show = (person, colour) => person.do((what) => window.person.show(what), { colour: colour.name, width: 640, height: 360 });

/** What the client says of a promotion with these credentials. */
const promote = (person, attendee) => person.do(async ({ AttendeeId, ExternalUserId, JoinToken }) => {
  const credentials = { attendeeId: AttendeeId, externalUserId: ExternalUserId, joinToken: JoinToken };
  return (await window.person.av.promoteToPrimaryMeeting(credentials)).statusCode();
}, attendee);

const wasDemoted = (person, status) => person.until(`demoted with ${status}`, (wanted) =>
  window.person.events.some(([name, code]) => name === 'demoted' && code === wanted), status);

test('a replica hears and sees its primary meeting, and is neither heard nor seen nor known', USUAL, async () => {
  const { ann, bob, vic, wes, all } = await webinar();
  await show(ann, RED);
  await Promise.all([ann.hears([bob], all), bob.hears([ann], all), vic.hears([ann, bob], all), wes.hears([ann, bob], all)]);
  await Promise.all([vic.sees(ann.id, RED.seen), wes.sees(ann.id, RED.seen)]);
  await Promise.all([vic, wes].flatMap((viewer) => [ann, bob].map((one) => viewer.knows(one.id, true))));
  await show(vic, BLUE);
  await vic.until('vic may only watch', () => window.person.events.some(([name]) => name === 'view-only'));
  for (const [one, unknown] of [[ann, [vic, wes]], [bob, [vic, wes]], [vic, [wes]], [wes, [vic]]]) {
    for (const each of unknown) assert.deepEqual(await one.presenceOf(each.id), []);
  }
});

test('an attendee of a replica is promoted, heard, seen and known as another, and goes back', USUAL, async () => {
  const { primary, ann, bob, vic, wes, all } = await webinar();
  const guest = await world.attendee(primary, 'guest');
  assert.equal(await promote(vic, { ...guest, JoinToken: 'x'.repeat(guest.JoinToken.length) }), STATUS.REFUSED);
  assert.equal(await promote(vic, wes.attendee), STATUS.REFUSED, 'a token of the replica is none of the primary meeting');
  assert.equal(await promote(ann, guest), STATUS.REFUSED, 'ann is in no replica');
  await ann.hears([bob], all);
  assert.equal(await promote(vic, guest), STATUS.OK);
  await Promise.all([ann.hears([bob, vic], all), wes.hears([ann, bob, vic], all), vic.hears([ann, bob], all)]);
  await Promise.all([ann, wes].map((one) => one.knows(guest.AttendeeId, true)));
  await show(vic, BLUE);
  await Promise.all([ann, wes].map((one) => one.sees(guest.AttendeeId, BLUE.seen)));

  await vic.do(() => window.person.av.demoteFromPrimaryMeeting());
  await wasDemoted(vic, STATUS.OK);
  await Promise.all([ann.hears([bob], all), wes.hears([ann, bob], all), vic.hears([ann, bob], all)]);
  await Promise.all([ann, wes].map((one) => one.knows(guest.AttendeeId, false)));

  assert.equal(await promote(vic, guest), STATUS.OK, 'the same credentials are good again');
  await wes.hears([ann, bob, vic], all);
  await world.remove(primary, guest);
  await wasDemoted(vic, STATUS.REMOVED_FROM_PRIMARY);
  await Promise.all([ann.hears([bob], all), vic.hears([ann, bob], all)]);
  assert.equal(await promote(vic, guest), STATUS.REFUSED, 'its attendee was deleted');
});

test('who is promoted shares a screen as whom they were promoted to be, until they go back', USUAL, async () => {
  const { primary, ann, bob, vic, wes, all } = await webinar();
  const sound = 3490;
  const share = (one) => one.do((what) => window.person.share(what), { colour: BLUE.name, hertz: sound });
  const told = (one, name, count) => one.until(`${name}, ${count} times`, ([what, times]) =>
    window.person.events.filter(([each]) => each === what).length === times, [name, count]);
  await share(wes);
  await told(wes, 'not-sharing', 1);
  const guest = await world.attendee(primary, 'guest');
  const content = `${guest.AttendeeId}#content`;
  for (const [round, ends] of [() => vic.do(() => window.person.av.demoteFromPrimaryMeeting()), () => world.remove(primary, guest)].entries()) {
    assert.equal(await promote(vic, guest), STATUS.OK);
    await share(vic);
    for (const one of [ann, bob, wes]) {
      await one.knows(content, true);
      await one.sees(content, BLUE.seen);
    }
    await Promise.all([ann.hears([bob, vic, sound], [...all, sound]), vic.hears([ann, bob], [...all, sound])]);
    await told(vic, 'sharing', round + 1);
    assert.deepEqual(await vic.presenceOf(content), [], 'vic knows its own share by its own name');
    await vic.knows(`${vic.id}#content`, true);
    await ends();
    await told(vic, 'not-sharing', round + 1);
    // The client may have tried to bring the share back before it understood.
    await vic.until("the share's socket is closed", () => window.sockets === 1);
    for (const one of [ann, wes]) {
      await one.knows(content, false);
      await one.until('the shared screen is gone', () => window.person.tiles().length === 0);
    }
    await ann.hears([bob], [...all, sound]);
  }
  await vic.hears([ann, bob], all);
});

test('a replica ends alone, and outlives its primary meeting without a sound', USUAL, async () => {
  const { primary, replica, ann, bob, vic, wes, all } = await webinar();
  await world.end(primary);
  for (const one of [ann, bob]) await one.endsWith(ENDED.MEETING_ENDED);
  for (const one of [vic, wes]) {
    await one.until('it connects again', () => window.person.events.some(([name, again]) => name === 'connecting' && again));
  }
  await Promise.all([vic.hears([], all), wes.hears([], all)]);
  await world.end(replica);
  for (const one of [vic, wes]) await one.endsWith(ENDED.MEETING_ENDED);
});
