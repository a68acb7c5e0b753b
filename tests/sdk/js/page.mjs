// What the browser test runs inside the page: the unmodified messaging session and the v3 client, nothing else.

import { ChimeSDKMessagingClient, SendChannelMessageCommand } from '@aws-sdk/client-chime-sdk-messaging';
import {
  ConsoleLogger, DefaultMessagingSession, LogLevel, MessagingSessionConfiguration, PrefetchOn,
} from 'amazon-chime-sdk-js';

window.chime = {
  received: [],
  events: [],

  /** Start a session; resolves once SESSION_ESTABLISHED has come, rejects with the close event. */
  async connect({ endpoint, credentials, userArn, prefetch }) {
    this.client = new ChimeSDKMessagingClient({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 });
    const configuration = new MessagingSessionConfiguration(userArn, null, undefined, this.client);
    if (prefetch) configuration.prefetchOn = PrefetchOn.Connect;
    this.session = new DefaultMessagingSession(configuration, new ConsoleLogger('chime', LogLevel.INFO));
    this.session.addObserver({
      messagingSessionDidStart: () => { this.events.push('started'); },
      messagingSessionDidStartConnecting: (again) => { this.events.push(again ? 'reconnecting' : 'connecting'); },
      messagingSessionDidStop: (event) => { this.events.push(`stopped ${event.code}`); },
      messagingSessionDidReceiveMessage: ({ type, headers, payload }) => {
        this.received.push({ type, headers, payload: payload && JSON.parse(payload) });
      },
    });
    try {
      await this.session.start();
      return 'started';
    } catch (event) {
      return `closed ${event.code}`;
    }
  },

  /** Send through the v3 client from this page; the error's name if it is refused. */
  async send({ channelArn, bearer, content }) {
    try {
      const { MessageId } = await this.client.send(new SendChannelMessageCommand({
        ChannelArn: channelArn, ChimeBearer: bearer, Content: content, Type: 'STANDARD', Persistence: 'PERSISTENT' }));
      return MessageId;
    } catch (error) {
      return `${error.name}: ${error.$metadata?.requestId ? 'with a request id' : error.message}`;
    }
  },
};
