// The demo of meetings: one click, and people hear and see each other. Everything goes through the public npm package.

import {
  ConsoleLogger, DefaultActiveSpeakerPolicy, DefaultDeviceController, DefaultMeetingSession, LogLevel,
  MeetingSessionConfiguration, MeetingSessionStatusCode as Code,
} from 'amazon-chime-sdk-js';

import { startChat } from './chat.mjs';
import { openDevices, preferred, startPickers, why } from './devices.mjs';
import { $, label } from './page.mjs';
import { arrange, draw, find, forgetAll, gone, nameOf, ofTile, person, speakers, videoOf, withoutVideo } from './people.mjs';

const ENDINGS = {
  [Code.Left]: '',
  [Code.AudioJoinedFromAnotherDevice]: 'You joined this meeting from another device, so you left it here.',
  [Code.AudioAuthenticationRejected]: 'The server did not let you in: this invitation is no longer valid. Join again for a new one.',
  [Code.AudioCallAtCapacity]: 'This meeting is full. Try again when somebody has left.',
  [Code.MeetingEnded]: 'The meeting has ended.',
  [Code.AudioAttendeeRemoved]: 'You were removed from the meeting.',
};

let session = null;
let audioVideo = null;
let microphone = false;
let camera = false;
let sharing = false;

/** How the connection is, which stays until it changes, and passing notes, which it hides. */
const banner = { state: '', note: '' };
const show = (what) => { $('banner').textContent = Object.assign(banner, what).state || banner.note; };

function note(words) {
  show({ note: words });
  setTimeout(() => { if (banner.note === words) show({ note: '' }); }, 12_000);
}

async function admission(Room, Name) {
  const answer = await fetch('/demo/meeting/join', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ Room, Name }),
  }).catch(() => { throw new Error('The server cannot be reached. Is it running?'); });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`The server answered: ${body.Message ?? body.message ?? answer.statusText}`);
  return body;
}

async function join() {
  const [room, name] = [$('room').value.trim(), $('name').value.trim()];
  const wantsCamera = $('with-camera').checked;
  localStorage.setItem('chime-name', name);
  history.replaceState(null, '', `?${new URLSearchParams({ room })}`);
  $('lobby-note').textContent = '';
  const opening = openDevices(wantsCamera);
  const close = async () => { for (const track of (await opening).stream.getTracks()) track.stop(); };
  const { Meeting, Attendee } = await admission(room, name).catch(async (error) => { await close(); throw error; });
  const devices = await opening;

  const logger = new ConsoleLogger('meeting', LogLevel.WARN);
  const configuration = new MeetingSessionConfiguration({ Meeting }, { Attendee });
  configuration.enableSimulcastForUnifiedPlanChromiumBasedBrowsers = true;
  session = new DefaultMeetingSession(configuration, logger, new DefaultDeviceController(logger));
  audioVideo = session.audioVideo;
  audioVideo.chooseVideoInputQuality(1280, 720, 15);
  observe(Attendee.AttendeeId);
  startChat(audioVideo, nameOf(Attendee.ExternalUserId));
  startPickers(use, (error) => note(`That device did not work: ${why(error)}.`));
  await audioVideo.bindAudioElement($('sound'));

  $('room-title').textContent = room;
  document.title = `${room} · Meeting`;
  $('lobby').hidden = true;
  $('meeting').hidden = false;
  $('stage').focus();
  show({ state: 'Connecting…', note: '' });

  const has = (kind) => devices.stream.getTracks().some((track) => track.kind === kind);
  const missing = [];
  const starting = async (kind, words) => {
    try {
      await use(kind, await preferred(kind));
    } catch (error) {
      missing.push(`${words}: ${why(error)}`);
    }
  };
  if (has('audio')) await starting('audioinput', 'no microphone');
  else missing.push('no microphone: you can listen');
  audioVideo.start();
  if (wantsCamera && has('video')) await starting('videoinput', 'no camera');
  else if (wantsCamera) missing.push('no camera: you joined with audio only');
  await close();
  const speaker = await preferred('audiooutput');
  // Some browsers let their user alone choose it.
  if (speaker) await use('audiooutput', speaker).catch(() => {});
  controls();
  if (devices.insecure) note('Browsers give microphone and camera to pages over https or from localhost only: you can listen and watch.');
  else if (missing.length) note(`You have ${missing.join('; ')}.`);
}

/** Starts a device that was chosen. */
async function use(kind, id) {
  if (kind === 'audiooutput') return audioVideo.chooseAudioOutput(id);
  if (id === undefined) throw new DOMException('', 'NotFoundError');
  if (kind === 'audioinput') {
    await audioVideo.startAudioInput(id);
    microphone = true;
  } else {
    await audioVideo.startVideoInput(id);
    audioVideo.startLocalVideoTile();
    camera = true;
  }
  return controls();
}

function observe(me) {
  audioVideo.addObserver({
    audioVideoDidStartConnecting: (again) => show({ state: again ? 'The connection was lost. Reconnecting…' : 'Connecting…' }),
    audioVideoDidStart: () => show({ state: '' }),
    audioVideoDidStop: ended,
    videoTileDidUpdate: (tile) => {
      if (!tile.boundAttendeeId) return;
      const one = person(tile.boundAttendeeId, tile.boundExternalUserId, tile.boundAttendeeId.startsWith(me));
      const video = videoOf(one);
      one.poor = tile.poorConnection;
      if (one.tileId !== tile.tileId || tile.boundVideoElement !== video) {
        one.tileId = tile.tileId;
        audioVideo.bindVideoElement(tile.tileId, video);
      }
      draw(one);
    },
    videoTileWasRemoved: (tileId) => {
      const one = ofTile(tileId);
      if (one) withoutVideo(one);
    },
    videoSendDidBecomeUnavailable: () => { camera = false; controls(); note('All places for cameras are taken: yours stays off.'); },
    connectionDidBecomePoor: () => note('Your connection is weak.'),
    connectionDidSuggestStopVideo: () => note('Your connection is weak: stopping your camera would help.'),
  });
  audioVideo.addContentShareObserver({
    contentShareDidStart: () => { sharing = true; controls(); },
    contentShareDidStop: () => { sharing = false; controls(); },
  });
  audioVideo.realtimeSubscribeToAttendeeIdPresence((id, present, externalUserId, dropped) => {
    if (!present) {
      if (dropped && find(id)) note(`${find(id).name} lost the connection.`);
      gone(id);
      return;
    }
    const one = person(id, externalUserId, id.startsWith(me));
    if (one.heard) return;
    one.heard = true;
    audioVideo.realtimeSubscribeToVolumeIndicator(id, (_id, _volume, muted, signal) => {
      const now = { muted: muted ?? one.muted, signal: signal ?? one.signal };
      if (now.muted !== one.muted || now.signal !== one.signal) draw(Object.assign(one, now));
    });
  });
  audioVideo.realtimeSubscribeToMuteAndUnmuteLocalAudio(controls);
  audioVideo.subscribeToActiveSpeakerDetector(new DefaultActiveSpeakerPolicy(), speakers);
}

/** Shows which switches are on. */
function controls() {
  const muted = audioVideo.realtimeIsLocalAudioMuted();
  $('mute').disabled = !microphone;
  label($('mute'), muted || !microphone ? 'mic-off' : 'mic', microphone ? (muted ? 'Unmute' : 'Mute') : 'No microphone');
  $('mute').classList.toggle('off', muted || !microphone);
  label($('camera'), camera ? 'camera' : 'camera-off', camera ? 'Stop camera' : 'Start camera');
  $('camera').classList.toggle('off', !camera);
  label($('share'), 'screen', sharing ? 'Stop sharing' : 'Share screen');
  $('share').setAttribute('aria-pressed', sharing);
  $('share').hidden = !navigator.mediaDevices?.getDisplayMedia;
}

/** The session is over: back to the lobby, which says why. */
async function ended(status) {
  const code = status.statusCode();
  const words = ENDINGS[code] ?? `The connection to the meeting was lost (${Code[code]}). Join again to go on.`;
  const old = audioVideo;
  session = null;
  microphone = false;
  camera = false;
  sharing = false;
  await Promise.allSettled([old.stopAudioInput(), old.stopVideoInput(), old.stopContentShare()]);
  old.unbindAudioElement();
  forgetAll();
  $('devices').close();
  $('meeting').hidden = true;
  $('lobby').hidden = false;
  $('lobby-note').textContent = words;
  $('join-button').focus();
}

async function toggleCamera() {
  if (!camera) {
    await use('videoinput', await preferred('videoinput'));
  } else {
    audioVideo.stopLocalVideoTile();
    await audioVideo.stopVideoInput();
    camera = false;
  }
  controls();
}

async function toggleShare() {
  if (sharing) return audioVideo.stopContentShare();
  return audioVideo.startContentShareFromScreenCapture();
}

/** A button that cannot be pressed again while its work goes on. */
function does(id, work, failed) {
  $(id).onclick = async () => {
    $(id).disabled = true;
    try {
      await work();
    } catch (error) {
      note(failed(error));
    } finally {
      $(id).disabled = false;
      if (session) controls();
    }
  };
}

$('join').onsubmit = async (event) => {
  event.preventDefault();
  $('join-button').disabled = true;
  $('join-button').textContent = 'Joining…';
  try {
    await join();
  } catch (error) {
    $('lobby-note').textContent = error.message;
  } finally {
    $('join-button').disabled = false;
    $('join-button').textContent = 'Join';
  }
};

$('mute').onclick = () => {
  if (audioVideo.realtimeIsLocalAudioMuted()) audioVideo.realtimeUnmuteLocalAudio();
  else audioVideo.realtimeMuteLocalAudio();
};
does('camera', toggleCamera, (error) => `The camera cannot be used: ${why(error)}.`);
does('share', toggleShare, (error) => `The screen is not shared: ${why(error)}.`);
does('invite', async () => {
  await navigator.clipboard.writeText(location.href);
  note('The invite link is copied.');
}, () => `The invite link: ${location.href}`);
$('leave').onclick = () => audioVideo.stop();
$('side-button').onclick = () => {
  const open = $('side').hidden;
  $('side').hidden = !open;
  $('side-button').setAttribute('aria-expanded', open);
  $('meeting').classList.toggle('wide', !open);
  arrange();
};
window.addEventListener('pagehide', () => { if (session) audioVideo.stop(); });
new ResizeObserver(arrange).observe($('stage'));

const wanted = new URLSearchParams(location.search);
$('room').value = wanted.get('room') ?? 'demo';
$('name').value = wanted.get('name') ?? localStorage.getItem('chime-name') ?? `Guest ${Math.floor(100 + Math.random() * 900)}`;
$('join-button').focus();
