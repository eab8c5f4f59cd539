//! What may not be durable yet: the keys that the last applied group wrote. All groups before it are durable,
//! since the committer takes one at a time.

use std::ops::Bound;

use crate::batch::Write;

/// Keys, in order.
#[derive(Default)]
pub(crate) struct Recent(Vec<Vec<u8>>);

impl Recent {
    pub(crate) fn of(writes: &[Write]) -> Self {
        let mut keys: Vec<Vec<u8>> = writes.iter().map(|(key, _)| key.as_bytes().to_vec()).collect();
        keys.sort_unstable();
        Self(keys)
    }

    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.0.binary_search_by(|held| held.as_slice().cmp(key)).is_ok()
    }

    /// Whether any of the keys lies within the bounds.
    pub(crate) fn has_within(&self, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> bool {
        let first = self.0.partition_point(|held| match lower {
            Bound::Included(lower) => held.as_slice() < lower,
            Bound::Excluded(lower) => held.as_slice() <= lower,
            Bound::Unbounded => false,
        });
        self.0.get(first).is_some_and(|held| match upper {
            Bound::Included(upper) => held.as_slice() <= upper,
            Bound::Excluded(upper) => held.as_slice() < upper,
            Bound::Unbounded => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::codepipeline::event;

    #[test]
    fn keys_are_found_alone_and_within_bounds() {
        let recent = Recent::of(&[(event(7), None), (event(3), Some(Vec::new()))]);
        assert!(recent.has(event(3).as_bytes()) && recent.has(event(7).as_bytes()));
        assert!(!recent.has(event(4).as_bytes()));
        for (lower, upper, expected) in [
            (Bound::Unbounded, Bound::Unbounded, true),
            (Bound::Included(3), Bound::Excluded(4), true),
            (Bound::Excluded(3), Bound::Excluded(7), false),
            (Bound::Excluded(3), Bound::Included(7), true),
            (Bound::Included(8), Bound::Unbounded, false),
            (Bound::Unbounded, Bound::Excluded(3), false),
        ] {
            let (from, to) = (lower.map(event), upper.map(event));
            let found = recent.has_within(
                from.as_ref().map(crate::keys::Key::as_bytes),
                to.as_ref().map(crate::keys::Key::as_bytes),
            );
            assert_eq!(found, expected, "{lower:?} to {upper:?}");
        }
        assert!(!Recent::default().has_within(Bound::Unbounded, Bound::Unbounded));
    }
}
