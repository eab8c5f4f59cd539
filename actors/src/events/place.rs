//! Where an event stands among all events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The transitions that made events are numbered by the store, without gaps and never twice; an event is one of its
/// transition's. Written `17-0`, the first event of the seventeenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The transition's number, from 1.
    pub transition: u64,
    /// Which of its events, from 0.
    pub nth: u32,
}

impl Place {
    /// Behind all events of that transition.
    pub(crate) fn behind(transition: u64) -> Self {
        Self { transition, nth: u32::MAX }
    }

    /// Before all events.
    pub(crate) fn beginning() -> Self {
        Self::behind(0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            u32::MAX => write!(f, "{}", self.transition),
            nth => write!(f, "{}-{nth}", self.transition),
        }
    }
}

/// That is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of an event looks like 17-0; 0 stands before all events")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    /// `17-0`, or `17` for behind all events of the seventeenth transition.
    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let number = |digits: &str| {
            let is_plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            if is_plain { digits.parse::<u64>().map_err(|_| NoPlace) } else { Err(NoPlace) }
        };
        let Some((transition, nth)) = text.split_once('-') else { return number(text).map(Self::behind) };
        let nth = u32::try_from(number(nth)?).map_err(|_| NoPlace)?;
        Ok(Self { transition: number(transition)?, nth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = Place { transition: 17, nth: 2 };
        assert_eq!(place.to_string().parse(), Ok(place));
        assert_eq!(Place::beginning().to_string().parse(), Ok(Place::beginning()));
        assert!(Place { transition: 9, nth: 9 } < Place { transition: 10, nth: 0 });
        for bad in ["", "-", "a", "1-", "-1", "1-1-1", "+1", "1 ", "99999999999999999999", "1-4294967296"] {
            assert_eq!(bad.parse::<Place>(), Err(NoPlace), "{bad}");
        }
    }
}
