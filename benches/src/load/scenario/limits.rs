//! What the machine itself gives of what media are made of: one core's packets through the kernel, protected packets,
//! coded frames. To put beside `meeting` and `video`.

use std::io::IoSlice;
use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result};
use chime_media::audio::{Channels, Codecs, Content, Decoder, Encoder, EncoderSettings, FRAME, Opus};
use chime_media::rtp::packet::{self, Outgoing};
use chime_media::transport::srtp::{self, Keys, Profile};
use clap::Args;
use rustix::net::addr::SocketAddrArg as _;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::load::report::Report;

/// Datagrams given to the kernel in one call.
const TOGETHER: usize = 64;

/// One core's packets, protections and frames in a second, without a server.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Limits {
    /// How often each is done, in thousands.
    #[arg(long, default_value_t = 200)]
    pub thousands: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the system or the codec refuses.
pub fn run(args: &Limits) -> Result<()> {
    let rounds = args.thousands * 1000;
    let mut report = Report::new("limits: what one core does in a second of its time, here");
    for size in [100, 1100] {
        report.figure(
            format!("datagrams of {size} bytes, one a call, to a socket on loopback"),
            sent(rounds, size, 1)?,
            "/s",
        );
        let name = format!("the same, {TOGETHER} a call");
        report.figure(name, sent(rounds, size, TOGETHER)?, "/s");
        report.figure(
            format!("packets of {size} bytes protected with AES-GCM"),
            protected(rounds, size)?,
            "/s",
        );
    }
    let (encoded, decoded) = coded(rounds / 200)?;
    report.figure("frames of 20 ms encoded by Opus, complexity 5, 40 kbit/s without FEC", encoded, "/s");
    report.figure("frames decoded", decoded, "/s");
    report.print()
}

/// Processor time of this thread.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// How often something was done in each second of this thread's time.
fn rate(rounds: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = used();
    work()?;
    Ok(rounds as f64 / used().saturating_sub(before).as_secs_f64())
}

/// Datagrams to as many addresses as are sent together, on a socket that nobody reads: it drops what does not fit, after
/// the kernel has done nearly all of its work.
fn sent(rounds: usize, size: usize, together: usize) -> Result<f64> {
    let (from, to) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let address = to.local_addr()?.as_any();
    let datagram = vec![7; size];
    let contents = [IoSlice::new(&datagram)];
    rate(rounds, || {
        for _ in 0..rounds / together {
            let mut nothing: Vec<SendAncillaryBuffer<'_, '_, '_>> =
                (0..together).map(|_| SendAncillaryBuffer::default()).collect();
            let mut headers: Vec<MMsgHdr<'_>> = nothing
                .iter_mut()
                .map(|nothing| MMsgHdr::new_with_addr(&address, &contents, nothing))
                .collect();
            rustix::net::sendmmsg(&from, &mut headers, SendFlags::empty())?;
        }
        Ok(())
    })
}

fn protected(rounds: usize, size: usize) -> Result<f64> {
    let material: Vec<u8> = (0..56).collect();
    let keys = Keys::split(Profile::Gcm, &material, false).context("keys")?;
    let (mut outbound, _) = srtp::open(Profile::Gcm, &keys)?;
    let mut buffer = Vec::new();
    rate(rounds, || {
        for index in 0..rounds as u64 {
            buffer.clear();
            let header = Outgoing {
                marker: false,
                padding: false,
                payload_type: 111,
                sequence: chime_media::rtp::sequence::low(index),
                timestamp: 0,
                ssrc: 1,
            };
            let length = packet::write(&mut buffer, &header, &[]);
            buffer.resize(size, 7);
            outbound.rtp(&mut buffer, 0, length, 1, index)?;
        }
        Ok(())
    })
}

fn coded(rounds: usize) -> Result<(f64, f64)> {
    let settings = EncoderSettings {
        bitrate: 40_000,
        complexity: 5,
        loss_percent: 0,
        content: Content::Speech,
        joins: false,
    };
    let mut encoder = Opus.encoder(Channels::Mono)?;
    encoder.configure(&settings)?;
    let mut decoder = Opus.decoder(Channels::Mono)?;
    let voice: Vec<f32> = (0..FRAME * 10)
        .map(|at| {
            let t = at as f32 / 48_000.0;
            let tone = |k: f32| (std::f32::consts::TAU * 180.0 * k * t).sin() / k;
            0.1 * (1..10_u8).map(|k| tone(k.into())).sum::<f32>()
        })
        .collect();
    let frames: Vec<&[f32]> = voice.chunks(FRAME).collect();
    let mut packets = Vec::new();
    let encoded = rate(rounds, || {
        for frame in frames.iter().cycle().take(rounds) {
            let mut out = vec![0; 1275];
            let length = encoder.encode(frame, &mut out)?;
            out.truncate(length);
            packets.push(out);
        }
        Ok(())
    })?;
    let mut pcm = vec![0.0; FRAME * 6];
    let decoded = rate(rounds, || {
        for packet in &packets {
            decoder.decode(packet, &mut pcm)?;
        }
        Ok(())
    })?;
    Ok((encoded, decoded))
}
