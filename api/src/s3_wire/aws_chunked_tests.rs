//! Bodies whole, cut into pieces, and broken.
#![expect(clippy::unwrap_used, reason = "tests")]

use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};

use super::*;

async fn read(pieces: Vec<Bytes>, length: u64) -> (io::Result<Vec<u8>>, Option<HeaderMap>) {
    let frames = pieces.into_iter().map(|piece| Ok::<_, io::Error>(Frame::data(piece)));
    let inner = Body::http_body_unsync(StreamBody::new(stream::iter(frames)));
    let trailers = Trailers::default();
    let read = Decoded::new(inner, length, trailers.clone()).collect().await;
    (read.map(|body| body.to_bytes().to_vec()), trailers.take())
}

async fn whole(encoded: &'static str, length: u64) -> io::Result<Vec<u8>> {
    read(vec![Bytes::from_static(encoded.as_bytes())], length).await.0
}

const WITH_TRAILER: &str = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
const SIGNED: &str = "5;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\nhello\r\n\
                      0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";

#[tokio::test]
async fn a_body_comes_out_with_its_trailing_headers() {
    let (body, trailers) = read(vec![Bytes::from_static(WITH_TRAILER.as_bytes())], 11).await;
    assert_eq!(body.unwrap(), b"hello world");
    assert_eq!(trailers.unwrap().get("x-amz-checksum-crc32").unwrap(), "DUoRhQ==");
}

#[tokio::test]
async fn it_makes_no_difference_where_the_network_cuts() {
    for size in 1..WITH_TRAILER.len() {
        let pieces = WITH_TRAILER.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        let (body, trailers) = read(pieces, 11).await;
        assert_eq!(body.unwrap(), b"hello world", "pieces of {size}");
        assert_eq!(trailers.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn signatures_of_chunks_are_passed_over() {
    assert_eq!(whole(SIGNED, 5).await.unwrap(), b"hello");
}

#[tokio::test]
async fn an_empty_body_and_a_missing_last_line_end_are_fine() {
    assert_eq!(whole("0\r\n\r\n", 0).await.unwrap(), b"");
    assert_eq!(whole("2\r\nhi\r\n0\r\n", 2).await.unwrap(), b"hi");
}

#[tokio::test]
async fn a_body_cut_short_anywhere_is_an_error() {
    let complete = "5\r\nhello\r\n0\r\n".len();
    for length in 0..complete {
        let piece = Bytes::copy_from_slice(&WITH_TRAILER.as_bytes()[..length]);
        let (body, trailers) = read(vec![piece], 11).await;
        assert!(body.is_err(), "cut after {length}");
        assert!(trailers.is_none());
    }
}

#[tokio::test]
async fn what_was_announced_must_be_what_comes() {
    assert!(whole(SIGNED, 4).await.unwrap_err().to_string().contains("longer than announced"));
    assert!(whole(SIGNED, 6).await.unwrap_err().to_string().contains("shorter than announced"));
}

#[tokio::test]
async fn broken_encodings_are_errors() {
    for broken in [
        "",
        "hello",
        "x\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n0\r\n\r\n",
        "-1\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "\r\n",
        "ffffffffffffffffff\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\nbad name: x\r\n\r\n",
    ] {
        assert!(whole(broken, 5).await.is_err(), "{broken:?}");
    }
    let endless_line = Bytes::from(vec![b'1'; 10_000]);
    assert!(read(vec![endless_line], 5).await.0.is_err());
    let endless_trailer = Bytes::from([b"0\r\n".to_vec(), vec![b'a'; 100_000]].concat());
    assert!(read(vec![endless_trailer], 0).await.0.is_err());
}

#[tokio::test]
async fn an_error_below_stays_an_error() {
    let frames = vec![Ok(Frame::data(Bytes::from_static(b"5\r\nhel"))), Err(io::Error::other("gone"))];
    let inner = Body::http_body_unsync(StreamBody::new(stream::iter(frames)));
    let read = Decoded::new(inner, 5, Trailers::default()).collect().await;
    assert!(read.unwrap_err().to_string().contains("gone"));
}
