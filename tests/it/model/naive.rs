//! The rules once more, without tables, guards, indexes or clocks: what the documentation says, acted out.

use std::collections::{BTreeMap, BTreeSet};

use chime_domain::access::MembershipType::{self, Default, Hidden};
use chime_domain::access::{Mode, Privacy};
use chime_domain::error::ErrorCode::{self, BadRequest, Conflict, Forbidden, NotFound, UnauthorizedClient};

use super::command::{CHANNELS, Command, USERS};

type Reply = Result<(), ErrorCode>;

#[derive(Debug)]
struct Room {
    privacy: Privacy,
    mode: Mode,
    members: BTreeMap<usize, MembershipType>,
    moderators: BTreeSet<usize>,
    bans: BTreeSet<usize>,
    /// Numbers of the messages that are kept, oldest first.
    messages: Vec<usize>,
}

#[derive(Debug)]
struct Note {
    channel: usize,
    sender: usize,
    text: String,
    control: bool,
    redacted: bool,
    day: u64,
}

#[derive(Debug)]
pub(super) struct Naive {
    users: BTreeSet<usize>,
    admins: BTreeSet<usize>,
    rooms: BTreeMap<usize, Room>,
    /// Every message that was ever sent.
    notes: Vec<Note>,
    inboxes: Vec<Option<Vec<String>>>,
    today: u64,
    /// The retention period, and the day on which it was set.
    retention: Option<(u64, u64)>,
}

/// What somebody is to a room.
struct Standing {
    admin: bool,
    moderator: bool,
    member: Option<MembershipType>,
    banned: bool,
}

impl Standing {
    fn leads(&self) -> bool {
        self.admin || self.moderator
    }

    fn belongs(&self) -> bool {
        self.leads() || self.member.is_some()
    }
}

fn allowed(yes: bool) -> Reply {
    if yes { Ok(()) } else { Err(Forbidden) }
}

impl Naive {
    pub(super) fn new() -> Self {
        Self {
            users: (0..USERS).collect(),
            admins: BTreeSet::from([0]),
            rooms: BTreeMap::new(),
            notes: Vec::new(),
            inboxes: (0..USERS).map(|_| None).collect(),
            today: 0,
            retention: None,
        }
    }

    pub(super) fn received(&self) -> Vec<Option<Vec<String>>> {
        self.inboxes.clone()
    }

    pub(super) fn lists(&self) -> Vec<String> {
        let ids = |users: Vec<usize>| users.iter().map(|n| format!("u{n}")).collect::<Vec<_>>();
        let mut lines = Vec::new();
        for privacy in [Privacy::Public, Privacy::Private] {
            for (c, room) in self.rooms.iter().filter(|(_, room)| room.privacy == privacy) {
                let of = |kind| {
                    ids(room.members.iter().filter(|(_, own)| **own == kind).map(|(n, _)| *n).collect())
                };
                lines.push(format!(
                    "c{c} {privacy:?} {:?} members {:?} hidden {:?} moderators {:?} bans {:?} texts {:?}",
                    room.mode,
                    of(Default),
                    of(Hidden),
                    ids(room.moderators.iter().copied().collect()),
                    ids(room.bans.iter().copied().collect()),
                    self.texts(room),
                ));
            }
        }
        for n in &self.users {
            let rooms = |holds: &dyn Fn(&Room) -> bool| {
                let of = self.rooms.iter().filter(|(_, room)| holds(room));
                of.map(|(c, _)| format!("c{c}")).collect::<Vec<_>>()
            };
            lines.push(format!(
                "u{n} in {:?} moderates {:?}",
                rooms(&|room| room.members.contains_key(n)),
                rooms(&|room| room.moderators.contains(n)),
            ));
        }
        lines
    }

    fn hidden(&self, note: &Note) -> bool {
        self.retention.is_some_and(|(days, _)| note.day + days < self.today)
    }

    fn texts(&self, room: &Room) -> Vec<String> {
        let shown = room.messages.iter().map(|n| &self.notes[*n]).filter(|note| !self.hidden(note));
        shown.map(|note| if note.redacted { "-".to_owned() } else { note.text.clone() }).collect()
    }

    fn standing(&self, room: &Room, user: usize) -> Standing {
        Standing {
            admin: self.admins.contains(&user),
            moderator: room.moderators.contains(&user),
            member: room.members.get(&user).copied(),
            banned: room.bans.contains(&user),
        }
    }

    fn tell(&mut self, c: usize, whom: &[usize], text: &str) {
        for n in whom {
            if let Some(inbox) = &mut self.inboxes[*n] {
                inbox.push(format!("c{c} {text}"));
            }
        }
    }

    fn tell_members(&mut self, c: usize, text: &str) {
        let whom: Vec<_> = self.rooms[&c].members.keys().copied().collect();
        self.tell(c, &whom, text);
    }

    fn leave(&mut self, c: usize, who: usize) {
        let text = format!("DELETE_CHANNEL_MEMBERSHIP u{who}");
        match self.rooms[&c].members.get(&who) {
            Some(Default) => self.tell_members(c, &text),
            Some(Hidden) => self.tell(c, &[who], &text),
            None => {}
        }
        self.rooms.get_mut(&c).unwrap().members.remove(&who);
    }

    fn pass_a_day(&mut self) {
        self.today += 1;
        if self.retention.is_some_and(|(_, set)| set + 30 <= self.today) {
            let gone: BTreeSet<_> = (0..self.notes.len()).filter(|n| self.hidden(&self.notes[*n])).collect();
            for room in self.rooms.values_mut() {
                room.messages.retain(|n| !gone.contains(n));
            }
        }
    }

    pub(super) fn run(&mut self, command: &Command) -> Reply {
        // The bounds of the input come before everything else (wire rule E-07).
        if let Command::Send { text, control: true, .. } = command
            && text.len() > 30
        {
            return Err(BadRequest);
        }
        if command.bearer().is_some_and(|by| !self.users.contains(&by)) {
            return match command {
                // An open inbox stays open.
                Command::OpenInbox { by } if self.inboxes[*by].is_some() => Ok(()),
                _ => Err(UnauthorizedClient),
            };
        }
        match command {
            Command::CreateUser(n) => match self.users.insert(*n) {
                true => Ok(()),
                false => Err(Conflict),
            },
            Command::DeleteUser(n) => {
                if self.users.remove(n) {
                    self.admins.remove(n);
                    for c in 0..CHANNELS {
                        if self.rooms.contains_key(&c) {
                            self.leave(c, *n);
                            let room = self.rooms.get_mut(&c).unwrap();
                            room.moderators.remove(n);
                            room.bans.remove(n);
                        }
                    }
                }
                Ok(())
            }
            Command::MakeAdmin(n) => {
                allowed(self.users.contains(n))?;
                if self.admins.insert(*n) { Ok(()) } else { Err(Conflict) }
            }
            Command::DropAdmin(n) => {
                self.admins.remove(n);
                Ok(())
            }
            Command::Retention(Some(0)) => Err(BadRequest),
            Command::Retention(days) => {
                self.retention = days.map(|days| (u64::from(days), self.today));
                Ok(())
            }
            Command::Wait(days) => {
                (0..*days).for_each(|_| self.pass_a_day());
                Ok(())
            }
            Command::OpenInbox { by } => {
                self.inboxes[*by].get_or_insert_default();
                Ok(())
            }
            Command::CreateChannel { by, channel, privacy, mode } => {
                if self.rooms.contains_key(channel) {
                    return Err(Conflict);
                }
                let room = Room {
                    privacy: *privacy,
                    mode: *mode,
                    members: BTreeMap::from([(*by, Default)]),
                    moderators: BTreeSet::from([*by]),
                    bans: BTreeSet::new(),
                    messages: Vec::new(),
                };
                self.rooms.insert(*channel, room);
                self.tell(*channel, &[*by], &format!("CREATE_CHANNEL_MEMBERSHIP u{by}"));
                Ok(())
            }
            Command::Edit { by, message, text } => self.edit(*by, *message, text),
            Command::Redact { by, message } => self.redact(*by, *message),
            Command::DeleteMessage { by, message } => self.delete_message(*by, *message),
            Command::Read { by, message } => self.read(*by, *message),
            in_room => self.run_in_room(in_room),
        }
    }

    fn run_in_room(&mut self, command: &Command) -> Reply {
        let (by, c) = match command {
            Command::UpdateChannel { by, channel, .. }
            | Command::DeleteChannel { by, channel }
            | Command::Join { by, channel, .. }
            | Command::Remove { by, channel, .. }
            | Command::Promote { by, channel, .. }
            | Command::Demote { by, channel, .. }
            | Command::Ban { by, channel, .. }
            | Command::Unban { by, channel, .. }
            | Command::Send { by, channel, .. }
            | Command::Look { by, channel }
            | Command::MarkRead { by, channel } => (*by, *channel),
            other => panic!("not about a channel: {other:?}"),
        };
        let Some(room) = self.rooms.get(&c) else {
            return Err(if matches!(command, Command::Join { .. }) { NotFound } else { Forbidden });
        };
        let me = self.standing(room, by);
        let public = room.privacy == Privacy::Public;
        let unrestricted = room.mode == Mode::Unrestricted;
        match command {
            Command::Look { .. } => allowed(me.belongs() || (public && !me.banned)),
            Command::MarkRead { .. } => allowed(me.member.is_some()),
            Command::UpdateChannel { mode, .. } => {
                allowed(me.leads())?;
                self.rooms.get_mut(&c).unwrap().mode = *mode;
                self.tell_members(c, &format!("UPDATE_CHANNEL c{c}"));
                Ok(())
            }
            Command::DeleteChannel { .. } => {
                allowed(me.leads())?;
                self.tell_members(c, &format!("DELETE_CHANNEL c{c}"));
                self.rooms.remove(&c);
                Ok(())
            }
            Command::Join { who, kind, .. } => {
                let themself = *who == by;
                allowed(
                    me.leads()
                        || (me.member.is_some() && unrestricted)
                        || (!me.belongs() && public && unrestricted && themself),
                )?;
                allowed(*kind == Default || me.leads())?;
                allowed(!room.bans.contains(who))?;
                allowed(self.users.contains(who))?;
                if room.members.contains_key(who) {
                    return Err(Conflict);
                }
                self.rooms.get_mut(&c).unwrap().members.insert(*who, *kind);
                let text = format!("CREATE_CHANNEL_MEMBERSHIP u{who}");
                match kind {
                    Default => self.tell_members(c, &text),
                    Hidden => self.tell(c, &[*who], &text),
                }
                Ok(())
            }
            Command::Remove { who, .. } => {
                let hidden = room.members.get(who) == Some(&Hidden);
                allowed(me.leads() || (me.member.is_some() && (*who == by || !hidden)))?;
                self.leave(c, *who);
                Ok(())
            }
            Command::Promote { who, .. } => {
                allowed(me.admin || (me.moderator && me.member.is_some()))?;
                allowed(self.users.contains(who) && !room.bans.contains(who))?;
                match self.rooms.get_mut(&c).unwrap().moderators.insert(*who) {
                    true => Ok(()),
                    false => Err(Conflict),
                }
            }
            Command::Demote { who, .. } => {
                allowed(me.leads())?;
                self.rooms.get_mut(&c).unwrap().moderators.remove(who);
                Ok(())
            }
            Command::Ban { who, .. } => {
                let target = self.standing(room, *who);
                allowed(me.leads() && !target.leads() && self.users.contains(who))?;
                if target.banned {
                    return Err(Conflict);
                }
                self.rooms.get_mut(&c).unwrap().bans.insert(*who);
                self.leave(c, *who);
                Ok(())
            }
            Command::Unban { who, .. } => {
                allowed(me.leads() && room.bans.contains(who))?;
                self.rooms.get_mut(&c).unwrap().bans.remove(who);
                Ok(())
            }
            Command::Send { text, kept, control, .. } => {
                allowed(me.member == Some(Default))?;
                if *kept {
                    let number = self.notes.len();
                    self.rooms.get_mut(&c).unwrap().messages.push(number);
                }
                self.notes.push(Note {
                    channel: c,
                    sender: by,
                    text: text.clone(),
                    control: *control,
                    redacted: false,
                    day: self.today,
                });
                self.tell_members(c, &format!("CREATE_CHANNEL_MESSAGE {text}"));
                Ok(())
            }
            other => panic!("handled elsewhere: {other:?}"),
        }
    }

    /// Who acts on which message: the room's number, the caller's standing, and the message unless it is out of sight.
    fn on_message(
        &self,
        by: usize,
        message: usize,
        missing: ErrorCode,
    ) -> Result<(usize, Standing, Option<usize>), ErrorCode> {
        let number = message.checked_rem(self.notes.len());
        let c = number.map_or(0, |number| self.notes[number].channel);
        let room = self.rooms.get(&c).ok_or(missing)?;
        let shown = number.filter(|n| room.messages.contains(n) && !self.hidden(&self.notes[*n]));
        Ok((c, self.standing(room, by), shown))
    }

    fn edit(&mut self, by: usize, message: usize, text: &str) -> Reply {
        let (c, me, found) = self.on_message(by, message, Forbidden)?;
        allowed(me.belongs())?;
        let found = found.ok_or(Forbidden)?;
        let note = &mut self.notes[found];
        allowed(note.sender == by)?;
        if note.redacted {
            return Err(Conflict);
        }
        if note.control && text.len() > 30 {
            return Err(BadRequest);
        }
        note.text = text.to_owned();
        self.tell_members(c, &format!("UPDATE_CHANNEL_MESSAGE {text}"));
        Ok(())
    }

    fn redact(&mut self, by: usize, message: usize) -> Reply {
        let (c, me, found) = self.on_message(by, message, Forbidden)?;
        allowed(me.leads())?;
        let found = found.ok_or(Forbidden)?;
        if !std::mem::replace(&mut self.notes[found].redacted, true) {
            self.tell_members(c, "REDACT_CHANNEL_MESSAGE -");
        }
        Ok(())
    }

    fn delete_message(&mut self, by: usize, message: usize) -> Reply {
        let (c, me, found) = self.on_message(by, message, Forbidden)?;
        allowed(me.admin)?;
        if let Some(found) = found {
            self.rooms.get_mut(&c).unwrap().messages.retain(|n| *n != found);
            self.tell_members(c, "DELETE_CHANNEL_MESSAGE -");
        }
        Ok(())
    }

    fn read(&self, by: usize, message: usize) -> Reply {
        let (c, me, found) = self.on_message(by, message, NotFound)?;
        allowed(me.belongs() || (self.rooms[&c].privacy == Privacy::Public && !me.banned))?;
        found.map(drop).ok_or(NotFound)
    }
}
