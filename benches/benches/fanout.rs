//! One step of the fan-out: a message to all connections of a channel, each with a queue, encoded once.
#![expect(clippy::unwrap_used, reason = "a bench ends when its sample is bad")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chime_benches::samples::{APP, CHANNEL, NOW};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::identity::IdentityRef;
use chime_domain::ids::MessageId;
use chime_domain::messaging::{
    Fanout, Happening, Message, MessageAttributes, MessageType, Persistence, Room, Sent, SubscriptionId,
};
use chime_domain::ports::Stamp;
use chime_domain::text::{Content, UserName};
use chime_server::ws::encode;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn message(channel: &ChannelArn, sender: &AppInstanceUserArn) -> Happening {
    let message = Message {
        channel: channel.clone(),
        sub_channel: None,
        id: MessageId::new("0123456789abcdef0123456789abcdef").unwrap(),
        sender: IdentityRef { arn: sender.clone(), name: UserName::new("Ada").unwrap() },
        kind: MessageType::Standard,
        persistence: Persistence::Persistent,
        content: Some(Content::new("x".repeat(100)).unwrap()),
        metadata: None,
        edited: None,
        updated: None,
        redacted: false,
        content_type: None,
        attributes: MessageAttributes::new(),
        target: None,
        push: None,
        fingerprint: "0123456789abcdef".into(),
    };
    Happening::MessageCreated(Sent::new(Arc::new(message), Stamp { seq: 1, at: NOW }))
}

fn fanout(criterion: &mut Criterion) {
    let channel = ChannelArn::parse(CHANNEL).unwrap();
    let user = |n: u64| AppInstanceUserArn::parse(&format!("{APP}/user/u{n}")).unwrap();
    let happening = message(&channel, &user(0));
    let mut group = criterion.benchmark_group("fanout");
    group.bench_function("encode a frame", |bench| bench.iter(|| encode(black_box(&happening))));
    for connections in [100, 1000] {
        let mut fanout = Fanout::default();
        for n in 0..connections {
            fanout.connect(&user(n), SubscriptionId(n), Arc::new(Mutex::new(VecDeque::new())));
            fanout.loaded(&user(n), SubscriptionId(n), [Room::whole(channel.clone())]);
        }
        group.throughput(Throughput::Elements(connections));
        group.bench_function(BenchmarkId::new("one message to", connections), |bench| {
            bench.iter(|| {
                let frame = encode(black_box(&happening)).unwrap();
                fanout.apply(&happening, &mut |queue| {
                    let mut queue = queue.lock().unwrap();
                    // A queue that is emptied at each step stays as short as one whose client keeps up.
                    queue.clear();
                    queue.push_back(frame.clone());
                });
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = fanout
}
criterion_main!(benches);
