// Chat by data messages: kept five minutes by the server for those who join later.

import { $, element } from './page.mjs';
import { nameOf } from './people.mjs';

const TOPIC = 'chat';
const LIFETIME = 5 * 60 * 1000;
const LARGEST = 2048;

function line(name, text, at, className = '') {
  const time = element('time', { textContent: at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }) });
  const log = $('chat');
  log.append(element('li', { className }, element('b', { textContent: name }), time, element('div', { textContent: text })));
  log.scrollTop = log.scrollHeight;
}

export function startChat(audioVideo, myName) {
  $('chat').replaceChildren();
  audioVideo.realtimeSubscribeToReceiveDataMessage(TOPIC, (message) => {
    // A message that comes back to its sender was one too many.
    if (message.throttled) line('Not delivered', message.text(), new Date(), 'note');
    else line(nameOf(message.senderExternalUserId), message.text(), new Date(message.timestampMs || Date.now()));
  });
  $('say').onsubmit = (event) => {
    event.preventDefault();
    const text = $('say-text').value.trim();
    if (!text) return;
    if (new TextEncoder().encode(text).length > LARGEST) {
      line('Not delivered', 'This message is too long.', new Date(), 'note');
      return;
    }
    audioVideo.realtimeSendDataMessage(TOPIC, text, LIFETIME);
    line(myName, text, new Date());
    $('say-text').value = '';
  };
}
