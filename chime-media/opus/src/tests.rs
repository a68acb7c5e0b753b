use crate::{Channels, Decoder, Encoder, Error, Signal, has_fec, samples};

const FRAME: usize = 960;

/// A voice-like sum of harmonics with a slow swell, the same for the same position.
fn voice(frame: usize, pitch: f32) -> Vec<f32> {
    (0..FRAME)
        .map(|i| {
            let t = (frame * FRAME + i) as f32 / 48_000.0;
            let swell = 0.6 + 0.4 * (std::f32::consts::TAU * 3.0 * t).sin();
            let tone = |k: f32| (std::f32::consts::TAU * pitch * k * t).sin() / k;
            0.2 * swell * (1..12).map(|k| tone(k as f32)).sum::<f32>()
        })
        .collect()
}

fn encoder() -> Encoder {
    let mut encoder = Encoder::new(Channels::Mono).unwrap();
    encoder.set_bitrate(32_000).unwrap();
    encoder.set_complexity(5).unwrap();
    encoder
}

fn encode(encoder: &mut Encoder, pcm: &[f32]) -> Vec<u8> {
    let mut out = [0; 1500];
    let length = encoder.encode(pcm, &mut out).unwrap();
    out[..length].to_vec()
}

fn decode(decoder: &mut Decoder, payload: &[u8]) -> Vec<f32> {
    let mut out = vec![0.0; FRAME];
    assert_eq!(decoder.decode(payload, &mut out), Ok(FRAME));
    out
}

fn snr(reference: &[f32], other: &[f32]) -> f32 {
    let signal: f32 = reference.iter().map(|x| x * x).sum();
    let noise: f32 = reference.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
    10.0 * (signal / noise.max(1e-12)).log10()
}

#[test]
fn a_copied_encoder_gives_the_same_bytes_for_the_same_input() {
    for stereo in [false, true] {
        let channels = if stereo { Channels::Stereo } else { Channels::Mono };
        let mut first = Encoder::new(channels).unwrap();
        first.set_inband_fec(true).unwrap();
        first.set_packet_loss(15).unwrap();
        first.set_bitrate(40_000).unwrap();
        let pcm = |n| voice(n, 140.0).iter().flat_map(|x| vec![*x; channels.count()]).collect::<Vec<_>>();
        for n in 0..57 {
            encode(&mut first, &pcm(n));
        }
        let mut second = Encoder::new(channels).unwrap();
        second.copy_from(&first).unwrap();
        let mut third = first.clone();
        for n in 57..150 {
            let expected = encode(&mut first, &pcm(n));
            assert_eq!(encode(&mut second, &pcm(n)), expected, "frame {n}");
            assert_eq!(encode(&mut third, &pcm(n)), expected, "frame {n}");
        }
    }
}

#[test]
fn a_copy_does_not_follow_its_origin() {
    let mut first = encoder();
    for n in 0..20 {
        encode(&mut first, &voice(n, 140.0));
    }
    let mut copy = first.clone();
    let mut twin = first.clone();
    for n in 0..30 {
        encode(&mut first, &voice(n, 310.0));
    }
    drop(first);
    for n in 20..60 {
        assert_eq!(encode(&mut copy, &voice(n, 140.0)), encode(&mut twin, &voice(n, 140.0)));
    }
}

/// What a listener hears who is moved from one encoder to another at frame 50, against one who is not moved.
fn switched(mut second: impl FnMut(&Encoder) -> Encoder) -> f32 {
    let (mut shared, mut stayed, mut moved) =
        (encoder(), Decoder::new(Channels::Mono).unwrap(), Decoder::new(Channels::Mono).unwrap());
    let mut own = None;
    let (mut reference, mut heard) = (Vec::new(), Vec::new());
    for n in 0..100 {
        if n == 50 {
            own = Some(second(&shared));
        }
        let pcm = voice(n, 140.0);
        let payload = encode(&mut shared, &pcm);
        let other = own.as_mut().map_or_else(|| payload.clone(), |own| encode(own, &pcm));
        let (a, b) = (decode(&mut stayed, &payload), decode(&mut moved, &other));
        if n >= 50 {
            reference.extend(a);
            heard.extend(b);
        }
    }
    snr(&reference, &heard)
}

#[test]
fn a_switch_to_a_copy_is_inaudible_and_one_to_a_fresh_encoder_is_not() {
    let copied = switched(Encoder::clone);
    let fresh = switched(|_| encoder());
    assert!(copied > 80.0, "{copied} dB");
    assert!(fresh < 30.0, "{fresh} dB");
}

#[test]
fn fec_recovers_a_lost_frame_better_than_concealment() {
    let run = |fec: bool| {
        let mut encoder = encoder();
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss(20).unwrap();
        encoder.set_signal(Signal::Voice).unwrap();
        let pitch = |n: usize| 110.0 + 7.0 * (n % 23) as f32;
        let packets: Vec<_> = (0..200).map(|n| encode(&mut encoder, &voice(n, pitch(n)))).collect();
        assert!(packets.iter().filter(|p| has_fec(p)).count() > 150);
        let (mut whole, mut lossy) =
            (Decoder::new(Channels::Mono).unwrap(), Decoder::new(Channels::Mono).unwrap());
        let (mut reference, mut heard) = (Vec::new(), Vec::new());
        for (n, packet) in packets.iter().enumerate().take(199) {
            reference.extend(decode(&mut whole, packet));
            if n % 10 == 9 {
                let mut out = vec![0.0; FRAME];
                if fec {
                    lossy.recover(&packets[n + 1], &mut out).unwrap();
                } else {
                    lossy.conceal(&mut out).unwrap();
                }
                heard.extend(out);
            } else {
                heard.extend(decode(&mut lossy, packet));
            }
        }
        snr(&reference, &heard)
    };
    let (with, without) = (run(true), run(false));
    assert!(with > without + 3.0, "with {with} dB, without {without} dB");
}

#[test]
fn a_packet_tells_its_length() {
    let mut encoder = encoder();
    for frame in [480, 960, 1920, 2880] {
        let payload = encode(&mut encoder, &vec![0.1; frame]);
        assert_eq!(samples(&payload), Some(frame));
    }
    assert_eq!(samples(&[]), None);
    assert!(!has_fec(&[]));
}

#[test]
fn bad_input_is_an_error() {
    let mut encoder = encoder();
    let mut decoder = Decoder::new(Channels::Mono).unwrap();
    let mut out = [0.0; FRAME];
    assert_eq!(encoder.encode(&[0.0; 961], &mut [0; 1500]), Err(Error::Argument));
    assert_eq!(encoder.encode(&[], &mut [0; 1500]), Err(Error::Argument));
    assert_eq!(encoder.set_complexity(11), Err(Error::Argument));
    assert_eq!(encoder.set_packet_loss(101), Err(Error::Argument));
    assert_eq!(encoder.set_coded_channels(Some(Channels::Stereo)), Err(Error::Argument));
    assert_eq!(encoder.copy_from(&Encoder::new(Channels::Stereo).unwrap()), Err(Error::Argument));
    assert_eq!(decoder.decode(&[], &mut out), Err(Error::Packet));
    assert_eq!(decoder.decode(&[0xff], &mut out), Err(Error::Packet));
    assert_eq!(decoder.decode(&encode(&mut encoder, &[0.0; 1920]), &mut out), Err(Error::Buffer));
    assert!(decoder.conceal(&mut [0.0; 7]).is_err());
}

#[test]
fn random_bytes_never_crash_the_decoder() {
    let mut decoder = Decoder::new(Channels::Stereo).unwrap();
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let mut out = vec![0.0; 5760 * 2];
    for length in 0..400 {
        let payload: Vec<u8> = (0..length).map(|_| next()).collect();
        let _ = (samples(&payload), has_fec(&payload));
        let _ = decoder.decode(&payload, &mut out);
        let _ = decoder.recover(&payload, &mut out);
    }
}
