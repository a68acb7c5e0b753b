// Who is there: one tile on the stage and one row of the roster for each, kept up to date by `draw`.

import { $, element, icon, speak } from './page.mjs';

const people = new Map();
const WEAK = 0.5;

/** The name in an external user id, which is `NAME#random`. */
export const nameOf = (externalUserId) => externalUserId.replace(/#[^#]*$/, '') || externalUserId;

const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => [...word][0] ?? '').join('').toUpperCase();
const hueOf = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);

const mark = (kind, drawing, words) => element('span', { className: `mark ${kind}`, title: words }, icon(drawing),
  element('span', { className: 'unseen', textContent: words }));

/** Somebody new, or somebody known; a share of a screen is a person whose id ends in `#content`. */
export function person(id, externalUserId, me) {
  let one = people.get(id);
  if (!one) {
    const content = id.endsWith('#content');
    const tile = element('figure', { className: 'tile' });
    const face = element('div', { className: 'face', ariaHidden: 'true' });
    const plate = element('figcaption', { className: 'plate' });
    tile.classList.toggle('me', me);
    tile.classList.toggle('content', content);
    tile.append(face, plate);
    one = { id, me, content, tile, face, plate, muted: false, signal: 1, speaking: false, name: '' };
    if (!content) {
      one.row = element('li');
      $('people').append(one.row);
      $('stage').append(tile);
    }
    people.set(id, one);
  }
  // A video may come before the roster says whose it is.
  if (externalUserId && !one.name) {
    one.name = nameOf(externalUserId);
    one.face.textContent = initials(one.name);
    one.tile.style.setProperty('--hue', hueOf(one.name));
    if (!me) speak(one.content ? `${one.name} shares a screen` : `${one.name} joined`);
  }
  draw(one);
  return one;
}

/** Somebody left. */
export function gone(id) {
  const known = people.get(id);
  if (!known) return;
  known.tile.remove();
  known.row?.remove();
  people.delete(id);
  speak(known.content ? 'The screen is no longer shared' : `${known.name} left`);
  arrange();
}

export function forgetAll() { for (const id of [...people.keys()]) gone(id); }

export const find = (id) => people.get(id);
export const ofTile = (tileId) => [...people.values()].find((one) => one.tileId === tileId);

/** The video of somebody, made when first asked for. */
export function videoOf(one) {
  if (!one.video) {
    one.video = element('video', { autoplay: true, playsInline: true, muted: true });
    one.tile.prepend(one.video);
    if (one.content) $('stage').append(one.tile);
    draw(one);
  }
  return one.video;
}

export function withoutVideo(one) {
  one.video?.remove();
  delete one.video;
  delete one.tileId;
  if (one.content) one.tile.remove();
  arrange();
}

/** Marks the active speakers, loudest first. */
export function speakers(ids) {
  for (const one of people.values()) {
    const speaking = ids.includes(one.id);
    if (one.speaking !== speaking) draw(Object.assign(one, { speaking }));
  }
}

/** Shows what is known of somebody: name, muted, weak connection, speaking. */
export function draw(one) {
  const weak = one.signal < WEAK || one.poor;
  const marks = () => [
    ...(one.muted ? [mark('muted', 'mic-off', 'muted')] : []),
    ...(weak ? [mark('weak', 'weak', 'weak connection')] : []),
  ];
  const name = `${one.name}${one.content ? ': shared screen' : ''}${one.me && !one.content ? ' (you)' : ''}`;
  one.video?.setAttribute('aria-label', `Video of ${name}`);
  one.plate.replaceChildren(element('span', { textContent: name }), ...marks());
  one.tile.classList.toggle('speaking', one.speaking);
  one.row?.classList.toggle('speaking', one.speaking);
  one.row?.replaceChildren(element('i', { className: 'meter', ariaHidden: 'true' }), element('span', { textContent: name }),
    ...(one.speaking ? [element('span', { className: 'unseen', textContent: 'speaking' })] : []), ...marks());
  arrange();
}

/** The largest tiles that the stage has room for. A shared screen takes two thirds of its height. */
export function arrange() {
  const stage = $('stage');
  const shared = stage.querySelectorAll('.content').length;
  const faces = stage.children.length - shared;
  $('people-count').textContent = `(${$('people').children.length})`;
  const gap = 12;
  const [width, height] = [stage.clientWidth - 36, stage.clientHeight];
  const forFaces = shared ? height / 3 : height;
  let wide = 120;
  for (let columns = 1; columns <= faces; columns += 1) {
    const rows = Math.ceil(faces / columns);
    const fits = [(width - gap * (columns - 1)) / columns, ((forFaces - gap * (rows - 1)) / rows) * (16 / 9)];
    wide = Math.max(wide, Math.floor(Math.min(...fits)));
  }
  stage.style.setProperty('--wide', `${wide}px`);
  stage.style.setProperty('--shared', `${Math.floor((height * 2) / 3 / Math.max(shared, 1)) - gap}px`);
}
