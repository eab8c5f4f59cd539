//! GetLogEvents and FilterLogEvents.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::task::spawn_blocking;

use super::file::{Event, Reader};
use super::service::{Logs, Refusal, RefusalKind};

/// An answer has at most so many bytes, each event counted with so many more (API reference).
const MOST_BYTES: usize = 1 << 20;
const EVENT_BYTES: usize = 26;

/// What GetLogEvents is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Not before, in milliseconds.
    pub start: Option<u64>,
    /// Before, in milliseconds.
    pub end: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// Where a former answer ended.
    pub token: Option<String>,
    /// From the oldest on, not up to the newest.
    pub from_head: bool,
}

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// Oldest first.
    pub events: Vec<Event>,
    /// Continues behind them.
    pub forward: String,
    /// Continues before them.
    pub backward: String,
}

/// What FilterLogEvents is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these streams.
    pub streams: Vec<String>,
    /// Only streams whose names begin so.
    pub prefix: String,
    /// Not before, in milliseconds.
    pub start: Option<u64>,
    /// Not after, in milliseconds.
    pub end: Option<u64>,
    /// Words that an event must have.
    pub pattern: Option<String>,
    /// At most so many.
    pub limit: usize,
    /// Where a former answer ended.
    pub token: Option<String>,
}

/// An event and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilteredEvent {
    /// The stream.
    pub stream: String,
    /// The event.
    pub event: Event,
}

impl FilteredEvent {
    fn place(&self) -> (u64, &str, u64) {
        (self.event.at, &self.stream, self.event.offset)
    }
}

impl PartialOrd for FilteredEvent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FilteredEvent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl Logs {
    /// GetLogEvents.
    pub async fn events(
        &self,
        account: &str,
        region: &str,
        group: &str,
        stream: &str,
        query: Query,
    ) -> Result<Events, Refusal> {
        self.require(account, region, group, stream).await?;
        let path = self.path(account, region, group, stream);
        let from = query.token.as_deref().map(parse_token).transpose()?;
        blocking(move || part_of(&path, &query, from)).await
    }

    /// FilterLogEvents: the events of all the streams by their time, and where to go on.
    pub async fn filter(
        &self,
        account: &str,
        region: &str,
        group: &str,
        filter: Filter,
    ) -> Result<(Vec<FilteredEvent>, Option<String>), Refusal> {
        let pattern = Pattern::parse(filter.pattern.as_deref().unwrap_or_default())?;
        let after = filter.token.as_deref().map(parse_filter_token).transpose()?;
        let streams = self.streams(account, region, group, &filter.prefix).await?;
        let files: Vec<(String, PathBuf)> = streams
            .into_iter()
            .filter(|stream| filter.streams.is_empty() || filter.streams.contains(&stream.name))
            .map(|stream| {
                let path = self.path(account, region, group, &stream.name);
                (stream.name, path)
            })
            .collect();
        blocking(move || Ok(filtered(&files, &filter, &pattern, after.as_ref())?)).await
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    spawn_blocking(read).await.map_err(|error| Refusal::new(RefusalKind::Internal, error.to_string()))?
}

/// Which way a token leads, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Forward(u64),
    Backward(u64),
}

fn part_of(path: &std::path::Path, query: &Query, from: Option<From>) -> Result<Events, Refusal> {
    let begin = if let Some(From::Forward(offset)) = from { offset } else { 0 };
    let before = if let Some(From::Backward(offset)) = from { offset } else { u64::MAX };
    let newest = !matches!(from, Some(From::Forward(_))) && (!query.from_head || from.is_some());
    let mut events: VecDeque<Event> = VecDeque::new();
    let (mut bytes, mut end) = (0, begin);
    if let Some(mut reader) = Reader::open(path, begin)? {
        while let Some(event) = reader.next()? {
            if event.offset >= before {
                break;
            }
            end = event.next;
            if query.start.is_some_and(|start| event.at < start)
                || query.end.is_some_and(|end| event.at >= end)
            {
                continue;
            }
            let size = event.text.len() + EVENT_BYTES;
            if newest {
                bytes += size;
                events.push_back(event);
                while events.len() > query.limit || (bytes > MOST_BYTES && events.len() > 1) {
                    bytes -= events.pop_front().map_or(0, |event| event.text.len() + EVENT_BYTES);
                }
            } else if events.len() < query.limit && (bytes + size <= MOST_BYTES || events.is_empty()) {
                bytes += size;
                events.push_back(event);
            } else {
                end = event.offset;
                break;
            }
        }
    }
    let first = events.front().map_or(if newest { begin.min(end) } else { begin }, |event| event.offset);
    let end = if newest {
        events.back().map_or(end, |event| event.next.max(if before == u64::MAX { end } else { 0 }))
    } else {
        end
    };
    Ok(Events { events: events.into(), forward: format!("f/{end:056}"), backward: format!("b/{first:056}") })
}

fn parse_token(token: &str) -> Result<From, Refusal> {
    let offset = |text: &str| text.parse().map_err(|_| invalid_token());
    match token.split_once('/') {
        Some(("f", text)) => offset(text).map(From::Forward),
        Some(("b", text)) => offset(text).map(From::Backward),
        _ => Err(invalid_token()),
    }
}

fn invalid_token() -> Refusal {
    Refusal::new(RefusalKind::InvalidParameter, "The specified nextToken is invalid.")
}

type Place = (u64, String, u64);

fn parse_filter_token(token: &str) -> Result<Place, Refusal> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let parse = || {
        let text = decoded?;
        let mut parts = text.splitn(3, ' ');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.to_owned()))
    };
    let (at, offset, stream) = parse().ok_or_else(invalid_token)?;
    Ok((at, stream, offset))
}

/// The first events, by time, behind a place.
fn filtered(
    files: &[(String, PathBuf)],
    filter: &Filter,
    pattern: &Pattern,
    after: Option<&Place>,
) -> std::io::Result<(Vec<FilteredEvent>, Option<String>)> {
    // The last one only tells that there are more.
    let most = filter.limit + 1;
    let mut first: BinaryHeap<FilteredEvent> = BinaryHeap::new();
    for (stream, path) in files {
        let Some(mut reader) = Reader::open(path, 0)? else { continue };
        while let Some(event) = reader.next()? {
            let found = FilteredEvent { stream: stream.clone(), event };
            let at = found.event.at;
            if filter.start.is_some_and(|start| at < start)
                || filter.end.is_some_and(|end| at > end)
                || after.is_some_and(|(at, stream, offset)| found.place() <= (*at, stream, *offset))
                || !pattern.matches(&found.event.text)
            {
                continue;
            }
            first.push(found);
            if first.len() > most {
                first.pop();
            }
        }
    }
    let mut events = first.into_sorted_vec();
    let mut bytes = 0;
    let fits = events.iter().take(filter.limit).take_while(|found| {
        bytes += found.event.text.len() + EVENT_BYTES;
        bytes <= MOST_BYTES
    });
    let count = fits.count().max(1);
    let more = events.len() > count;
    events.truncate(count);
    let token = events.last().filter(|_| more).map(|found| {
        let (at, stream, offset) = found.place();
        URL_SAFE_NO_PAD.encode(format!("{at} {offset} {stream}"))
    });
    Ok((events, token))
}

/// A filter pattern of words: all of them, one of those with `?`, none of those with `-`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.starts_with(['{', '[', '%']) {
            return Err(Refusal::new(
                RefusalKind::InvalidParameter,
                "Invalid filter pattern: here are patterns of words, not of JSON, fields or regular expressions.",
            ));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (list, term) = match first {
                '?' => (&mut pattern.any, rest.get(1..).unwrap_or_default()),
                '-' => (&mut pattern.none, rest.get(1..).unwrap_or_default()),
                _ => (&mut pattern.all, rest),
            };
            let (word, behind) = match term.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| {
                    Refusal::new(
                        RefusalKind::InvalidParameter,
                        "Invalid filter pattern: a quote is not closed.",
                    )
                })?,
                None => term.split_once(char::is_whitespace).unwrap_or((term, "")),
            };
            if !word.is_empty() {
                list.push(word.to_owned());
            }
            rest = behind.trim_start();
        }
        Ok(pattern)
    }

    fn matches(&self, text: &str) -> bool {
        self.all.iter().all(|word| text.contains(word))
            && (self.any.is_empty() || self.any.iter().any(|word| text.contains(word)))
            && !self.none.iter().any(|word| text.contains(word))
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
