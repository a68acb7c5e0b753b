// Coded frames of sound on their way out of the page of the meeting suite, and into it.

const connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    connections.push(this);
  }
};

/** Lets frames pass, and tells what they are. */
const WORKER = `onrtctransform = ({ transformer: { readable, writable, options: { port } } }) => readable
  .pipeThrough(new TransformStream({ transform(frame, on) {
    port.postMessage([...new Uint8Array(frame.data)].map((each) => each.toString(16).padStart(2, '0')).join(''));
    on.enqueue(frame);
  } })).pipeTo(writable);`;

/** A list that gets each frame from now on, in hexadecimal. */
export function frames(way) {
  const connection = connections.findLast((each) => each.connectionState !== 'closed' && each.getReceivers().length > 0);
  const ends = way === 'out' ? connection.getSenders() : connection.getReceivers();
  const { port1, port2 } = new MessageChannel();
  const seen = [];
  port1.onmessage = ({ data }) => seen.push(data);
  const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })));
  ends.find(({ track }) => track?.kind === 'audio').transform = new RTCRtpScriptTransform(worker, { port: port2 }, [port2]);
  return seen;
}
