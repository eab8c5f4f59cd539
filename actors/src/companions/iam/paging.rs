//! `MaxItems`, `Marker` and `IsTruncated`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::refusal::{Refusal, RefusalKind};

const DEFAULT_MAX_ITEMS: usize = 100;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// What the answer before gave.
    pub marker: Option<String>,
    /// At most so many.
    pub max_items: Option<usize>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next part begins; absent at the end.
    pub marker: Option<String>,
}

impl PageRequest {
    /// Cuts the page out of a list. Items are ordered by their key, and a page goes on after the last key
    /// of the one before, so that what is created or deleted in between shifts nothing.
    pub(super) fn cut<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Result<Page<T>, Refusal> {
        items.sort_by_cached_key(&key);
        if let Some(marker) = &self.marker {
            let last = decode(marker)
                .ok_or_else(|| Refusal::new(RefusalKind::ValidationError, "Invalid Marker."))?;
            items.retain(|item| key(item) > last);
        }
        let most = self.max_items.unwrap_or(DEFAULT_MAX_ITEMS).max(1);
        let is_truncated = items.len() > most;
        items.truncate(most);
        let marker = items.last().filter(|_| is_truncated).map(|item| URL_SAFE_NO_PAD.encode(key(item)));
        Ok(Page { items, marker })
    }
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), marker: self.marker }
    }
}

fn decode(marker: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let all: Vec<String> = (0..7).map(|n| format!("n{n}")).collect();
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let request = PageRequest { marker, max_items: Some(3) };
            let page = request.cut(all.clone(), Clone::clone).unwrap();
            seen.extend(page.items);
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_marker_of_nobodys_making_is_refused() {
        let request = PageRequest { marker: Some("***".to_owned()), max_items: None };
        let refusal = request.cut(vec!["a".to_owned()], Clone::clone).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::ValidationError);
    }
}
