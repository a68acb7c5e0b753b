// Microphone, camera and speaker: asking for them once, choosing them, and doing without.

import { $, element } from './page.mjs';

const WHY = {
  NotAllowedError: 'permission was refused',
  NotFoundError: 'none was found',
  NotReadableError: 'another program holds it',
};
export const why = (error) => WHY[error?.cause?.name ?? error?.name] ?? 'it could not be started';

const remembered = (kind) => localStorage.getItem(`chime-${kind}`);

/** Asks for both at once, so that the browser asks its user once; then for what can be had alone. Null if refused. */
async function ask(constraints) {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch {
    return null;
  }
}

/** What there is to hear and see with. The stream is kept open until its tracks are stopped, so that opening again is quick. */
export async function openDevices(withCamera) {
  if (!navigator.mediaDevices) return { stream: new MediaStream(), insecure: true };
  const stream = (await ask({ audio: true, video: withCamera })) ?? (await ask({ audio: true }))
    ?? (withCamera ? await ask({ video: true }) : null) ?? new MediaStream();
  return { stream, insecure: false };
}

const list = async (kind) => (await navigator.mediaDevices?.enumerateDevices() ?? [])
  .filter((device) => device.kind === kind && device.deviceId);

/** The device used last if it is still there, else the browser's first; undefined if there is none. */
export async function preferred(kind) {
  const devices = await list(kind);
  return (devices.find((device) => device.deviceId === remembered(kind)) ?? devices[0])?.deviceId;
}

/** Fills the dialog and keeps it in step; `use(kind, id)` starts a device and throws if it cannot. */
export function startPickers(use, failed) {
  const pickers = { audioinput: $('pick-mic'), videoinput: $('pick-camera'), audiooutput: $('pick-speaker') };
  const fill = async () => {
    for (const [kind, select] of Object.entries(pickers)) {
      const devices = await list(kind);
      const chosen = await preferred(kind);
      select.replaceChildren(...devices.map((device, at) => element('option', {
        value: device.deviceId, textContent: device.label || `Device ${at + 1}`, selected: device.deviceId === chosen })));
      select.disabled = devices.length === 0;
      if (devices.length === 0) {
        const words = kind === 'audiooutput' ? 'The browser chooses it' : 'None found';
        select.append(element('option', { textContent: words }));
      }
    }
  };
  for (const [kind, select] of Object.entries(pickers)) {
    select.onchange = async () => {
      localStorage.setItem(`chime-${kind}`, select.value);
      await use(kind, select.value).catch(failed);
    };
  }
  $('devices-button').onclick = async () => { await fill(); $('devices').showModal(); };
  if (navigator.mediaDevices) navigator.mediaDevices.ondevicechange = fill;
}
