//! The envelope of a message.

use prost::Message as _;

use super::proto::SignalFrame;

/// First byte of a message: it holds a protobuf frame.
const RTC: u8 = 5;
/// Largest message taken from a client, in bytes: an offer with 25 received videos has about 143 KB.
pub const MAX_FRAME: usize = 512 * 1024;

/// Why a message is no frame. The real service drops such messages; so do we.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Larger than [`MAX_FRAME`].
    #[error("a message of {0} bytes")]
    TooLarge(usize),
    /// The first byte is another one.
    #[error("not a frame")]
    Type,
    /// The client sends more than it may.
    #[error("too many")]
    TooMany,
    /// What follows is no protobuf message.
    #[error("malformed")]
    Malformed,
}

/// Reads a client's message.
///
/// # Errors
///
/// [`FrameError`].
pub fn decode(message: &[u8]) -> Result<SignalFrame, FrameError> {
    if message.len() > MAX_FRAME {
        return Err(FrameError::TooLarge(message.len()));
    }
    let Some((&RTC, body)) = message.split_first() else { return Err(FrameError::Type) };
    SignalFrame::decode(body).map_err(|_| FrameError::Malformed)
}

/// Writes a message.
#[must_use]
pub fn encode(frame: &SignalFrame) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + frame.encoded_len());
    message.push(RTC);
    // Writing to a vector fails only when it cannot grow.
    let _grown = frame.encode(&mut message);
    message
}

#[cfg(test)]
mod tests {
    use super::super::proto::*;
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
            .collect()
    }

    /// Appendix D of the signaling guide.
    #[test]
    fn what_the_client_sends_is_read() {
        let ping = decode(&hex("0508e6b7b28ba0341013a2010408011001")).unwrap();
        assert_eq!(ping.kind(), FrameType::PingPong);
        assert_eq!(ping.ping_pong, Some(PingPong { kind: PingPongType::Ping.into(), ping_id: 1 }));
        let join = decode(&hex(
            "0508f2b7b28ba034100122570802180222432a066368726f6d65320d3135362e302e383037382e37393a13616d617a6f6e2d6368\
             696d652d73646b2d6a734206332e33322e304a062b30303a303052054c696e757830aee5d7940f3801500160006800",
        ))
        .unwrap();
        assert_eq!(join.kind(), FrameType::Join);
        let join = join.join.unwrap();
        assert_eq!((join.flags, join.wants_compressed_sdp), (Some(2), Some(true)));
        assert_eq!(join.audio_session_id, Some(4_069_913_262));
        assert_eq!(join.client_details.unwrap().client_source.as_deref(), Some("amazon-chime-sdk-js"));
    }

    #[test]
    fn what_the_client_expects_is_written() {
        let frame = |kind| SignalFrame::new(NOW, kind);
        let join_ack = JoinAck { turn_credentials: Some(TurnCredentials::default()), ..Default::default() };
        let streams = vec![AudioStreamIdInfo {
            audio_stream_id: Some(1),
            attendee_id: Some("a".into()),
            muted: Some(false),
            external_user_id: Some("e".into()),
            dropped: None,
        }];
        let cases = [
            (
                SignalFrame { joinack: Some(join_ack), ..frame(FrameType::JoinAck) },
                "050880d095ffbc3110022a020a00",
            ),
            (
                SignalFrame { index: Some(Index::default()), ..frame(FrameType::Index) },
                "050880d095ffbc3110054200",
            ),
            (
                SignalFrame {
                    ping_pong: Some(PingPong { kind: PingPongType::Pong.into(), ping_id: 1 }),
                    ..frame(FrameType::PingPong)
                },
                "050880d095ffbc311013a2010408021001",
            ),
            (
                SignalFrame { leave_ack: Some(LeaveAck {}), ..frame(FrameType::LeaveAck) },
                "050880d095ffbc31100a6200",
            ),
            (
                SignalFrame {
                    audio_status: Some(AudioStatus { audio_status: Some(410) }),
                    ..frame(FrameType::AudioStatus)
                },
                "050880d095ffbc311014aa0103089a03",
            ),
            (
                SignalFrame {
                    audio_stream_id_info: Some(AudioStreamIdInfoFrame { streams }),
                    ..frame(FrameType::AudioStreamIdInfo)
                },
                "050880d095ffbc3110129a010c0a0a08011201611800220165",
            ),
        ];
        for (frame, expected) in cases {
            assert_eq!(encode(&frame), hex(expected), "{frame:?}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert_eq!(decode(&[]), Err(FrameError::Type));
        assert_eq!(decode(&[4, 8, 1]), Err(FrameError::Type));
        assert_eq!(decode(&[5, 8]), Err(FrameError::Malformed));
        // Without the required members, which proto2 demands.
        assert_eq!(decode(&vec![5; MAX_FRAME + 1]), Err(FrameError::TooLarge(MAX_FRAME + 1)));
    }
}
