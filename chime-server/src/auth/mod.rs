//! Who is calling: from a request to the caller it speaks for (rule IAM-02).

pub mod sigv4;
