//! Artifacts: getting them, and taking them apart safely.

pub mod directory;
pub mod packing;
pub mod stored;
pub mod transfer;
pub mod zip;
