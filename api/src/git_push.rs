//! Which refs a push is about to change (gitprotocol-pack, "Reference Update Request and Packfile Transfer"): read before git
//! gets to see it, so that policies can go by it, and the answer that a push gets which may not.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use s3s::Body;

use crate::error::AwsError;

/// The longest list of refs.
const LONGEST: usize = 1 << 20;

/// The beginning of a push.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// What was read of the body, for git to read again.
    pub(crate) read: Vec<u8>,
    /// The refs that are to change.
    pub(crate) refs: Vec<String>,
    /// Whether the client wants answers in bands.
    side_band: bool,
}

impl Commands {
    /// Reads them from the body, whose rest is left there.
    pub(crate) async fn of(body: &mut Body, silence: Duration) -> Result<Self, AwsError> {
        let mut read = Vec::new();
        loop {
            if let Some(commands) = Self::parse(&read)? {
                return Ok(Self { read, ..commands });
            }
            if read.len() > LONGEST {
                return Err(AwsError::new(
                    "RequestEntityTooLargeException",
                    413,
                    "The push changes too many refs.",
                ));
            }
            let Ok(Some(Ok(frame))) = tokio::time::timeout(silence, body.frame()).await else {
                return Err(malformed());
            };
            if let Ok(piece) = frame.into_data() {
                read.extend_from_slice(&piece);
            }
        }
    }

    /// Nothing while they are not all there.
    fn parse(mut read: &[u8]) -> Result<Option<Self>, AwsError> {
        let mut commands = Self::default();
        while let Some((length, after)) = read.split_at_checked(4) {
            let length = std::str::from_utf8(length).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
            let length = length.ok_or_else(malformed)?;
            if length == 0 {
                return Ok(Some(commands));
            }
            let length = length.checked_sub(4).ok_or_else(malformed)?;
            let Some((line, following)) = after.split_at_checked(length) else { return Ok(None) };
            commands.line(&String::from_utf8_lossy(line));
            read = following;
        }
        Ok(None)
    }

    /// `old new ref`, and after the first one's ref what the client can do. Lines of other forms change nothing.
    fn line(&mut self, line: &str) {
        let (command, abilities) = line.split_once('\0').unwrap_or((line, ""));
        self.side_band |= abilities.split_whitespace().any(|one| one == "side-band-64k");
        let mut words = command.trim_end_matches('\n').splitn(3, ' ');
        if let (Some(old), Some(_), Some(name)) = (words.next(), words.next(), words.next())
            && old.len() >= 40
        {
            self.refs.push(name.to_owned());
        }
    }

    /// What git shows: none of the refs was changed, and why.
    pub(crate) fn refusal(&self, why: &str) -> Bytes {
        let mut report = packet("unpack ok\n".as_bytes());
        for name in &self.refs {
            report.extend(packet(format!("ng {name} {why}\n").as_bytes()));
        }
        report.extend(b"0000");
        if !self.side_band {
            return report.into();
        }
        // A band's packet takes 65,515 bytes.
        let mut banded = Vec::new();
        for piece in report.chunks(65_515) {
            banded.extend(packet(&[&[1], piece].concat()));
        }
        banded.extend(b"0000");
        banded.into()
    }
}

fn packet(content: &[u8]) -> Vec<u8> {
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

fn malformed() -> AwsError {
    AwsError::client("SerializationException", "The push does not begin with the refs that it changes.")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const OLD: &str = "0000000000000000000000000000000000000000";

    fn push() -> Vec<u8> {
        let mut push = packet(format!("{OLD} {OLD} refs/heads/main\0report-status side-band-64k").as_bytes());
        push.extend(packet(format!("{OLD} {OLD} refs/tags/v 1\n").as_bytes()));
        push.extend(b"0000PACK...");
        push
    }

    async fn commands(pieces: Vec<Vec<u8>>) -> Result<(Commands, Vec<u8>), AwsError> {
        let frames = pieces
            .into_iter()
            .map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(piece))));
        let stream = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
        let mut body = Body::http_body_unsync(stream);
        let commands = Commands::of(&mut body, Duration::from_secs(60)).await?;
        Ok((commands, body.collect().await.unwrap().to_bytes().to_vec()))
    }

    #[tokio::test]
    async fn the_refs_are_found_however_the_body_comes_and_nothing_of_it_is_lost() {
        for size in [1, 7, 100, 1000] {
            let pieces = push().chunks(size).map(<[u8]>::to_vec).collect();
            let (found, rest) = commands(pieces).await.unwrap();
            assert_eq!(found.refs, ["refs/heads/main", "refs/tags/v 1"]);
            assert!(found.side_band);
            assert_eq!([found.read, rest].concat(), push(), "in pieces of {size}");
        }
        let (probe, _) = commands(vec![b"0000".to_vec()]).await.unwrap();
        assert!(probe.refs.is_empty(), "git asks like that whether it may");
    }

    #[tokio::test]
    async fn what_is_no_push_is_refused() {
        for odd in [&b""[..], b"PACK", b"0003", b"00ff", b"zzzz0000"] {
            assert_eq!(commands(vec![odd.to_vec()]).await.unwrap_err().status, 400, "{odd:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_names_every_ref() {
        let (mut found, _) = commands(vec![push()]).await.unwrap();
        let banded = found.refusal("no");
        assert!(banded.starts_with(b"00") && banded.ends_with(b"00000000") && banded.get(4) == Some(&1));
        found.side_band = false;
        let plain = found.refusal("no");
        assert_eq!(plain, "000eunpack ok\n001ang refs/heads/main no\n0018ng refs/tags/v 1 no\n0000");
    }
}
