//! AWS's wire protocols: decode, encode, and each one's form of an error.

pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod xml;
