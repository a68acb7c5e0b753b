// A server with meetings, and a browser whose pages are their attendees.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { ChimeSDKMeetings } from '@aws-sdk/client-chime-sdk-meetings';

import { Browser } from './chromium.mjs';
import { Server } from './harness.mjs';

const FLAGS = ['--mute-audio', '--autoplay-policy=no-user-gesture-required', '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream', '--auto-select-desktop-capture-source=Entire screen', '--disable-features=WebRtcHideLocalIpsWithMdns', '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows'];

/** Why sessions end, as the client numbers it. */
export const ENDED = { LEFT: 1, ELSEWHERE: 2, REFUSED: 3, FULL: 4, MEETING_ENDED: 5, TASK_FAILED: 18, REMOVED: 22 };

/** A server, and its API of meetings through the AWS SDK. */
export class World {
  static async start(settings) {
    const world = new World();
    world.server = await Server.start(settings);
    world.api = new ChimeSDKMeetings({ region: 'us-east-1', endpoint: world.server.url, credentials: world.server.root, maxAttempts: 1 });
    return world;
  }

  async meeting(MediaRegion = 'us-east-1') {
    const { Meeting } = await this.api.createMeeting({ ClientRequestToken: randomUUID(), ExternalMeetingId: 'meeting', MediaRegion });
    return Meeting;
  }

  /** A meeting as this server tells it now. */
  async asked({ MeetingId }) {
    const { Meeting } = await this.api.getMeeting({ MeetingId });
    return Meeting;
  }

  async attendee({ MeetingId }, name, Capabilities) {
    const { Attendee } = await this.api.createAttendee({ MeetingId, ExternalUserId: `${name}#1`, Capabilities });
    return Attendee;
  }

  end({ MeetingId }) { return this.api.deleteMeeting({ MeetingId }); }

  remove({ MeetingId }, { AttendeeId }) { return this.api.deleteAttendee({ MeetingId, AttendeeId }); }

  allow({ MeetingId }, { AttendeeId }, Capabilities) {
    return this.api.updateAttendeeCapabilities({ MeetingId, AttendeeId, Capabilities });
  }

  stop() { return this.server.stop(); }
}

/** The port in `host:port`. */
export const portOf = (address) => Number(address.split(':').at(-1));

/** The same meeting, signaled through another port. */
export const throughPort = (meeting, port) => {
  const url = new URL(meeting.MediaPlacement.SignalingUrl);
  url.port = port;
  return { ...meeting, MediaPlacement: { ...meeting.MediaPlacement, SignalingUrl: url.href } };
};

/** A browser whose pages run the unmodified client. */
export class Stage extends Browser {
  static open(ca) { return super.open('meeting-page.mjs', ca, FLAGS); }

  /** Somebody with a page of their own who has not joined yet. */
  async person(meeting, attendee) {
    return new Person(await this.page(), meeting, attendee);
  }

  /** Somebody new in a meeting. */
  async joined(world, meeting, name, options) {
    const person = await this.person(meeting, await world.attendee(meeting, name));
    await person.join(options);
    return person;
  }
}

/** Milliseconds without a new picture after which a video stands still. */
const STILL = 1500;

/** Milliseconds after which a join counts as failed, though the client tries for two minutes. */
const LONGEST_JOIN = 20_000;

const near = (colour, other) => colour.every((each, at) => Math.abs(each - other[at]) < 60);

/** An attendee: what it does and notices goes through its page. */
export class Person {
  constructor(page, meeting, attendee) { Object.assign(this, { page, meeting, attendee, id: attendee.AttendeeId }); }

  /** Joins; rejects with `stopped CODE` if it is refused. */
  async join(options = {}) {
    this.hertz = options.hertz;
    const joining = this.page.evaluate((all) => window.person.join(all), { meeting: this.meeting, attendee: this.attendee, ...options });
    joining.catch(() => {});
    const late = sleep(LONGEST_JOIN, 'late', { ref: false });
    if (await Promise.race([joining, late]) === 'late') throw new Error(`has not joined within ${LONGEST_JOIN} ms\n${await this.#known()}`);
    return joining;
  }

  do(work, argument) { return this.page.evaluate(work, argument); }

  /** Waits until something is so in the page; if it never is, says what is instead. */
  async until(what, holds, argument, timeout = 10_000) {
    for (const end = Date.now() + timeout; Date.now() < end; await sleep(50)) {
      if (await this.page.evaluate(holds, argument)) return;
    }
    throw new Error(`never within ${timeout} ms: ${what}\n${await this.#known()}`);
  }

  /** Everything it noticed, for a message. */
  async #known() {
    const all = await this.page.evaluate(() => window.person.all()).catch(() => 'the page is gone');
    return `known: ${JSON.stringify(all)}\nlog: ${this.page.log.slice(-12).join('\n')}`;
  }

  /** Hears these people and nobody else of `all`; a tone counts as absent only if it stays so for a second. */
  async hears(present, all, timeout = 10_000) {
    const frequencies = all.map((each) => each.hertz ?? each);
    const wanted = all.map((each) => present.includes(each));
    const heard = await this.page.evaluate((asked) => window.person.hears(asked), { frequencies, wanted, timeout });
    assert.ok(heard.ok, `hears ${heard.levels.map((level, at) =>
      `${frequencies[at]} Hz at ${level.toFixed(0)} dB (${wanted[at] ? 'wanted' : 'not wanted'})`).join(', ')}`);
  }

  /** Looks, each time it is called, whether moving pictures of somebody have this colour in their middle, and this width. */
  #watch(id, colour, width) {
    let frames = Infinity;
    let moved = 0;
    return async () => {
      const tiles = await this.page.evaluate(() => window.person.tiles());
      const tile = tiles.find((each) => each.attendee === id);
      if (tile && tile.frames > frames) moved = Date.now();
      frames = tile?.frames ?? Infinity;
      const holds = tile !== undefined && near(tile.colour, colour) && width(tile.width) && Date.now() - moved < STILL;
      const what = `video of ${id} in ${colour}; it is ${JSON.stringify(tile)} and ${
        moved ? `moved ${Date.now() - moved} ms ago` : 'never moved'}\nlog: ${this.page.log.slice(-12).join('\n')}`;
      return { holds, what };
    };
  }

  /** Sees moving pictures of somebody, with this colour in their middle, for `steady` milliseconds on end. */
  async sees(id, colour, { width = () => true, steady = 0, timeout = 15_000 } = {}) {
    const look = this.#watch(id, colour, width);
    let since = null;
    let seen = await look();
    for (const until = Date.now() + timeout; Date.now() < until; await sleep(100)) {
      seen = await look();
      since = seen.holds ? since ?? Date.now() : null;
      if (since !== null && Date.now() - since >= steady) return;
    }
    throw new Error(`never within ${timeout} ms for ${steady} ms: ${seen.what}`);
  }

  /** Sees them without a break until something else is done. */
  async keepsSeeing(id, colour, width, work) {
    const look = this.#watch(id, colour, width);
    let done = false;
    const finished = work.finally(() => { done = true; });
    finished.catch(() => {});
    for (let begun = false; !done; await sleep(100)) {
      const { holds, what } = await look();
      if (begun && !holds) throw new Error(`no longer: ${what}`);
      begun ||= holds;
    }
    return finished;
  }

  /** Its session has ended with this status. */
  endsWith(code, timeout) {
    return this.until(`the session ends with ${code}`, (wanted) =>
      window.person.events.some(([name, status]) => name === 'stopped' && status === wanted), code, timeout);
  }

  /** Somebody else is present, or not; and, if told, whether it was dropped. */
  knows(id, present, dropped, timeout) {
    return this.until(`${id} is ${present ? 'present' : 'gone'}`, ([who, here, lost]) => {
      const [,, there, , fell] = window.person.events.findLast(([name, each]) => name === 'presence' && each === who) ?? [];
      return there === here && (lost === null || fell === lost);
    }, [id, present, dropped ?? null], timeout);
  }

  /** What this person was told about somebody's presence, in order. */
  presenceOf(id) {
    return this.page.evaluate((who) => window.person.events.filter(([name, each]) => name === 'presence' && each === who)
      .map(([, , present, , dropped]) => (present ? 'present' : dropped ? 'dropped' : 'left')), id);
  }
}
