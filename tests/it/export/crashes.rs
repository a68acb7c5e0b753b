//! Random events, configurations, crashes and failures on two nodes: exactly the right events arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::identity::StreamingDataType::{self, Channel, ChannelMessage};
use chime_domain::messaging::UpdateChannel;
use chime_domain::ports::SinkError;
use chime_domain::text::ResourceName;
use chime_tests::{World, run};
use proptest::prelude::*;

use super::flaky::{Fault, Flaky};
use super::{Node, another, delivered, to};

const CHANNELS: usize = 3;
const STREAMS: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
enum Act {
    /// A message in a channel.
    Send(usize),
    /// An event of a channel.
    Rename(usize),
    /// Streams data types to the streams of these numbers.
    Put(Option<usize>, Option<usize>),
    Delete,
    /// A node's pump passes so many.
    Pump(usize, usize),
    /// A node's drains hand over so many.
    Drain(usize, usize),
    /// A node is killed and started again.
    Kill(usize),
    /// The sink takes only so many of a run.
    Refuse(usize),
    /// A commit of the next pump or drain fails.
    Lose(usize, bool),
    /// Leases end.
    Wait,
    /// What the pumps have passed is forgotten.
    Settle,
}

fn act() -> impl Strategy<Value = Act> {
    let stream = || prop::option::of(0..STREAMS.len());
    prop_oneof![
        8 => (0..CHANNELS).prop_map(Act::Send),
        4 => (0..CHANNELS).prop_map(Act::Rename),
        2 => (stream(), stream()).prop_map(|(one, other)| Act::Put(one, other)),
        1 => Just(Act::Delete),
        6 => (0..2_usize, 1..6_usize).prop_map(|(node, most)| Act::Pump(node, most)),
        6 => (0..2_usize, 1..6_usize).prop_map(|(node, most)| Act::Drain(node, most)),
        2 => (0..2_usize).prop_map(Act::Kill),
        2 => (0..4_usize).prop_map(Act::Refuse),
        2 => (0..4_usize, any::<bool>()).prop_map(|(after, took)| Act::Lose(after, took)),
        1 => Just(Act::Wait),
        2 => Just(Act::Settle),
    ]
}

/// What has to arrive and what may, by data type and channel.
#[derive(Default)]
struct Expected {
    streamed: BTreeSet<StreamingDataTypeOrd>,
    /// In the order in which they happened; true for those that have to arrive.
    events: Vec<(StreamingDataTypeOrd, usize, String, bool)>,
}

/// A data type as a number, for its order.
type StreamingDataTypeOrd = u8;

fn number(data_type: StreamingDataType) -> StreamingDataTypeOrd {
    u8::from(data_type == ChannelMessage)
}

impl Expected {
    fn happened(&mut self, data_type: StreamingDataType, channel: usize, text: String) {
        if self.streamed.contains(&number(data_type)) {
            self.events.push((number(data_type), channel, text, true));
        }
    }

    /// What is not streamed any more may be dropped.
    fn stream(&mut self, data_types: impl IntoIterator<Item = StreamingDataType>) {
        self.streamed = data_types.into_iter().map(number).collect();
        for (data_type, _, _, must) in &mut self.events {
            *must &= self.streamed.contains(data_type);
        }
    }
}

async fn play(acts: Vec<Act>) {
    let store = Flaky::new();
    let world = World::with(Arc::clone(&store) as Arc<dyn chime_domain::ports::Store>, |_| {}).await;
    let alice = world.user("alice").await;
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        channels.push(world.channel(&alice, Public, Unrestricted).await);
    }
    let other = another(&world).await;
    let mut nodes = [Node::new(world.chime.clone()), Node::new(other)];
    let (mut expected, mut serial, mut lost) = (Expected::default(), 0, false);
    let (mut faults, identity) = (Vec::new(), world.chime.identity());
    for act in acts {
        serial += 1;
        match act {
            Act::Send(channel) => {
                world.send(&alice, &channels[channel], &format!("{channel}-{serial}")).await.unwrap();
                expected.happened(
                    ChannelMessage,
                    channel,
                    format!("CREATE_CHANNEL_MESSAGE {channel}-{serial}"),
                );
            }
            Act::Rename(channel) => {
                let mut update = UpdateChannel::new(channels[channel].clone());
                update.name = Some(ResourceName::new(format!("{channel}-{serial}")).unwrap());
                world.as_user(&alice).update_channel(update).await.unwrap();
                expected.happened(Channel, channel, format!("UPDATE_CHANNEL {channel}-{serial}"));
            }
            Act::Put(None, None) | Act::Delete => {
                identity.delete_streaming_configurations(&world.app).await.unwrap();
                expected.stream([]);
            }
            Act::Put(channel, message) => {
                let all = [(Channel, channel), (ChannelMessage, message)];
                let all = all.into_iter().filter_map(|(data_type, to)| Some((data_type, to?)));
                let put = all.clone().map(|(data_type, number)| to(data_type, STREAMS[number])).collect();
                identity.put_streaming_configurations(&world.app, put).await.unwrap();
                expected.stream(all.map(|(data_type, _)| data_type));
            }
            Act::Pump(node, most) => {
                faults.drain(..).for_each(|(after, fault)| store.fail(after, fault));
                let _ = nodes[node].pump.step(most).await;
                store.mend();
            }
            Act::Drain(node, most) => {
                lost |= !faults.is_empty();
                faults.drain(..).for_each(|(after, fault)| store.fail(after, fault));
                let _ = nodes[node].drain(most).await;
                store.mend();
            }
            Act::Kill(node) => nodes[node] = Node::new(nodes[node].chime.clone()),
            Act::Refuse(after) => world.sink.fail_after(after, SinkError::Throttled),
            Act::Lose(after, took) => {
                faults.push((after, if took { Fault::After } else { Fault::Before }));
            }
            Act::Wait => world.clock.advance(Duration::from_secs(61)),
            Act::Settle => {
                for node in &nodes {
                    if let Some(position) = node.pump.position() {
                        world.chime.store().settle(position).await.unwrap();
                    }
                }
            }
        }
    }
    world.clock.advance(Duration::from_secs(61));
    let mut last = Node::new(world.chime.clone());
    last.finish().await;
    check(&world, &expected, lost);
    assert_eq!(world.chime.export_backlog(world.app.app_instance_id()).await.unwrap().length, 0);
}

fn check(world: &World, expected: &Expected, lost: bool) {
    let mut arrived = Vec::new();
    for stream in STREAMS {
        let records = world.sink.delivered(&super::stream(stream));
        let texts = delivered(world, stream);
        arrived.extend(records.iter().map(|record| record.position).zip(texts));
    }
    let known: BTreeMap<&str, bool> =
        expected.events.iter().map(|(_, _, text, must)| (text.as_str(), *must)).collect();
    let unique: BTreeSet<&str> = arrived.iter().map(|(_, text)| text.as_str()).collect();
    assert!(unique.iter().all(|text| known.contains_key(text)), "too much: {unique:?} of {known:?}");
    let missing: Vec<_> = known.iter().filter(|(text, must)| **must && !unique.contains(*text)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert!(lost || unique.len() == arrived.len(), "twice without a lost commit: {arrived:?}");
    // In each stream, of each channel and data type, the first arrivals are in order.
    for stream in STREAMS {
        let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
        for (record, text) in
            world.sink.delivered(&super::stream(stream)).iter().zip(delivered(world, stream))
        {
            if seen.insert(record.position) {
                let message = text.starts_with("CREATE");
                let before = last.insert((record.key.clone(), message), record.position);
                assert!(before < Some(record.position), "{text} came too late in {stream}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn exactly_the_events_while_configured_arrive_in_order_whatever_crashes(
        acts in prop::collection::vec(act(), 1..120),
    ) {
        run(play(acts));
    }
}
