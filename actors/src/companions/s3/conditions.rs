//! `If-Match` and its kin.

use penstock_engine::time::Timestamp;

use super::records::VersionRecord;
use super::refusal::Refusal;

/// What an ETag header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EtagCondition {
    /// `*`
    Any,
    /// This ETag, without its quotes.
    Is(String),
}

impl EtagCondition {
    fn holds(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(wanted) => wanted == etag,
        }
    }
}

/// The conditions of a read (or of a copy's source).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the header of that name")]
pub struct ReadConditions {
    pub if_match: Option<EtagCondition>,
    pub if_none_match: Option<EtagCondition>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// In HTTP's order: a match that holds overrides the dates. Dates on the wire have whole seconds.
    pub(super) fn check(&self, etag: &str, modified: Timestamp) -> Result<(), Refusal> {
        let newer_than = |date: Timestamp| modified.0 / 1000 > date.0 / 1000;
        match (&self.if_match, self.if_unmodified_since) {
            (Some(wanted), _) if !wanted.holds(etag) => return Err(Refusal::precondition_failed("If-Match")),
            (None, Some(date)) if newer_than(date) => {
                return Err(Refusal::precondition_failed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(unwanted), _) if unwanted.holds(etag) => Err(Refusal::not_modified()),
            (None, Some(date)) if !newer_than(date) => Err(Refusal::not_modified()),
            _ => Ok(()),
        }
    }
}

/// The conditions of a write or a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the header of that name")]
pub struct WriteConditions {
    pub if_match: Option<EtagCondition>,
    pub if_none_match: Option<EtagCondition>,
}

impl WriteConditions {
    /// Whether there is nothing to check.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Against what is there now, if anything.
    pub(super) fn check(&self, key: &str, newest: Option<&VersionRecord>) -> Result<(), Refusal> {
        let etag = newest.and_then(VersionRecord::object).map(|object| object.etag.as_str());
        match &self.if_none_match {
            Some(EtagCondition::Any) if etag.is_some() => {
                return Err(Refusal::precondition_failed("If-None-Match"));
            }
            Some(EtagCondition::Is(_)) => {
                return Err(Refusal::not_implemented(
                    "A header you provided implies functionality that is not implemented",
                )
                .with("Header", "If-None-Match"));
            }
            _ => {}
        }
        match (&self.if_match, etag) {
            (Some(_), None) => Err(Refusal::no_such_key(key)),
            (Some(wanted), Some(etag)) if !wanted.holds(etag) => {
                Err(Refusal::precondition_failed("If-Match"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(conditions: &ReadConditions) -> Option<&'static str> {
        conditions.check("abc", Timestamp(5_500)).err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_match_that_holds_overrides_the_date_and_one_that_does_not_refuses() {
        let is = |text: &str| Some(EtagCondition::Is(text.into()));
        let old = Some(Timestamp(1_000));
        let base = ReadConditions::default();
        assert_eq!(
            code(&ReadConditions { if_match: is("abc"), if_unmodified_since: old, ..base.clone() }),
            None
        );
        assert_eq!(code(&ReadConditions { if_match: is("x"), ..base.clone() }), Some("PreconditionFailed"));
        assert_eq!(
            code(&ReadConditions { if_unmodified_since: old, ..base.clone() }),
            Some("PreconditionFailed")
        );
        assert_eq!(code(&ReadConditions { if_none_match: is("abc"), ..base.clone() }), Some("NotModified"));
        let same_second = ReadConditions { if_modified_since: Some(Timestamp(5_000)), ..base.clone() };
        assert_eq!(code(&same_second), Some("NotModified"));
        assert_eq!(code(&ReadConditions { if_none_match: is("x"), ..same_second }), None);
    }
}
