//! RTP as the engine needs it: headers read and written in place, sequence numbers, and the reports of RTCP.

pub mod arrivals;
pub mod packet;
pub mod reception;
pub mod sequence;
