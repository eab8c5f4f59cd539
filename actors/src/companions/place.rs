//! Whose a resource is, and where: every account has its own in each Region.

/// An account and a Region.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The account.
    pub account: &'a str,
    /// The Region.
    pub region: &'a str,
}
