//! Who is told what: connections by user, users by channel.
//!
//! A pure index that follows the announcements in their order (rules WEB-16 to WEB-18, WEB-24 to WEB-34). It sends
//! nothing itself: it says to which connections an announcement goes.

use std::collections::{HashMap, HashSet};

use super::events::{ChannelEvent, Happening};
use super::types::{Channel, Membership, Message};
use crate::access::MembershipType;
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::ids::SubChannelId;

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

/// The connections that an announcement goes to.
pub type Delivery<'a, T> = &'a mut dyn FnMut(&T);

/// Where something is heard: a channel, or a sub-channel of an elastic one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room {
    /// The channel.
    pub channel: ChannelArn,
    /// The sub-channel.
    pub sub_channel: Option<SubChannelId>,
}

impl Room {
    /// A channel that is not elastic.
    #[must_use]
    pub const fn whole(channel: ChannelArn) -> Self {
        Self { channel, sub_channel: None }
    }

    /// A sub-channel.
    #[must_use]
    pub const fn sub(channel: ChannelArn, id: SubChannelId) -> Self {
        Self { channel, sub_channel: Some(id) }
    }

    /// Where a message is heard.
    fn of(message: &Message) -> Self {
        Self { channel: message.channel.clone(), sub_channel: message.sub_channel.clone() }
    }

    /// Where the member of a membership hears.
    fn all_of(membership: &Membership) -> Vec<Self> {
        let channel = || membership.channel.clone();
        match membership.sub_channels.as_slice() {
            [] => vec![Self::whole(channel())],
            subs => subs.iter().map(|id| Self::sub(channel(), id.clone())).collect(),
        }
    }
}

#[derive(Debug)]
struct Listener<T> {
    connections: Vec<(SubscriptionId, T)>,
    rooms: HashSet<Room>,
    /// While the memberships are being loaded: the rooms that membership announcements spoke of since the first
    /// connection, and of elastic channels that are gone the whole channel.
    loading: Option<HashSet<Room>>,
}

/// The index. `T` is whatever reaches a connection.
#[derive(Debug)]
pub struct Fanout<T> {
    users: HashMap<AppInstanceUserArn, Listener<T>>,
    rooms: HashMap<Room, Vec<(SubscriptionId, T)>>,
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
            rooms: HashSet::new(),
            loading: Some(HashSet::new()),
        });
        for room in &listener.rooms {
            self.rooms.entry(room.clone()).or_default().push((id, handle.clone()));
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
        rooms: impl IntoIterator<Item = Room>,
    ) {
        let Some(listener) = self.users.get_mut(user) else { return };
        if !listener.connections.iter().any(|(known, _)| *known == id) {
            return;
        }
        let Some(touched) = listener.loading.take() else { return };
        for room in rooms {
            if !touched.contains(&room) && !touched.contains(&Room::whole(room.channel.clone())) {
                Self::enter(&mut self.rooms, listener, &room);
            }
        }
    }

    /// Removes a connection.
    pub fn disconnect(&mut self, user: &AppInstanceUserArn, id: SubscriptionId) {
        let Some(listener) = self.users.get_mut(user) else { return };
        listener.connections.retain(|(known, _)| *known != id);
        for room in &listener.rooms {
            Self::quit(&mut self.rooms, room, |known| known == id);
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
                ChannelEvent::ChannelUpdated(channel) => self.to_channel(channel, deliver),
                ChannelEvent::MessageUpdated(message, _)
                | ChannelEvent::MessageRedacted(message, _)
                | ChannelEvent::MessageDeleted(message, _) => self.to_readers(message, deliver),
                ChannelEvent::MessageStatus(message, ..) => {
                    self.to_member(&Room::of(message), &message.sender.arn, deliver);
                }
                ChannelEvent::MembershipCreated(membership) => self.joined(membership, deliver),
                ChannelEvent::MembershipDeleted(membership) => self.left(membership, deliver),
                ChannelEvent::MembershipMoved(membership, from) => self.moved(membership, from, deliver),
                ChannelEvent::ChannelDeleted(channel) => self.gone(channel, deliver),
                // Rule WEB-32: no events of these on the socket.
                ChannelEvent::ChannelCreated(_)
                | ChannelEvent::ModeratorCreated(_)
                | ChannelEvent::ModeratorDeleted(_)
                | ChannelEvent::BanCreated(_)
                | ChannelEvent::BanDeleted(_)
                | ChannelEvent::SubChannelCreated(..)
                | ChannelEvent::SubChannelDeleted(..) => {}
            },
        }
    }

    /// Removes every connection of a user and gives them.
    pub fn drop_user(&mut self, user: &AppInstanceUserArn) -> Vec<T> {
        let Some(listener) = self.users.remove(user) else { return Vec::new() };
        for room in &listener.rooms {
            Self::quit(&mut self.rooms, room, |id| listener.connections.iter().any(|(own, _)| *own == id));
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

    fn to_room(&self, room: &Room, deliver: Delivery<'_, T>) {
        for (_, handle) in self.rooms.get(room).into_iter().flatten() {
            deliver(handle);
        }
    }

    /// All rooms of a channel; each connection once.
    fn to_channel(&self, channel: &Channel, deliver: Delivery<'_, T>) {
        if channel.elastic.is_none() {
            return self.to_room(&Room::whole(channel.arn.clone()), deliver);
        }
        let mut reached = HashSet::new();
        for (_, room) in self.rooms.iter().filter(|(room, _)| room.channel == channel.arn) {
            for (id, handle) in room {
                if reached.insert(*id) {
                    deliver(handle);
                }
            }
        }
    }

    /// The room, or the two who see a targeted message.
    fn to_readers(&self, message: &Message, deliver: Delivery<'_, T>) {
        let room = Room::of(message);
        let Some(target) = &message.target else { return self.to_room(&room, deliver) };
        self.to_member(&room, &message.sender.arn, &mut *deliver);
        if *target != message.sender.arn {
            self.to_member(&room, target, deliver);
        }
    }

    /// A user, as long as it hears what happens there.
    fn to_member(&self, room: &Room, user: &AppInstanceUserArn, deliver: Delivery<'_, T>) {
        if self.users.get(user).is_some_and(|listener| listener.rooms.contains(room)) {
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
        for room in Room::all_of(membership) {
            self.come(&membership.member.arn, &room);
            match membership.kind {
                MembershipType::Default => self.to_room(&room, &mut *deliver),
                MembershipType::Hidden => self.to_user(&membership.member.arn, &mut *deliver),
            }
        }
    }

    /// Rule WEB-30: the remaining members hear of it, and the one who left.
    fn left(&mut self, membership: &Membership, deliver: Delivery<'_, T>) {
        let user = &membership.member.arn;
        let rooms = Room::all_of(membership);
        let listens =
            |room: &Room| self.users.get(user).is_some_and(|listener| listener.rooms.contains(room));
        let hears = membership.kind == MembershipType::Default && rooms.iter().any(listens);
        for room in rooms {
            if membership.kind == MembershipType::Default {
                self.to_room(&room, &mut *deliver);
            }
            self.go(user, &room);
        }
        if !hears {
            self.to_user(user, deliver);
        }
    }

    /// Who is moved to another sub-channel hears of it, as do the members of where it comes to.
    fn moved(&mut self, membership: &Membership, from: &SubChannelId, deliver: Delivery<'_, T>) {
        let user = &membership.member.arn;
        self.go(user, &Room::sub(membership.channel.clone(), from.clone()));
        if let Some(to) = membership.sub_channels.last() {
            let to = Room::sub(membership.channel.clone(), to.clone());
            self.come(user, &to);
            self.to_room(&to, deliver);
        }
    }

    fn come(&mut self, user: &AppInstanceUserArn, room: &Room) {
        if let Some(listener) = self.users.get_mut(user) {
            if let Some(touched) = &mut listener.loading {
                touched.insert(room.clone());
            }
            Self::enter(&mut self.rooms, listener, room);
        }
    }

    fn go(&mut self, user: &AppInstanceUserArn, room: &Room) {
        if let Some(listener) = self.users.get_mut(user) {
            if let Some(touched) = &mut listener.loading {
                touched.insert(room.clone());
            }
            listener.rooms.remove(room);
            let connections = &listener.connections;
            Self::quit(&mut self.rooms, room, |id| connections.iter().any(|(own, _)| *own == id));
        }
    }

    /// Rule WEB-28: the members at that time.
    fn gone(&mut self, channel: &Channel, deliver: Delivery<'_, T>) {
        self.to_channel(channel, deliver);
        let whole = Room::whole(channel.arn.clone());
        if channel.elastic.is_some() {
            self.rooms.retain(|room, _| room.channel != channel.arn);
        } else {
            self.rooms.remove(&whole);
        }
        for listener in self.users.values_mut() {
            if channel.elastic.is_some() {
                listener.rooms.retain(|room| room.channel != channel.arn);
            } else {
                listener.rooms.remove(&whole);
            }
            if let Some(touched) = &mut listener.loading {
                touched.insert(whole.clone());
            }
        }
    }

    fn enter(rooms: &mut HashMap<Room, Vec<(SubscriptionId, T)>>, listener: &mut Listener<T>, room: &Room) {
        if listener.rooms.insert(room.clone()) {
            rooms.entry(room.clone()).or_default().extend(listener.connections.iter().cloned());
        }
    }

    fn quit(
        rooms: &mut HashMap<Room, Vec<(SubscriptionId, T)>>,
        room: &Room,
        whose: impl Fn(SubscriptionId) -> bool,
    ) {
        if let Some(there) = rooms.get_mut(room) {
            there.retain(|(id, _)| !whose(*id));
            if there.is_empty() {
                rooms.remove(room);
            }
        }
    }
}
