//! Who is told what: connections by user, users by channel.
//!
//! A pure index that follows the announcements in their order (rules WEB-16 to WEB-18, WEB-24 to WEB-34). It sends
//! nothing itself: it says to which connections an announcement goes.

use std::collections::{HashMap, HashSet};

use super::events::{ChannelEvent, Happening};
use super::types::{Membership, Message};
use crate::access::MembershipType;
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

/// The connections that an announcement goes to.
pub type Delivery<'a, T> = &'a mut dyn FnMut(&T);

#[derive(Debug)]
struct Listener<T> {
    connections: Vec<(SubscriptionId, T)>,
    channels: HashSet<ChannelArn>,
    /// While the memberships are being loaded: the channels whose membership announcements spoke of since the first
    /// connection.
    loading: Option<HashSet<ChannelArn>>,
}

/// The index. `T` is whatever reaches a connection.
#[derive(Debug)]
pub struct Fanout<T> {
    users: HashMap<AppInstanceUserArn, Listener<T>>,
    rooms: HashMap<ChannelArn, Vec<(SubscriptionId, T)>>,
}

impl<T> Default for Fanout<T> {
    fn default() -> Self {
        Self { users: HashMap::new(), rooms: HashMap::new() }
    }
}

impl<T: Clone> Fanout<T> {
    /// Adds a connection of a user. When it answers true, the user's memberships are not known yet: they must be loaded
    /// from the store and given to [`Self::loaded`], once every announcement that the load may have seen has been
    /// applied. While one load is under way, further connections answer true as well, and any load will do.
    pub fn connect(&mut self, user: &AppInstanceUserArn, id: SubscriptionId, handle: T) -> bool {
        let listener = self.users.entry(user.clone()).or_insert_with(|| Listener {
            connections: Vec::new(),
            channels: HashSet::new(),
            loading: Some(HashSet::new()),
        });
        for channel in &listener.channels {
            self.rooms.entry(channel.clone()).or_default().push((id, handle.clone()));
        }
        listener.connections.push((id, handle));
        listener.loading.is_some()
    }

    /// The memberships of a user, as the store had them after the [`Self::connect`] of `id`. What was announced in
    /// between is known better here. A load that outlived its connection counts for nothing: the user may have gone
    /// and come back since, and what changed in between is not known.
    pub fn loaded(
        &mut self,
        user: &AppInstanceUserArn,
        id: SubscriptionId,
        channels: impl IntoIterator<Item = ChannelArn>,
    ) {
        let Some(listener) = self.users.get_mut(user) else { return };
        if !listener.connections.iter().any(|(known, _)| *known == id) {
            return;
        }
        let Some(touched) = listener.loading.take() else { return };
        for channel in channels {
            if !touched.contains(&channel) {
                Self::enter(&mut self.rooms, listener, &channel);
            }
        }
    }

    /// Removes a connection.
    pub fn disconnect(&mut self, user: &AppInstanceUserArn, id: SubscriptionId) {
        let Some(listener) = self.users.get_mut(user) else { return };
        listener.connections.retain(|(known, _)| *known != id);
        for channel in &listener.channels {
            Self::quit(&mut self.rooms, channel, |known| known == id);
        }
        if listener.connections.is_empty() {
            self.users.remove(user);
        }
    }

    /// Follows an announcement, and hands every connection that it goes to to `deliver`.
    pub fn apply(&mut self, happening: &Happening, deliver: Delivery<'_, T>) {
        match happening {
            Happening::MessageCreated(sent) => self.to_readers(&sent.message, deliver),
            Happening::Event(event) => match &**event {
                ChannelEvent::ChannelUpdated(channel) => self.to_room(&channel.arn, deliver),
                ChannelEvent::MessageUpdated(message, _)
                | ChannelEvent::MessageRedacted(message, _)
                | ChannelEvent::MessageDeleted(message, _) => self.to_readers(message, deliver),
                ChannelEvent::MessageStatus(message, ..) => {
                    self.to_member(&message.channel, &message.sender.arn, deliver);
                }
                ChannelEvent::MembershipCreated(membership) => self.joined(membership, deliver),
                ChannelEvent::MembershipDeleted(membership) => self.left(membership, deliver),
                ChannelEvent::ChannelDeleted(channel) => self.gone(&channel.arn, deliver),
                // Rule WEB-32: no events of these on the socket.
                ChannelEvent::ChannelCreated(_)
                | ChannelEvent::ModeratorCreated(_)
                | ChannelEvent::ModeratorDeleted(_)
                | ChannelEvent::BanCreated(_)
                | ChannelEvent::BanDeleted(_) => {}
            },
        }
    }

    /// Removes every connection of a user and gives them.
    pub fn drop_user(&mut self, user: &AppInstanceUserArn) -> Vec<T> {
        let Some(listener) = self.users.remove(user) else { return Vec::new() };
        for channel in &listener.channels {
            Self::quit(&mut self.rooms, channel, |id| listener.connections.iter().any(|(own, _)| *own == id));
        }
        listener.connections.into_iter().map(|(_, handle)| handle).collect()
    }

    /// Removes every connection of an app instance and gives them.
    pub fn drop_app_instance(&mut self, app_instance: &AppInstanceArn) -> Vec<T> {
        let users: Vec<_> = self.users.keys().filter(|user| user.is_in(app_instance)).cloned().collect();
        users.iter().flat_map(|user| self.drop_user(user)).collect()
    }

    /// The ids of a user's connections, oldest first.
    pub fn connections<'a>(
        &'a self,
        user: &AppInstanceUserArn,
    ) -> impl Iterator<Item = SubscriptionId> + use<'a, T> {
        self.users.get(user).into_iter().flat_map(|listener| listener.connections.iter().map(|(id, _)| *id))
    }

    fn to_room(&self, channel: &ChannelArn, deliver: Delivery<'_, T>) {
        for (_, handle) in self.rooms.get(channel).into_iter().flatten() {
            deliver(handle);
        }
    }

    /// The room, or the two who see a targeted message.
    fn to_readers(&self, message: &Message, deliver: Delivery<'_, T>) {
        let Some(target) = &message.target else { return self.to_room(&message.channel, deliver) };
        self.to_member(&message.channel, &message.sender.arn, &mut *deliver);
        if *target != message.sender.arn {
            self.to_member(&message.channel, target, deliver);
        }
    }

    /// A user, as long as it is a member of the channel.
    fn to_member(&self, channel: &ChannelArn, user: &AppInstanceUserArn, deliver: Delivery<'_, T>) {
        if self.users.get(user).is_some_and(|listener| listener.channels.contains(channel)) {
            self.to_user(user, deliver);
        }
    }

    fn to_user(&self, user: &AppInstanceUserArn, deliver: Delivery<'_, T>) {
        for (_, handle) in self.users.get(user).into_iter().flat_map(|listener| &listener.connections) {
            deliver(handle);
        }
    }

    /// Rules WEB-29 and CHN-10: everyone hears of a new member, a HIDDEN one only itself.
    fn joined(&mut self, membership: &Membership, deliver: Delivery<'_, T>) {
        if let Some(listener) = self.users.get_mut(&membership.member.arn) {
            if let Some(touched) = &mut listener.loading {
                touched.insert(membership.channel.clone());
            }
            Self::enter(&mut self.rooms, listener, &membership.channel);
        }
        match membership.kind {
            MembershipType::Default => self.to_room(&membership.channel, deliver),
            MembershipType::Hidden => self.to_user(&membership.member.arn, deliver),
        }
    }

    /// Rule WEB-30: the remaining members hear of it, and the one who left.
    fn left(&mut self, membership: &Membership, deliver: Delivery<'_, T>) {
        let user = &membership.member.arn;
        let listens =
            self.users.get(user).is_some_and(|listener| listener.channels.contains(&membership.channel));
        if membership.kind == MembershipType::Default {
            self.to_room(&membership.channel, &mut *deliver);
        }
        if membership.kind == MembershipType::Hidden || !listens {
            self.to_user(user, deliver);
        }
        if let Some(listener) = self.users.get_mut(user) {
            if let Some(touched) = &mut listener.loading {
                touched.insert(membership.channel.clone());
            }
            listener.channels.remove(&membership.channel);
            let connections = &listener.connections;
            Self::quit(&mut self.rooms, &membership.channel, |id| {
                connections.iter().any(|(own, _)| *own == id)
            });
        }
    }

    /// Rule WEB-28: the members at that time.
    fn gone(&mut self, channel: &ChannelArn, deliver: Delivery<'_, T>) {
        self.to_room(channel, deliver);
        self.rooms.remove(channel);
        for listener in self.users.values_mut() {
            listener.channels.remove(channel);
            if let Some(touched) = &mut listener.loading {
                touched.insert(channel.clone());
            }
        }
    }

    fn enter(
        rooms: &mut HashMap<ChannelArn, Vec<(SubscriptionId, T)>>,
        listener: &mut Listener<T>,
        channel: &ChannelArn,
    ) {
        if listener.channels.insert(channel.clone()) {
            rooms.entry(channel.clone()).or_default().extend(listener.connections.iter().cloned());
        }
    }

    fn quit(
        rooms: &mut HashMap<ChannelArn, Vec<(SubscriptionId, T)>>,
        channel: &ChannelArn,
        whose: impl Fn(SubscriptionId) -> bool,
    ) {
        if let Some(room) = rooms.get_mut(channel) {
            room.retain(|(id, _)| !whose(*id));
            if room.is_empty() {
                rooms.remove(channel);
            }
        }
    }
}
