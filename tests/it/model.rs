//! Random commands on the real services and on a naive model: the same replies, the same lists, the same events.

mod command;
mod naive;

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::{ErrorCode, ServiceError};
use chime_domain::identity::CreateAppInstanceUser;
use chime_domain::ids::{AppInstanceUserId, ChannelId, MessageId};
use chime_domain::messaging::{
    CreateChannel, Inbox, ListChannelMessages, MessageType, Persistence, SendChannelMessage, UpdateChannel,
};
use chime_domain::page::PageRequest;
use chime_domain::text::{Content, ResourceName, UserName};
use chime_tests::{World, dump, run, shown};
use proptest::prelude::*;

use self::command::{Command, USERS, command};
use self::naive::Naive;

/// The real services, addressed by the numbers that commands use.
struct Real {
    world: World,
    /// An administrator whom no command touches, to look with.
    watcher: AppInstanceUserArn,
    /// Every message that was sent, in order, with the number of its channel.
    sent: Vec<(usize, MessageId)>,
    inboxes: Vec<Option<(Inbox, Vec<String>)>>,
}

fn code<T>(result: Result<T, ServiceError>) -> Result<(), ErrorCode> {
    result.map(drop).map_err(|error| error.refusal().expect("no store fails here").code())
}

impl Real {
    async fn new() -> Self {
        let world = World::new().await;
        let watcher = world.admin("watcher").await;
        let real = Self { world, watcher, sent: Vec::new(), inboxes: (0..USERS).map(|_| None).collect() };
        for user in 0..USERS {
            real.run_identity(&Command::CreateUser(user)).await.unwrap();
        }
        real.run_identity(&Command::MakeAdmin(0)).await.unwrap();
        real
    }

    fn user(&self, n: usize) -> AppInstanceUserArn {
        self.world.app.user(&AppInstanceUserId::new(format!("u{n}")).unwrap())
    }

    fn channel(&self, n: usize) -> ChannelArn {
        self.world.app.channel(&ChannelId::new(format!("c{n}")).unwrap())
    }

    fn message(&self, n: usize) -> (ChannelArn, MessageId) {
        match self.sent.len() {
            0 => (self.channel(0), MessageId::new("none").unwrap()),
            count => {
                let (channel, id) = &self.sent[n % count];
                (self.channel(*channel), id.clone())
            }
        }
    }

    async fn run_identity(&self, command: &Command) -> Result<(), ErrorCode> {
        let (identity, app) = (self.world.chime.identity(), &self.world.app);
        match command {
            Command::CreateUser(n) => {
                let id = AppInstanceUserId::new(format!("u{n}")).unwrap();
                let command = CreateAppInstanceUser::new(app.clone(), id, UserName::new("user").unwrap());
                code(identity.create_app_instance_user(command).await)
            }
            Command::DeleteUser(n) => code(identity.delete_app_instance_user(&self.user(*n)).await),
            Command::MakeAdmin(n) => code(identity.create_app_instance_admin(app, &self.user(*n)).await),
            Command::DropAdmin(n) => code(identity.delete_app_instance_admin(app, &self.user(*n)).await),
            Command::Retention(days) => code(identity.put_app_instance_retention_settings(app, *days).await),
            other => panic!("not an identity command: {other:?}"),
        }
    }

    async fn run(&mut self, command: &Command) -> Result<(), ErrorCode> {
        let chime = self.world.chime.clone();
        let by = command.bearer().map_or_else(|| self.watcher.clone(), |by| self.user(by));
        let me = chime.messaging(&by);
        match command {
            Command::CreateChannel { channel, privacy, mode, .. } => {
                let id = ChannelId::new(format!("c{channel}")).unwrap();
                let name = ResourceName::new(id.as_str()).unwrap();
                let mut command = CreateChannel::new(self.world.app.clone(), name);
                (command.id, command.privacy, command.mode) = (Some(id), *privacy, *mode);
                code(me.create_channel(command).await)
            }
            Command::UpdateChannel { channel, mode, .. } => {
                let mut command = UpdateChannel::new(self.channel(*channel));
                command.mode = Some(*mode);
                code(me.update_channel(command).await)
            }
            Command::DeleteChannel { channel, .. } => code(me.delete_channel(&self.channel(*channel)).await),
            Command::Join { channel, who, kind, .. } => {
                code(me.create_channel_membership(&self.channel(*channel), &self.user(*who), *kind).await)
            }
            Command::Remove { channel, who, .. } => {
                code(me.delete_channel_membership(&self.channel(*channel), &self.user(*who)).await)
            }
            Command::Promote { channel, who, .. } => {
                code(me.create_channel_moderator(&self.channel(*channel), &self.user(*who)).await)
            }
            Command::Demote { channel, who, .. } => {
                code(me.delete_channel_moderator(&self.channel(*channel), &self.user(*who)).await)
            }
            Command::Ban { channel, who, .. } => {
                code(me.create_channel_ban(&self.channel(*channel), &self.user(*who)).await)
            }
            Command::Unban { channel, who, .. } => {
                code(me.delete_channel_ban(&self.channel(*channel), &self.user(*who)).await)
            }
            Command::Send { channel, text, kept, control, .. } => {
                let content = Content::new(text).unwrap();
                let mut command = SendChannelMessage::new(self.channel(*channel), content);
                if !kept {
                    command.persistence = Persistence::NonPersistent;
                }
                if *control {
                    command.kind = MessageType::Control;
                }
                let reply = me.send_channel_message(command).await;
                if let Ok(sent) = &reply {
                    self.sent.push((*channel, sent.id.clone()));
                }
                code(reply)
            }
            Command::Edit { message, text, .. } => {
                let (channel, id) = self.message(*message);
                code(self.world.edit(&by, &channel, &id, text).await)
            }
            Command::Redact { message, .. } => {
                let (channel, id) = self.message(*message);
                code(me.redact_channel_message(&channel, &id).await)
            }
            Command::DeleteMessage { message, .. } => {
                let (channel, id) = self.message(*message);
                code(me.delete_channel_message(&channel, &id).await)
            }
            Command::Read { message, .. } => {
                let (channel, id) = self.message(*message);
                code(me.get_channel_message(&channel, &id).await)
            }
            Command::Look { channel, .. } => {
                let channel = self.channel(*channel);
                let looked = code(me.describe_channel(&channel).await);
                let listed = code(me.list_channel_messages(&ListChannelMessages::new(channel.clone())).await);
                assert_eq!(looked, listed, "describing and reading are allowed together");
                let page = PageRequest::default();
                assert_eq!(looked, code(me.list_channel_memberships(&channel, None, &page).await));
                looked
            }
            Command::MarkRead { channel, .. } => {
                code(me.update_channel_read_marker(&self.channel(*channel)).await)
            }
            Command::OpenInbox { by: n } => {
                if self.inboxes[*n].is_none() {
                    self.inboxes[*n] =
                        Some((me.inbox().await.map_err(|e| e.refusal().unwrap().code())?, vec![]));
                }
                Ok(())
            }
            Command::Wait(days) => {
                self.world.days_later(*days).await;
                Ok(())
            }
            identity => self.run_identity(identity).await,
        }
    }

    async fn receive(&mut self) -> Vec<Option<Vec<String>>> {
        for (inbox, log) in self.inboxes.iter_mut().flatten() {
            while let Some(happening) = inbox.try_next().await.unwrap() {
                log.push(format!("{} {}", happening.channel().channel_id(), shown(&happening)));
            }
        }
        self.inboxes.iter().map(|inbox| inbox.as_ref().map(|(_, log)| log.clone())).collect()
    }

    /// Everything that lists show, one line each.
    async fn lists(&self) -> Vec<String> {
        let (me, page) = (self.world.as_user(&self.watcher), PageRequest::default());
        let mut lines = Vec::new();
        for privacy in [Public, Private] {
            for view in me.list_channels(&self.world.app, Some(privacy), &page).await.unwrap().items {
                let channel = &view.channel.arn;
                let members = self.world.members(&self.watcher, channel, Default).await;
                let hidden = self.world.members(&self.watcher, channel, Hidden).await;
                let moderators = me.list_channel_moderators(channel, &page).await.unwrap().items;
                let bans = me.list_channel_bans(channel, &page).await.unwrap().items;
                let ids = |arns: Vec<&AppInstanceUserArn>| {
                    arns.iter().map(|arn| arn.user_id().to_owned()).collect::<Vec<_>>()
                };
                lines.push(format!(
                    "{} {privacy:?} {:?} members {members:?} hidden {hidden:?} moderators {:?} bans {:?} texts {:?}",
                    channel.channel_id(),
                    view.channel.mode,
                    ids(moderators.iter().map(|row| &row.moderator.arn).collect()),
                    ids(bans.iter().map(|row| &row.member.arn).collect()),
                    self.world.texts(&self.watcher, channel).await,
                ));
            }
        }
        for n in 0..USERS {
            let user = self.user(n);
            let memberships = me.list_channel_memberships_for_app_instance_user(Some(&user), &page).await;
            let moderated = me.list_channels_moderated_by_app_instance_user(Some(&user), &page).await;
            let (Ok(memberships), Ok(moderated)) = (memberships, moderated) else { continue };
            let id = |view: &chime_domain::messaging::ChannelView| view.channel.arn.channel_id().to_owned();
            lines.push(format!(
                "u{n} in {:?} moderates {:?}",
                memberships.items.iter().map(|own| id(&own.channel)).collect::<Vec<_>>(),
                moderated.items.iter().map(id).collect::<Vec<_>>(),
            ));
        }
        lines
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn random_commands_have_the_replies_lists_and_events_of_a_naive_model_and_refusals_leave_no_trace(
        commands in proptest::collection::vec(command(), 1..70)
    ) {
        run(async {
            let (mut real, mut naive) = (Real::new().await, Naive::new());
            for (step, command) in commands.iter().enumerate() {
                let before = dump(&real.world.chime).await;
                let reply = real.run(command).await;
                prop_assert_eq!(&reply, &naive.run(command), "step {} {:?}", step, command);
                if reply.is_err() {
                    prop_assert_eq!(&dump(&real.world.chime).await, &before, "{:?} left a trace", command);
                }
                real.world.chime.run_due().await.unwrap();
                prop_assert_eq!(real.receive().await, naive.received(), "step {} {:?}", step, command);
                prop_assert_eq!(real.lists().await, naive.lists(), "step {} {:?}", step, command);
            }
            Ok(())
        })?;
    }
}
