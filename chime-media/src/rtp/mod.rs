//! RTP as the engine needs it: headers read and written in place, sequence numbers, and the reports of RTCP.

pub mod packet;
pub mod sequence;
