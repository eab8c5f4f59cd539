//! Zips as somebody with bad intentions would make them, and some that only look so.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::io::{Cursor, Write};

use ::zip::CompressionMethod;
use ::zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Archive {
    fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    fn file(mut self, name: &str, content: &[u8]) -> Self {
        self.0.start_file(name, SimpleFileOptions::default()).unwrap();
        self.0.write_all(content).unwrap();
        self
    }

    fn stored(mut self, name: &str, content: &[u8]) -> Self {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.0.start_file(name, options).unwrap();
        self.0.write_all(content).unwrap();
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.finish().unwrap().into_inner()
    }
}

async fn unpacked(bytes: Vec<u8>, limits: Limits) -> Result<Vec<(String, Vec<u8>)>, ZipError> {
    let folder = tempfile::tempdir().unwrap();
    let archive = Stored::Memory(Bytes::from(bytes));
    let mut receiver = unpack(archive, limits, Spool::new(folder.path()));
    let mut files = Vec::new();
    while let Some(file) = receiver.recv().await {
        let file = file?;
        let mut content = vec![0; usize::try_from(file.content.length()).unwrap()];
        file.content.read_exact_at(&mut content, 0).unwrap();
        files.push((file.path, content));
    }
    Ok(files)
}

async fn refusal(bytes: Vec<u8>) -> String {
    match unpacked(bytes, Limits::default()).await {
        Err(error) => error.to_string(),
        Ok(files) => panic!("unpacked {files:?}"),
    }
}

/// Replaces a name by another of the same length, in the local header and in the directory.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

fn position(bytes: &[u8], signature: &[u8; 4]) -> usize {
    (0..bytes.len()).rev().find(|&at| bytes[at..].starts_with(signature)).unwrap()
}

#[tokio::test]
async fn files_come_out_as_they_went_in_and_folders_are_left_out() {
    let large = vec![b'x'; IN_MEMORY * 3];
    let mut archive = Archive::new().file("index.html", b"<html>").stored("css/a b.css", b"a{}");
    archive.0.add_directory("empty/", SimpleFileOptions::default()).unwrap();
    let bytes = archive.file("./ü//large", &large).file("nothing", b"").bytes();
    let files = unpacked(bytes, Limits::default()).await.unwrap();
    let expected: Vec<(String, Vec<u8>)> = vec![
        ("index.html".to_owned(), b"<html>".to_vec()),
        ("css/a b.css".to_owned(), b"a{}".to_vec()),
        ("ü/large".to_owned(), large),
        ("nothing".to_owned(), Vec::new()),
    ];
    assert_eq!(files, expected);
}

#[tokio::test]
async fn an_empty_zip_has_no_files() {
    assert_eq!(unpacked(Archive::new().bytes(), Limits::default()).await.unwrap(), []);
}

#[tokio::test]
async fn a_zip_behind_other_bytes_and_with_a_comment_is_still_one() {
    let mut archive = Archive::new().file("a", b"1");
    archive.0.set_comment("PK\x05\x06 is not the end");
    let mut bytes = b"#!/bin/sh\nexec unzip $0\n".to_vec();
    bytes.extend(archive.bytes());
    assert_eq!(unpacked(bytes, Limits::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_zip_with_64_bit_sizes_is_read() {
    let options = SimpleFileOptions::default().large_file(true);
    let mut archive = Archive::new();
    archive.0.start_file("large", options).unwrap();
    archive.0.write_all(b"content").unwrap();
    let mut bytes = archive.bytes();
    // The same with a 64-bit end record, as from a writer that always makes one.
    let end = position(&bytes, b"PK\x05\x06");
    let (size, offset) = (Fields(&bytes[end..]).u16(12), Fields(&bytes[end..]).u16(16));
    let mut wide = b"PK\x06\x06".to_vec();
    wide.extend(44_u64.to_le_bytes());
    wide.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [1, 1, u64::from(size), u64::from(offset)] {
        wide.extend(number.to_le_bytes());
    }
    wide.extend(b"PK\x06\x07\0\0\0\0");
    wide.extend((end as u64).to_le_bytes());
    wide.extend(1_u32.to_le_bytes());
    bytes.splice(end..end, wide);
    let end = position(&bytes, b"PK\x05\x06");
    bytes[end + 8..end + 20].fill(0xff);
    let files = unpacked(bytes, Limits::default()).await.unwrap();
    assert_eq!(files, [("large".to_owned(), b"content".to_vec())]);
}

#[tokio::test]
async fn what_is_not_a_zip_is_refused() {
    for bytes in [&b""[..], b"PK", b"hello, world", b"PK\x03\x04 but nothing more", &[0; 100_000]] {
        assert_eq!(refusal(bytes.to_vec()).await, "it is not a zip file");
    }
}

#[tokio::test]
async fn a_zip_that_breaks_off_anywhere_is_refused() {
    let bytes = Archive::new().file("a", b"content a").stored("b", b"content b").bytes();
    for length in 0..bytes.len() {
        assert!(unpacked(bytes[..length].to_vec(), Limits::default()).await.is_err(), "{length}");
    }
}

#[tokio::test]
async fn no_single_wrong_byte_brings_the_reader_down_or_changes_content_unnoticed() {
    let content = b"some content that is long enough to be deflated, deflated, deflated".to_vec();
    let bytes = Archive::new().file("dir/a", &content).stored("b", &content).bytes();
    for at in 0..bytes.len() {
        for wrong in [0x00, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = wrong;
            for (_, found) in unpacked(bytes, Limits::default()).await.unwrap_or_default() {
                assert!(found == content || found.is_empty(), "byte {at}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_climbs_out_is_refused_wherever_it_stands_and_nothing_is_unpacked() {
    for name in ["../evil", "a/../../evil", "..", "a/..", "a/../b", "dir/../"] {
        let bytes = Archive::new().file("good", b"1").file(name, b"2").bytes();
        let mut receiver =
            unpack(Stored::Memory(Bytes::from(bytes)), Limits::default(), Spool::new("/nowhere"));
        let first = receiver.recv().await.unwrap();
        let text = first.unwrap_err().to_string();
        assert_eq!(
            text,
            format!("its entry '{name}' would be stored outside the target: leave '..' out of its path")
        );
    }
}

#[tokio::test]
async fn absolute_and_otherwise_tricky_names_are_refused() {
    for (name, text) in [
        (&b"/etc/passwd"[..], "has an absolute path"),
        (b"C:\\evil.exe", "has an absolute path"),
        (b"C:/evil.exe", "has an absolute path"),
        (b"..\\evil.txt", "has a backslash in its path"),
        (b"dir\\evil.tx", "has a backslash in its path"),
        (b"evil.txt\0.j", "has a name that no file can have"),
        (b"././././././"[..11].as_ref(), "has a name that no file can have"),
        (b"\xff\xfe\xfd.html..", "has a name that is not UTF-8"),
    ] {
        let placeholder = "n".repeat(name.len());
        let bytes = renamed(Archive::new().file(&placeholder, b"1").bytes(), &placeholder, name);
        let refused = refusal(bytes).await;
        assert!(refused.contains(text), "{name:?}: {refused}");
    }
    let long = "n/".repeat(512) + "n";
    assert!(refusal(Archive::new().file(&long, b"1").bytes()).await.contains("more than 1024 bytes"));
}

#[tokio::test]
async fn links_and_devices_are_refused() {
    let mut archive = Archive::new();
    archive.0.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = archive.bytes();
    let text = "its entry 'link' is a symbolic link: zip the file that it points to";
    assert_eq!(refusal(bytes.clone()).await, text);
    let mut device = bytes;
    let header = position(&device, b"PK\x01\x02");
    device[header + 40..header + 42].copy_from_slice(&0o020_644_u16.to_le_bytes());
    assert_eq!(refusal(device).await, "its entry 'link' is neither a file nor a folder");
}

#[tokio::test]
async fn the_same_name_twice_is_refused() {
    let bytes = Archive::new().file("name-1", b"1").file("name-2", b"2").bytes();
    assert_eq!(refusal(renamed(bytes, "name-2", b"name-1")).await, "its entry 'name-1' is there twice");
    let bytes = Archive::new().file("dir/a", b"1").file("dir//a", b"2").bytes();
    assert_eq!(refusal(bytes).await, "its entry 'dir/a' is there twice");
}

#[tokio::test]
async fn an_encrypted_file_and_an_unknown_method_are_refused() {
    for (offset, value, text) in [(8, 1, "is encrypted"), (10, 12, "is compressed by another method")] {
        let mut bytes = Archive::new().file("a", b"1").bytes();
        let header = position(&bytes, b"PK\x01\x02");
        bytes[header + offset] = value;
        assert!(refusal(bytes).await.contains(text));
    }
}

#[tokio::test]
async fn too_many_files_are_refused_before_their_names_are_read() {
    let limits = Limits { entries: 2, ..Limits::default() };
    let two = Archive::new().file("a", b"").file("b", b"");
    let three = Archive::new().file("a", b"").file("b", b"").file("c", b"");
    assert_eq!(unpacked(two.bytes(), limits).await.unwrap().len(), 2);
    let error = unpacked(three.bytes(), limits).await.unwrap_err();
    assert_eq!(error.to_string(), "it holds more than 2 files, the most that can be deployed at once");
    // An archive that claims more than it has costs no memory.
    let mut bytes = Archive::new().file("a", b"").bytes();
    let end = position(&bytes, b"PK\x05\x06");
    bytes[end + 8..end + 12].copy_from_slice(&[0x10, 0x27, 0x10, 0x27]);
    assert!(refusal(bytes).await.starts_with("it is damaged"));
}

#[tokio::test]
async fn a_bomb_is_refused_by_what_it_says_of_itself() {
    let zeros = vec![0; 1 << 20];
    let limits = Limits { harmless: 1 << 16, ..Limits::default() };
    let error = unpacked(Archive::new().file("bomb", &zeros).bytes(), limits).await.unwrap_err();
    assert!(matches!(error, ZipError::TooLarge { .. }), "{error}");
    // Beneath the harmless size any ratio will do.
    unpacked(Archive::new().file("zeros", &zeros).bytes(), Limits::default()).await.unwrap();
}

#[tokio::test]
async fn a_bomb_that_lies_about_its_size_is_stopped_where_the_lie_ends() {
    let zeros = vec![0; 1 << 20];
    let mut bytes = Archive::new().file("bomb", &zeros).bytes();
    let header = position(&bytes, b"PK\x01\x02");
    bytes[header + 24..header + 28].copy_from_slice(&10_u32.to_le_bytes());
    assert_eq!(refusal(bytes).await, "its entry 'bomb' is damaged: it is longer than the archive says");
}

#[tokio::test]
async fn files_that_share_their_packed_bytes_count_each_in_full() {
    let zeros = vec![0; 1 << 20];
    let mut bytes = Archive::new().file("bomb-1", &zeros).file("bomb-2", &zeros).bytes();
    let header = position(&bytes, b"PK\x01\x02");
    bytes[header + 42..header + 46].fill(0);
    let limits = Limits { harmless: 3 << 19, ..Limits::default() };
    assert!(matches!(unpacked(bytes, limits).await.unwrap_err(), ZipError::TooLarge { .. }));
}

#[tokio::test]
async fn wrong_content_is_noticed() {
    let mut bytes = Archive::new().stored("a", b"content").bytes();
    let at = (0..bytes.len()).find(|&at| bytes[at..].starts_with(b"content")).unwrap();
    bytes[at] = b'C';
    assert_eq!(refusal(bytes).await, "its entry 'a' is damaged: its checksum is wrong");
}

#[tokio::test]
async fn where_nothing_can_be_spooled_the_error_says_so() {
    let bytes = Archive::new().file("large", &vec![b'x'; IN_MEMORY + 1]).bytes();
    let mut receiver = unpack(Stored::Memory(Bytes::from(bytes)), Limits::default(), Spool::new("/nowhere"));
    assert!(matches!(receiver.recv().await, Some(Err(ZipError::Disk(_)))));
}
