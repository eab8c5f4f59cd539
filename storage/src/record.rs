//! The form of every record: one byte of format version, then JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::StoreError;
use crate::keys::Key;

/// A value that the store can keep.
///
/// A change of form, be it only a new field, raises [`VERSION`](Self::VERSION) and teaches
/// [`upgrade`](Self::upgrade) the way up; golden files keep the old forms.
pub trait Record: Serialize + DeserializeOwned {
    /// The version that is written. The first one is 1.
    const VERSION: u8;

    /// Brings the JSON of an older version (`from` is below [`VERSION`](Self::VERSION)) to this one's
    /// form. Whoever leaves this out has no older versions, or knows that they still parse.
    fn upgrade(from: u8, old: Value) -> Result<Value, String> {
        let _ = from;
        Ok(old)
    }
}

pub(crate) fn encode<R: Record>(record: &R) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(R::VERSION);
    serde_json::to_writer(&mut bytes, record)?;
    Ok(bytes)
}

pub(crate) fn decode<R: Record>(key: &Key, bytes: &[u8]) -> Result<R, StoreError> {
    let unreadable = |reason: String| StoreError::Unreadable { key: key.clone(), reason };
    let (&version, json) = bytes.split_first().ok_or_else(|| unreadable("it is empty".to_owned()))?;
    if version > R::VERSION {
        return Err(StoreError::Newer { key: key.clone(), found: version, known: R::VERSION });
    }
    if version == R::VERSION {
        return serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()));
    }
    let old = serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
    let new = R::upgrade(version, old)
        .map_err(|reason| unreadable(format!("it cannot be brought from format {version}: {reason}")))?;
    serde_json::from_value(new).map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde::Deserialize;

    use super::*;
    use crate::keys::iam;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        name: String,
    }
    impl Record for Old {
        const VERSION: u8 = 1;
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        names: Vec<String>,
    }
    impl Record for New {
        const VERSION: u8 = 2;

        fn upgrade(_from: u8, old: Value) -> Result<Value, String> {
            let name = old.get("name").ok_or("it has no name")?;
            Ok(serde_json::json!({ "names": [name] }))
        }
    }

    #[test]
    fn an_older_record_is_brought_up() {
        let bytes = encode(&Old { name: "a".into() }).unwrap();
        let new: New = decode(&iam::role("1", "r"), &bytes).unwrap();
        assert_eq!(new, New { names: vec!["a".into()] });
    }

    #[test]
    fn a_newer_record_is_refused_with_a_sentence() {
        let bytes = encode(&New { names: vec![] }).unwrap();
        let error = decode::<Old>(&iam::role("1", "r"), &bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "record iam-role/1/r has format 2, this penstock knows formats up to 1: \
             start the newer penstock that wrote it"
        );
    }

    #[test]
    fn what_is_no_record_is_an_error_and_no_panic() {
        for bytes in [&b""[..], b"\x02", b"\x02{", b"\x02{}", b"\x01{}", b"\x01\xff", b"\x00null"] {
            decode::<New>(&iam::role("1", "r"), bytes).unwrap_err();
        }
    }
}
