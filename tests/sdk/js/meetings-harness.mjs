// A server with meetings, and a browser whose pages are their attendees.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { ChimeSDKMeetings } from '@aws-sdk/client-chime-sdk-meetings';

import { Browser } from './chromium.mjs';
import { Server } from './harness.mjs';

const FLAGS = ['--mute-audio', '--autoplay-policy=no-user-gesture-required', '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream', '--disable-features=WebRtcHideLocalIpsWithMdns', '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows'];

/** Why sessions end, as the client numbers it. */
export const ENDED = { LEFT: 1, ELSEWHERE: 2, REFUSED: 3, FULL: 4, MEETING_ENDED: 5, REMOVED: 22 };

/** A server, and its API of meetings through the AWS SDK. */
export class World {
  static async start(settings) {
    const world = new World();
    world.server = await Server.start(settings);
    world.api = new ChimeSDKMeetings({ region: 'us-east-1', endpoint: world.server.url, credentials: world.server.root, maxAttempts: 1 });
    return world;
  }

  async meeting() {
    const { Meeting } = await this.api.createMeeting({
      ClientRequestToken: randomUUID(), ExternalMeetingId: 'meeting', MediaRegion: 'us-east-1' });
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

const near = (colour, other) => colour.every((each, at) => Math.abs(each - other[at]) < 60);

/** An attendee: what it does and notices goes through its page. */
export class Person {
  constructor(page, meeting, attendee) { Object.assign(this, { page, meeting, attendee, id: attendee.AttendeeId }); }

  join(options = {}) {
    this.hertz = options.hertz;
    return this.page.evaluate((all) => window.person.join(all), { meeting: this.meeting, attendee: this.attendee, ...options });
  }

  do(work, argument) { return this.page.evaluate(work, argument); }

  /** Waits until something is so in the page; if it never is, says what is instead. */
  async until(what, holds, argument, timeout = 10_000) {
    try {
      return await this.page.waitForFunction(holds, argument, { timeout, polling: 50 });
    } catch (error) {
      const known = await this.page.evaluate(() => window.person.all()).catch(() => 'the page is gone');
      throw new Error(`never within ${timeout} ms: ${what}\n${error.message.split('\n')[0]}\nknown: ${
        JSON.stringify(known)}\nlog: ${this.page.log.slice(-12).join('\n')}`);
    }
  }

  /** Hears these people and nobody else of `all`; a tone counts as absent only if it stays so for a second. */
  async hears(present, all, timeout = 10_000) {
    const frequencies = all.map((each) => each.hertz ?? each);
    const wanted = all.map((each) => present.includes(each));
    const heard = await this.page.evaluate((asked) => window.person.hears(asked), { frequencies, wanted, timeout });
    assert.ok(heard.ok, `hears ${heard.levels.map((level, at) =>
      `${frequencies[at]} Hz at ${level.toFixed(0)} dB (${wanted[at] ? 'wanted' : 'not wanted'})`).join(', ')}`);
  }

  /** Sees moving pictures of somebody, with this colour in their middle, for `steady` milliseconds on end. */
  async sees(id, colour, { width = () => true, steady = 0, timeout = 15_000 } = {}) {
    let last = null;
    let frames = Infinity;
    let moved = 0;
    let since = null;
    for (const until = Date.now() + timeout; Date.now() < until; await sleep(100)) {
      const tiles = await this.page.evaluate(() => window.person.tiles());
      last = tiles.find((tile) => tile.attendee === id);
      const now = Date.now();
      if (last && last.frames > frames) moved = now;
      frames = last?.frames ?? Infinity;
      const holds = last && near(last.colour, colour) && width(last.width) && now - moved < STILL;
      since = holds ? since ?? now : null;
      if (since !== null && now - since >= steady) return;
    }
    throw new Error(`never within ${timeout} ms: video of ${id} in ${colour} for ${steady} ms; the last was ${
      JSON.stringify(last)}, which moved ${Date.now() - moved} ms ago\nlog: ${this.page.log.slice(-12).join('\n')}`);
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
