// What runs in the browser of the meeting suite: the unmodified SDK with a tone for a voice and a drawing for a camera.

import {
  AudioProfile, ConsoleLogger, DefaultDeviceController, DefaultMeetingSession, DefaultSimulcastUplinkPolicy, LogLevel,
  MeetingSessionConfiguration, NoOpDeviceController, VideoCodecCapability, VideoPriorityBasedPolicy, VideoPriorityBasedPolicyConfig, VideoPreference,
  VideoPreferences,
} from 'amazon-chime-sdk-js';

import { frames } from './meeting-frames.mjs';

const context = new AudioContext();

/** Level in decibels of full scale from which a tone counts as heard, and below which as not. */
const HEARD = -40;
const SILENT = -52;

/** Changes what this page's connections are answered. */
function answered(change) {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function changed(description) {
    return set.call(this, { type: description.type, sdp: change(description.sdp) });
  };
}

/** Sends the datagrams of this page's connections through another port, and nothing around it. */
const detour = (port) => answered((sdp) => sdp.replace(/^a=candidate:.* tcp .*\r\n/gm, '')
  .replace(/^(a=candidate:\S+ \d+ udp \d+) \S+ \d+ /gm, `$1 127.0.0.1 ${port} `));

/** Sends sound of 16 kHz, as clients on phones do. */
const narrow = () => answered((sdp) => sdp.replace(/useinbandfec=1/g, 'useinbandfec=1;maxplaybackrate=16000'));

/** Codes with which WebSockets of this page were closed, how many are not, and when the first was opened. */
const closes = [];
window.sockets = 0;
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    window.sockets += 1;
    this.addEventListener('close', ({ code }) => {
      closes.push(code);
      window.sockets -= 1;
    });
    this.addEventListener('open', () => { window.opened ??= performance.now(); });
  }
};

const sleep = (millis) => new Promise((resolve) => { setTimeout(resolve, millis); });

/** A second of noise, over and over. */
function noise() {
  const buffer = new AudioBuffer({ length: context.sampleRate, sampleRate: context.sampleRate });
  buffer.copyToChannel(Float32Array.from({ length: buffer.length }, () => Math.random() * 2 - 1), 0);
  return new AudioBufferSourceNode(context, { buffer, loop: true });
}

/** A stream with steady tones, in hertz, or with noise, and how loud it is. */
function toneStream(hertz, gain = 0.2) {
  const volume = context.createGain();
  volume.gain.value = gain;
  const out = context.createMediaStreamDestination();
  volume.connect(out);
  for (const each of [hertz].flat()) {
    const source = each === 'noise' ? noise() : new OscillatorNode(context, { frequency: each });
    source.connect(volume);
    source.start();
  }
  return { stream: out.stream, volume };
}

/** A stream of a moving drawing in one colour, so that a receiver can tell whose it is. */
function drawing(colour, width, height, rate = 15) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const paint = canvas.getContext('2d');
  let step = 0;
  const draw = () => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, width, height);
    // Something that moves keeps the encoder at work, away from the middle, which is looked at.
    for (let at = 0; at < 12; at += 1) {
      paint.fillStyle = `hsl(${(step * 7 + at * 30) % 360} 100% 50%)`;
      paint.fillRect((step * 5 + at * 83) % width, (at * 31) % (height / 5), 40, 24);
    }
    step += 1;
  };
  draw();
  setInterval(draw, 1000 / rate);
  return canvas.captureStream(rate);
}

class Person {
  constructor() {
    this.events = [];
    this.roster = {};
    this.volumes = {};
    this.data = [];
    this.speakers = [];
    this.reports = { metrics: 0, health: 0 };
  }

  note(name, ...details) { this.events.push([name, ...details]); }

  /** Joins; the answer comes when audio and video have started. */
  async join({ meeting, attendee, hertz, gain, policy, timeout, simulcast, svc, muted, port, phone, bitrate, cooldown, codec, patience, listener }) {
    if (port) detour(port);
    if (phone) narrow();
    const logger = new ConsoleLogger('sdk', LogLevel.WARN);
    const configuration = new MeetingSessionConfiguration({ Meeting: meeting }, { Attendee: attendee });
    if (timeout) configuration.connectionTimeoutMs = timeout;
    if (patience) configuration.reconnectTimeoutMs = patience;
    if (cooldown) configuration.connectionHealthPolicyConfiguration.cooldownTimeMs = cooldown;
    if (policy === 'priority') {
      const networkConfig = new VideoPriorityBasedPolicyConfig();
      networkConfig.serverSideNetworkAdaption = 3;
      this.policy = new VideoPriorityBasedPolicy(logger, networkConfig);
      configuration.videoDownlinkBandwidthPolicy = this.policy;
    }
    configuration.enableSVC = Boolean(svc);
    if (simulcast) {
      configuration.enableSimulcastForUnifiedPlanChromiumBasedBrowsers = true;
      configuration.videoUplinkBandwidthPolicy = new DefaultSimulcastUplinkPolicy(attendee.AttendeeId, logger);
    }
    this.session = new DefaultMeetingSession(configuration, logger, listener ? new NoOpDeviceController() : new DefaultDeviceController(logger));
    this.av = this.session.audioVideo;
    this.observe(attendee);
    if (codec) this.preferCodec(codec);
    if (bitrate) this.av.setAudioProfile(new AudioProfile(bitrate));
    const element = document.createElement('audio');
    document.body.append(element);
    this.element = element;
    await this.av.bindAudioElement(element);
    if (hertz) {
      const tone = toneStream(hertz, gain);
      this.volume = tone.volume;
      await context.resume();
      await this.av.startAudioInput(tone.stream);
    }
    const started = new Promise((resolve, reject) => {
      this.av.addObserver({
        audioVideoDidStart: () => { this.note('started'); resolve(); },
        audioVideoDidStop: (status) => { this.note('stopped', status.statusCode()); reject(new Error(`stopped ${status.statusCode()}`)); },
      });
    });
    started.catch(() => {});
    if (muted) this.av.realtimeMuteLocalAudio();
    const begun = performance.now();
    this.av.start();
    await started;
    this.startedAfter = performance.now() - begun;
    return this.startedAfter;
  }

  observe(attendee) {
    this.av.addObserver({
      audioVideoDidStartConnecting: (again) => this.note('connecting', again),
      connectionDidBecomePoor: () => this.note('poor'),
      connectionDidBecomeGood: () => this.note('good'),
      connectionDidSuggestStopVideo: () => this.note('suggests-no-video'),
      connectionHealthDidChange: () => { this.reports.health += 1; },
      metricsDidReceive: (report) => { if (report.getObservableMetrics()) this.reports.metrics += 1; },
      videoTileDidUpdate: (tile) => this.bind(tile),
      videoTileWasRemoved: (id) => { this.note('untile', id); document.getElementById(`tile-${id}`)?.remove(); },
      videoAvailabilityDidChange: (what) => this.note('available', what.canStartLocalVideo, what.remoteVideoAvailable),
      videoSendDidBecomeUnavailable: () => this.note('view-only'),
      remoteVideoSourcesDidChange: (sources) => this.note('sources', sources.map((each) => each.attendee.attendeeId)),
    });
    this.av.addContentShareObserver({
      contentShareDidStart: () => this.note('sharing'),
      contentShareDidStop: () => this.note('not-sharing'),
    });
    this.av.realtimeSubscribeToAttendeeIdPresence((id, present, external, dropped) => {
      this.note('presence', id, present, external, dropped);
      this.roster[id] = present;
      if (!present || this.volumes[id]) return;
      this.volumes[id] = {};
      this.av.realtimeSubscribeToVolumeIndicator(id, (_, volume, muted, signal) => {
        const known = this.volumes[id];
        if (volume !== null) known.volume = volume;
        if (muted !== null && known.muted !== muted) { known.muted = muted; this.note('muted', id, muted); }
        if (signal !== null) known.signal = signal;
      });
    });
    this.av.realtimeSubscribeToLocalSignalStrengthChange((signal) => { this.signal = signal; });
    this.av.realtimeSubscribeToReceiveDataMessage('chat', (message) => this.data.push({
      text: message.text(), from: message.senderAttendeeId, external: message.senderExternalUserId,
      throttled: message.throttled, at: message.timestampMs }));
    this.av.subscribeToActiveSpeakerDetector({
      calculateScore: (_id, volume, muted) => (muted ? 0 : volume),
      prioritizeVideoSendBandwidthForActiveSpeaker: () => false,
    }, (ids) => { this.speakers = ids; });
    this.me = attendee.AttendeeId;
  }

  bind(tile) {
    if (!tile.tileId || tile.localTile) return;
    let video = document.getElementById(`tile-${tile.tileId}`);
    if (!video) {
      video = document.createElement('video');
      video.id = `tile-${tile.tileId}`;
      Object.assign(video, { autoplay: true, muted: true, playsInline: true, width: 320, height: 180 });
      document.body.append(video);
      this.av.bindVideoElement(tile.tileId, video);
    }
    video.dataset.attendee = tile.boundAttendeeId ?? '';
    video.dataset.paused = tile.paused;
  }

  async show({ colour, width = 1280, height = 720, rate = 15 }) {
    await this.av.startVideoInput(drawing(colour, width, height, rate));
    this.av.startLocalVideoTile();
  }

  share({ colour, width = 1280, height = 720, hertz, rate = 10 }) {
    const stream = drawing(colour, width, height, rate);
    if (hertz) toneStream(hertz).stream.getAudioTracks().forEach((track) => stream.addTrack(track));
    return this.av.startContentShare(stream);
  }

  /** Shares what the browser takes for the screen. */
  async capture() {
    const media = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getDisplayMedia = async (wishes) => {
      const stream = await media(wishes);
      [this.screen] = stream.getVideoTracks();
      return stream;
    };
    await this.av.startContentShareFromScreenCapture();
    // Something on it has to move.
    const text = document.body.appendChild(document.createElement('h1'));
    setInterval(() => { text.textContent = performance.now(); }, 50);
  }

  captured() { return this.screen.getSettings().frameRate; }

  prefer(wishes) {
    const preferences = VideoPreferences.prepare();
    for (const { id, priority = 1, size = 3 } of wishes) preferences.add(new VideoPreference(id, priority, size));
    this.policy.chooseRemoteVideoSources(preferences.build());
  }

  /** How loud it speaks from now on. */
  speak(gain) { this.volume.gain.value = gain; }

  /** Milliseconds from the opening of the WebSocket until something is heard; to be asked for before the join. */
  async firstHeard() {
    await context.resume();
    while (!this.element?.srcObject) await sleep(1);
    const analyser = new AnalyserNode(context, { fftSize: 256 });
    context.createMediaStreamSource(this.element.srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    do {
      await sleep(1);
      analyser.getFloatTimeDomainData(samples);
    } while (!samples.some((sample) => Math.abs(sample) > 0.01));
    return performance.now() - window.opened;
  }

  /** Level in decibels of full scale at each of these frequencies, over the last third of a second. */
  spectrum(frequencies) {
    if (this.listened !== this.element.srcObject) {
      this.listened = this.element.srcObject;
      this.analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
      if (this.listened) context.createMediaStreamSource(this.listened).connect(this.analyser);
    }
    const bins = new Float32Array(this.analyser.frequencyBinCount);
    this.analyser.getFloatFrequencyData(bins);
    const width = context.sampleRate / this.analyser.fftSize;
    return frequencies.map((hertz) => {
      const at = Math.round(hertz / width);
      return Math.max(-200, ...bins.slice(at - 2, at + 3));
    });
  }

  /** Whether exactly the wanted tones are heard, for a second on end; else the levels that were against it last. */
  async hears({ frequencies, wanted, timeout }) {
    await context.resume();
    let levels = this.spectrum(frequencies);
    let since = null;
    for (const until = performance.now() + timeout; performance.now() < until;) {
      await sleep(150);
      levels = this.spectrum(frequencies);
      const ok = levels.every((level, at) => (wanted[at] ? level > HEARD : level < SILENT));
      since = ok ? since ?? performance.now() : null;
      if (since !== null && performance.now() - since > 1000) return { ok: true, levels };
    }
    return { ok: false, levels };
  }

  /** Videos that are on: whose, how large, the colour in their middle, and the time they have got to. */
  tiles() {
    return [...document.querySelectorAll('video')].filter((video) => video.videoWidth > 2).map((video) => {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width: 8, height: 8 });
      const paint = canvas.getContext('2d', { willReadFrequently: true });
      paint.drawImage(video, video.videoWidth / 2 - 8, video.videoHeight / 2 - 8, 16, 16, 0, 0, 8, 8);
      const [red, green, blue] = paint.getImageData(4, 4, 1, 1).data;
      return { attendee: video.dataset.attendee, paused: video.dataset.paused, width: video.videoWidth,
        height: video.videoHeight, colour: [red, green, blue], frames: video.getVideoPlaybackQuality().totalVideoFrames };
    });
  }

  /** Everything that was noticed. */
  all() {
    const { events, roster, volumes, data, speakers, signal, reports } = this;
    return { events, roster, volumes, data, speakers, signal, reports, closes, tiles: this.tiles() };
  }

  preferCodec(name) {
    const codecs = { VP8: VideoCodecCapability.vp8(), VP9: VideoCodecCapability.vp9(), AV1: VideoCodecCapability.av1(),
      H264: VideoCodecCapability.h264() };
    this.av.setVideoCodecSendPreferences([codecs[name], codecs.VP8]);
  }

  /** Whether pictures come in this codec now. */
  async receives(name) {
    const report = [...(await this.av.getRTCPeerConnectionStats()).values()];
    const video = report.filter((each) => each.type === 'inbound-rtp' && each.kind === 'video');
    return video.some((each) => each.framesPerSecond > 0 && report.find((codec) => codec.id === each.codecId)?.mimeType === `video/${name}`);
  }

  /** The codec of its voice, and its clock. */
  async speaks() {
    const report = [...(await this.av.getRTCPeerConnectionStats()).values()];
    const voice = report.find((each) => each.type === 'outbound-rtp' && each.kind === 'audio');
    const { mimeType, clockRate } = report.find((each) => each.id === voice.codecId);
    return `${mimeType} ${clockRate}`;
  }

  /** What its voice takes, in kbit/s, by the size of its next 100 packets, of which each has 20 ms. */
  async voiceRate() {
    const count = async () => (await this.stats('outbound-rtp')).find((each) => each.kind === 'audio');
    const from = await count();
    let to = from;
    for (; to.packetsSent < from.packetsSent + 100; to = await count()) await sleep(100);
    return ((to.bytesSent - from.bytesSent) * 8) / ((to.packetsSent - from.packetsSent) * 20);
  }

  /** Begins to note the coded frames of sound that go out, or come in. */
  follow(way) { this.frames = frames(way); }

  /** How many pictures went, of one encoding, or came. */
  async pictures(kind) {
    const videos = (await this.stats(kind)).filter((each) => each.kind === 'video');
    return Math.max(0, ...videos.map((each) => each.framesSent ?? each.framesReceived));
  }

  /** How the connection goes: the type of its candidate, and over what its relay is reached. */
  async way() {
    const report = [...(await this.av.getRTCPeerConnectionStats()).values()];
    const pair = report.find((each) => each.type === 'candidate-pair' && each.nominated && each.state === 'succeeded');
    const { candidateType, relayProtocol, protocol } = report.find((each) => each.id === pair?.localCandidateId) ?? {};
    return { candidateType, relayProtocol, protocol };
  }

  /** Counters of the peer connection. */
  async stats(kind) {
    const report = await this.av.getRTCPeerConnectionStats();
    return [...report.values()].filter((each) => each.type === kind).map((each) => ({ ...each }));
  }
}

window.closes = closes;
window.person = new Person();
