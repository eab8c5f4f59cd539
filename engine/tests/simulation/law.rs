//! A broken law.

/// Which law, and what was seen.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// The invariant's name: that of its file.
    pub(crate) law: &'static str,
    /// What was seen.
    pub(crate) what: String,
}

/// Fine, or a broken law.
pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// A broken law.
pub(crate) fn broken(law: &'static str, what: impl Into<String>) -> Violation {
    Violation { law, what: what.into() }
}

/// `Ok`, or the broken law with what was seen.
pub(crate) fn hold(law: &'static str, holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(broken(law, what())) }
}
