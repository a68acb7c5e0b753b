// The JavaScript SDK v3 from Node: identity, messaging, meetings, and their error classes.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { after, before, test } from 'node:test';

import * as Meetings from '@aws-sdk/client-chime-sdk-meetings';
import * as Messaging from '@aws-sdk/client-chime-sdk-messaging';

import { Server, clientsOf, worldOf } from './harness.mjs';

let server;
before(async () => { server = await Server.start(); });
after(async () => { await server?.stop(); });

const channelOf = async (world, bearer, more = {}) => (await world.messaging.createChannel({
  AppInstanceArn: world.app, Name: 'channel', Mode: 'UNRESTRICTED', Privacy: 'PRIVATE', ChimeBearer: bearer,
  ClientRequestToken: randomUUID(), ...more })).ChannelArn;

const send = async (world, ChannelArn, ChimeBearer, Content, more = {}) => (await world.messaging.sendChannelMessage({
  ChannelArn, ChimeBearer, Content, Type: 'STANDARD', Persistence: 'PERSISTENT', ...more })).MessageId;

test('an app instance and its user are made, described and listed', async () => {
  const world = await worldOf(server, 'alice');
  const { AppInstance } = await world.identity.describeAppInstance({ AppInstanceArn: world.app });
  assert.equal(AppInstance.Name, 'js');
  assert.ok(AppInstance.CreatedTimestamp instanceof Date);
  assert.ok(Math.abs(Date.now() - AppInstance.CreatedTimestamp) < 60_000);
  const { AppInstanceUsers } = await world.identity.listAppInstanceUsers({ AppInstanceArn: world.app });
  assert.deepEqual(AppInstanceUsers.map((each) => each.AppInstanceUserArn), world.users);
});

test('an answer has a request id in its metadata', async () => {
  const { $metadata } = await clientsOf(server).identity.listAppInstances({});
  assert.equal($metadata.httpStatusCode, 200);
  assert.match($metadata.requestId, /^[0-9a-f-]{36}$/);
});

test('messages in raw UTF-8 are sent, edited, listed and redacted', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const [alice, bob] = world.users;
  const channel = await channelOf(world, alice, { MemberArns: [bob] });
  const message = await send(world, channel, bob, 'grüße \u2603 \u{1f9ea}', { Metadata: '{}' });
  const of = { ChannelArn: channel, MessageId: message };
  let { ChannelMessage } = await world.messaging.getChannelMessage({ ...of, ChimeBearer: alice });
  assert.equal(ChannelMessage.Content, 'grüße \u2603 \u{1f9ea}');
  assert.deepEqual(ChannelMessage.Sender, { Arn: bob, Name: 'bob' });
  assert.ok(ChannelMessage.CreatedTimestamp instanceof Date);
  await world.messaging.updateChannelMessage({ ...of, Content: 'edited', ChimeBearer: bob });
  const { ChannelMessages } = await world.messaging.listChannelMessages({ ChannelArn: channel, ChimeBearer: alice });
  assert.deepEqual(ChannelMessages.map((each) => each.Content), ['edited']);
  await world.messaging.redactChannelMessage({ ...of, ChimeBearer: alice });
  ({ ChannelMessage } = await world.messaging.getChannelMessage({ ...of, ChimeBearer: bob }));
  assert.equal(ChannelMessage.Redacted, true);
});

test('a 4096 byte message is taken and one byte more is a BadRequestException', async () => {
  const world = await worldOf(server, 'alice');
  const channel = await channelOf(world, world.users[0]);
  await send(world, channel, world.users[0], 'é'.repeat(2048));
  await assert.rejects(send(world, channel, world.users[0], `${'é'.repeat(2048)}x`), Messaging.BadRequestException);
});

test('not-before and not-after are taken as the SDK sends them', async () => {
  const world = await worldOf(server, 'alice');
  const channel = await channelOf(world, world.users[0]);
  await send(world, channel, world.users[0], 'now');
  const list = (bounds) => world.messaging.listChannelMessages({
    ChannelArn: channel, ChimeBearer: world.users[0], ...bounds });
  assert.equal((await list({ NotBefore: new Date(Date.now() - 60_000) })).ChannelMessages.length, 1);
  assert.equal((await list({ NotAfter: new Date(Date.now() - 60_000) })).ChannelMessages.length, 0);
});

test('the query that the SDK sorts by name selects the right operation', async () => {
  const world = await worldOf(server, 'alice');
  const channel = await channelOf(world, world.users[0]);
  const of = { AppInstanceUserArn: world.users[0], ChimeBearer: world.users[0] };
  const { ChannelMemberships } = await world.messaging.listChannelMembershipsForAppInstanceUser(of);
  assert.deepEqual(ChannelMemberships.map((each) => each.ChannelSummary.ChannelArn), [channel]);
  const { Channels } = await world.messaging.listChannelsModeratedByAppInstanceUser(of);
  assert.deepEqual(Channels.map((each) => each.ChannelSummary.ChannelArn), [channel]);
});

test('pages end without a token', async () => {
  const world = await worldOf(server, 'alice');
  const channel = await channelOf(world, world.users[0]);
  for (let n = 0; n < 5; n += 1) await send(world, channel, world.users[0], `m${n}`);
  const seen = [];
  let NextToken;
  do {
    const page = await world.messaging.listChannelMessages({
      ChannelArn: channel, ChimeBearer: world.users[0], MaxResults: 2, SortOrder: 'ASCENDING', NextToken });
    seen.push(...page.ChannelMessages.map((each) => each.Content));
    NextToken = page.NextToken;
  } while (NextToken);
  assert.deepEqual(seen, ['m0', 'm1', 'm2', 'm3', 'm4']);
});

test('each refusal is an instance of its modelled class with its status', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const [alice, bob] = world.users;
  const channel = await channelOf(world, alice);
  const cases = [
    [Messaging.ForbiddenException, 403, () => world.messaging.describeChannel({ ChannelArn: channel, ChimeBearer: bob })],
    [Messaging.NotFoundException, 404, () => world.messaging.describeChannelMembership({
      ChannelArn: channel, MemberArn: bob, ChimeBearer: alice })],
    [Messaging.ConflictException, 409, () => world.messaging.createChannelMembership({
      ChannelArn: channel, MemberArn: alice, Type: 'DEFAULT', ChimeBearer: alice })],
    [Messaging.UnauthorizedClientException, 401, () => world.messaging.describeChannel({
      ChannelArn: channel, ChimeBearer: `${world.app}/user/nobody` })],
    [Messaging.BadRequestException, 400, () => world.messaging.listChannels({
      AppInstanceArn: world.app, MaxResults: 51, ChimeBearer: alice })],
  ];
  for (const [type, status, call] of cases) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof type, `${error.name} is not ${type.name}`);
      assert.equal(error.$metadata.httpStatusCode, status);
      assert.ok(error.$metadata.requestId);
      return true;
    });
  }
});

test('an endpoint with the /console path works', async () => {
  const world = await worldOf(server);
  const { identity } = clientsOf(server, server.root, `${server.url}/console`);
  assert.ok((await identity.describeAppInstance({ AppInstanceArn: world.app })).AppInstance);
});

test('credentials of a vended session chat as their one user', async () => {
  const world = await worldOf(server, 'alice', 'bob');
  const { Account } = await world.sts.getCallerIdentity({});
  const RoleName = `js-${randomUUID().slice(0, 8)}`;
  const { Role } = await world.iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${Account}:root` },
      Action: ['sts:AssumeRole', 'sts:TagSession'] }] }) });
  await world.iam.putRolePolicy({ RoleName, PolicyName: 'chat', PolicyDocument: JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'chime:*',
      Resource: [`${world.app}/user/\${aws:PrincipalTag/user}`, `${world.app}/channel/*`] }] }) });
  const { Credentials } = await world.sts.assumeRole({
    RoleArn: Role.Arn, RoleSessionName: 'js', Tags: [{ Key: 'user', Value: 'alice' }] });
  assert.ok(Credentials.Expiration > new Date());
  const vended = { ...world, ...clientsOf(server, { accessKeyId: Credentials.AccessKeyId,
    secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken }) };
  const channel = await channelOf(vended, world.users[0]);
  await send(vended, channel, world.users[0], 'as alice');
  await assert.rejects(send(vended, channel, world.users[1], 'as bob'),
    (error) => ['AccessDeniedException', 'UnauthorizedClientException'].includes(error.name));
});

test('an IAM user made by the SDK is restricted by its policy at once', async () => {
  const world = await worldOf(server, 'alice');
  const UserName = `js-${randomUUID().slice(0, 8)}`;
  await world.iam.createUser({ UserName });
  const { AccessKey } = await world.iam.createAccessKey({ UserName });
  const { identity } = clientsOf(server, { accessKeyId: AccessKey.AccessKeyId,
    secretAccessKey: AccessKey.SecretAccessKey });
  const denied = { name: 'AccessDeniedException' };
  await assert.rejects(identity.listAppInstances({}), denied);
  await world.iam.putUserPolicy({ UserName, PolicyName: 'p', PolicyDocument: JSON.stringify({
    Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'chime:ListAppInstances', Resource: '*' }] }) });
  await identity.listAppInstances({});
  await world.iam.deleteUserPolicy({ UserName, PolicyName: 'p' });
  await assert.rejects(identity.listAppInstances({}), denied);
});

test('a clock that is wrong by ten minutes is corrected from the Date header and the call retried', async () => {
  const { identity } = clientsOf(server);
  identity.config.systemClockOffset = -600_000;
  await assert.rejects(identity.listAppInstances({}), { name: 'InvalidSignatureException' });
  await identity.listAppInstances({});
});

test('a processor changes a message of a channel flow and the SDK sees it pending, then sent', async (t) => {
  const lambda = createServer(async (request, response) => {
    lambda.emit('event', request, await json(request));
    response.writeHead(202).end();
  });
  lambda.listen(0, '127.0.0.1');
  await once(lambda, 'listening');
  t.after(() => { lambda.close(); lambda.closeAllConnections(); });
  const own = await Server.start({ CHIME_LAMBDA_ENDPOINT_URL: `http://127.0.0.1:${lambda.address().port}` });
  t.after(() => own.stop());
  const world = await worldOf(own, 'alice');
  const [alice] = world.users;
  const channel = await channelOf(world, alice);
  const account = world.app.split(':')[4];
  const { ChannelFlowArn } = await world.messaging.createChannelFlow({
    AppInstanceArn: world.app, Name: 'flow', Processors: [{ Name: 'filter', ExecutionOrder: 1,
      FallbackAction: Messaging.FallbackAction.ABORT, Configuration: { Lambda: {
        ResourceArn: `arn:aws:lambda:us-east-1:${account}:function:filter`,
        InvocationType: Messaging.InvocationType.ASYNC } } }] });
  await world.messaging.associateChannelFlow({ ChannelArn: channel, ChannelFlowArn, ChimeBearer: alice });
  const invoked = once(lambda, 'event');
  const message = await send(world, channel, alice, 'rude');
  const of = { ChannelArn: channel, MessageId: message, ChimeBearer: alice };
  const status = async () => (await world.messaging.getChannelMessageStatus(of)).Status.Value;
  assert.equal(await status(), Messaging.ChannelMessageStatus.PENDING);
  const [request, event] = await invoked;
  assert.equal(request.headers['x-amz-invocation-type'], 'Event');
  const callback = { CallbackId: event.CallbackId, ChannelArn: event.ChannelMessage.ChannelArn,
    ChannelMessage: { MessageId: event.ChannelMessage.MessageId, Content: '****' } };
  await world.messaging.channelFlowCallback(callback);
  assert.equal(await status(), Messaging.ChannelMessageStatus.SENT);
  const { ChannelMessage } = await world.messaging.getChannelMessage(of);
  assert.equal(ChannelMessage.Content, '****');
  await assert.rejects(world.messaging.channelFlowCallback(callback), Messaging.ConflictException);
});

const meetingOf = async ({ meetings }, more = {}) => (await meetings.createMeeting({
  ClientRequestToken: randomUUID(), ExternalMeetingId: 'standup', MediaRegion: 'us-east-1', ...more })).Meeting;

test('a meeting is made, attended, looked at and ended', async () => {
  const clients = clientsOf(server);
  const { meetings } = clients;
  const { MeetingId, MediaPlacement, MediaRegion } = await meetingOf(clients, { MediaRegion: 'eu-west-1' });
  assert.equal(MediaRegion, 'eu-west-1');
  assert.equal(MediaPlacement.SignalingUrl, `ws://127.0.0.1:${server.port}/control/${MeetingId}`);
  const { Attendee } = await meetings.createAttendee({ MeetingId, ExternalUserId: 'alice' });
  assert.equal(Attendee.Capabilities.Audio, Meetings.MediaCapabilities.SEND_RECEIVE);
  assert.match(Attendee.JoinToken, /^[a-zA-Z0-9]{2,2048}$/);
  const { Attendees } = await meetings.listAttendees({ MeetingId });
  assert.deepEqual(Attendees, [Attendee]);
  const { Errors } = await meetings.batchCreateAttendee({ MeetingId, Attendees: [
    { ExternalUserId: 'bob' }, { ExternalUserId: 'aws:bob' }] });
  assert.deepEqual(Errors.map((each) => [each.ExternalUserId, each.ErrorCode]), [['aws:bob', 'BadRequest']]);
  await meetings.deleteMeeting({ MeetingId });
  await assert.rejects(meetings.getMeeting({ MeetingId }), Meetings.NotFoundException);
});

test('the token that the SDK makes up makes a meeting each time, and a given one the same meeting', async () => {
  const clients = clientsOf(server);
  const own = randomUUID();
  const [one, two, three, four] = [await meetingOf(clients, { ClientRequestToken: undefined }),
    await meetingOf(clients, { ClientRequestToken: undefined }),
    await meetingOf(clients, { ClientRequestToken: own }), await meetingOf(clients, { ClientRequestToken: own })];
  assert.notEqual(one.MeetingId, two.MeetingId);
  assert.deepEqual(three, four);
});

test('refusals of meetings are instances of their own classes', async () => {
  const clients = clientsOf(server);
  const { meetings } = clients;
  const { MeetingId, MeetingArn } = await meetingOf(clients, { MeetingFeatures: { Attendee: { MaxCount: 1 } } });
  await meetings.createAttendee({ MeetingId, ExternalUserId: 'alice' });
  const gone = { MeetingId: randomUUID() };
  const arn = MeetingArn.replace(MeetingId, gone.MeetingId);
  const cases = [
    [Meetings.LimitExceededException, 400, () => meetings.createAttendee({ MeetingId, ExternalUserId: 'bob' })],
    [Meetings.BadRequestException, 400, () => meetingOf(clients, { MediaRegion: 'mars-north-1' })],
    [Meetings.NotFoundException, 404, () => meetings.listAttendees(gone)],
    [Meetings.ResourceNotFoundException, 404, () => meetings.listTagsForResource({ ResourceARN: arn })],
    [Meetings.UnprocessableEntityException, 422, () => meetings.startMeetingTranscription({ MeetingId,
      TranscriptionConfiguration: { EngineTranscribeSettings: { LanguageCode: 'en-US' } } })],
  ];
  for (const [type, status, call] of cases) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof type, `${error.name} is not ${type.name}`);
      assert.equal(error.$metadata.httpStatusCode, status);
      return true;
    });
  }
});
