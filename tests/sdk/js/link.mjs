// A network path between a browser and the media port, of which a test says how wide, long and lossy it is.

import { createSocket } from 'node:dgram';
import { createConnection, createServer } from 'node:net';

const perfect = { kbps: Infinity, delay: 0, loss: 0 };
/** What waits longer than this is dropped, as a router does. */
const QUEUE_MILLIS = 200;

/** One direction: `pass` gives each datagram to `out` later, or never. */
class Way {
  #free = 0;
  #seed = 1;

  constructor() { this.set({}); }

  set(limits) { Object.assign(this, perfect, limits); }

  /** The same numbers in each run. */
  #random() {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
    return (this.#seed >>> 8) / 2 ** 24;
  }

  pass(bytes, out) {
    if (this.#random() < this.loss) return;
    const now = performance.now();
    const begins = Math.max(now, this.#free);
    if (begins - now > QUEUE_MILLIS) return;
    this.#free = begins + (this.kbps === Infinity ? 0 : (bytes.length * 8) / this.kbps);
    const wait = this.#free + this.delay - now;
    if (wait < 1) out(bytes);
    else setTimeout(out, wait, bytes);
  }
}

/** A UDP proxy in front of the media port. `up` is from the browser to the server, `down` the other way. */
export class Link {
  up = new Way();
  down = new Way();
  #peers = new Map();

  static async to(port) {
    const link = new Link();
    link.front = createSocket('udp4');
    link.front.on('message', (bytes, from) => {
      const back = link.#backOf(port, from);
      link.up.pass(bytes, (each) => link.open && back.send(each, port, '127.0.0.1'));
    });
    await new Promise((resolve) => { link.front.bind(0, '127.0.0.1', resolve); });
    link.open = true;
    link.port = link.front.address().port;
    return link;
  }

  /** Each address of a browser gets a socket of its own, so that the server can tell them apart. */
  #backOf(port, from) {
    const key = `${from.address}:${from.port}`;
    let back = this.#peers.get(key);
    if (!back) {
      back = createSocket('udp4');
      back.on('message', (bytes) => this.down.pass(bytes, (each) => this.open && this.front.send(each, from.port, from.address)));
      this.#peers.set(key, back);
    }
    return back;
  }

  close() {
    this.open = false;
    this.front.close();
    for (const back of this.#peers.values()) back.close();
  }
}

/** A TCP proxy in front of a port, whose connections can be cut as a network does it: without a word. */
export class Cord {
  #ends = new Set();
  made = 0;

  /** The port it leads to may be said later, in `leadsTo`. */
  static async to(port) {
    const cord = new Cord();
    cord.leadsTo = port;
    cord.listener = createServer((near) => {
      const far = createConnection(cord.leadsTo, '127.0.0.1');
      cord.made += 1;
      for (const [end, other] of [[near, far], [far, near]]) {
        cord.#ends.add(end);
        end.on('error', () => other.destroy());
        end.on('close', () => { cord.#ends.delete(end); other.destroy(); });
        end.pipe(other);
      }
    });
    await new Promise((resolve) => { cord.listener.listen(0, '127.0.0.1', resolve); });
    cord.port = cord.listener.address().port;
    return cord;
  }

  cut() { for (const end of this.#ends) end.resetAndDestroy(); }

  close() {
    this.cut();
    this.listener.close();
  }
}
