// What runs in the browser of the meeting suite: the unmodified SDK with a tone for a voice and a drawing for a camera.

import {
  ConsoleLogger, DefaultDeviceController, DefaultMeetingSession, DefaultSimulcastUplinkPolicy, LogLevel,
  MeetingSessionConfiguration, VideoPriorityBasedPolicy, VideoPriorityBasedPolicyConfig, VideoPreference,
  VideoPreferences, DefaultModality,
} from 'amazon-chime-sdk-js';

const context = new AudioContext();

/** A stream with a steady tone, in hertz. */
function toneStream(hertz, gain = 0.3) {
  const oscillator = context.createOscillator();
  oscillator.frequency.value = hertz;
  const volume = context.createGain();
  volume.gain.value = gain;
  const out = context.createMediaStreamDestination();
  oscillator.connect(volume).connect(out);
  oscillator.start();
  return out.stream;
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
  }

  note(name, ...details) { this.events.push([name, ...details]); }

  /** Joins; the answer comes when audio and video have started. */
  async join({ meeting, attendee, hertz, gain, policy, timeout, simulcast, muted }) {
    const logger = new ConsoleLogger('sdk', LogLevel.WARN);
    const configuration = new MeetingSessionConfiguration({ Meeting: meeting }, { Attendee: attendee });
    if (timeout) configuration.connectionTimeoutMs = timeout;
    if (policy === 'priority') {
      const networkConfig = new VideoPriorityBasedPolicyConfig();
      networkConfig.serverSideNetworkAdaption = 3;
      this.policy = new VideoPriorityBasedPolicy(logger, networkConfig);
      configuration.videoDownlinkBandwidthPolicy = this.policy;
    }
    if (simulcast) {
      configuration.enableSimulcastForUnifiedPlanChromiumBasedBrowsers = true;
      configuration.videoUplinkBandwidthPolicy = new DefaultSimulcastUplinkPolicy(attendee.AttendeeId, logger);
    }
    this.session = new DefaultMeetingSession(configuration, logger, new DefaultDeviceController(logger));
    this.av = this.session.audioVideo;
    this.observe(attendee);
    const element = document.createElement('audio');
    document.body.append(element);
    this.element = element;
    await this.av.bindAudioElement(element);
    if (hertz) await this.av.startAudioInput(toneStream(hertz, gain));
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

  share({ colour, width = 1280, height = 720, hertz }) {
    const stream = drawing(colour, width, height, 10);
    if (hertz) toneStream(hertz).getAudioTracks().forEach((track) => stream.addTrack(track));
    return this.av.startContentShare(stream);
  }

  prefer(wishes) {
    const preferences = VideoPreferences.prepare();
    for (const { id, priority = 1, size = 3 } of wishes) preferences.add(new VideoPreference(id, priority, size));
    this.policy.chooseRemoteVideoSources(preferences.build());
  }

  /** Level in decibels of full scale at each of these frequencies, over about `millis`. */
  async spectrum(frequencies, millis = 800) {
    const stream = this.element.srcObject;
    if (!stream) return frequencies.map(() => -200);
    await context.resume();
    const source = context.createMediaStreamSource(stream);
    const analyser = context.createAnalyser();
    analyser.fftSize = 16384;
    analyser.smoothingTimeConstant = 0;
    source.connect(analyser);
    await new Promise((resolve) => { setTimeout(resolve, millis); });
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    source.disconnect();
    const width = context.sampleRate / analyser.fftSize;
    return frequencies.map((hertz) => {
      const at = Math.round(hertz / width);
      return Math.max(...bins.slice(at - 2, at + 3));
    });
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

  /** Counters of the peer connection. */
  async stats(kind) {
    const report = await this.av.getRTCPeerConnectionStats();
    return [...report.values()].filter((each) => each.type === kind).map((each) => ({ ...each }));
  }
}

window.Modality = DefaultModality;
window.person = new Person();
