// How long after the opening of its WebSocket the unmodified client in Chromium hears the meeting: `scripts/bench-join.sh`.

import { Stage, World } from './meetings-harness.mjs';

const ROUNDS = Number(process.argv[2] ?? 20);

const world = await World.start();
const stage = await Stage.open(world.server.ca);
try {
  const meeting = await world.meeting();
  const talker = await stage.joined(world, meeting, 'talker', { hertz: 410 });
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const person = await stage.person(meeting, await world.attendee(meeting, `listener${round}`));
    const heard = person.do(() => window.person.firstHeard());
    await person.join();
    times.push(await heard);
    await person.page.close();
  }
  await talker.page.close();
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(part * times.length))].toFixed(0);
  console.log(`${ROUNDS} joins in Chromium, WebSocket open to first sound: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, worst ${at(1)} ms`);
} finally {
  await stage.close();
  await world.stop();
}
