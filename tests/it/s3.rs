//! The embedded S3 as boto3, the AWS CLI and large objects use it.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use penstock_tests::aws::Caller;
use penstock_tests::clients::{Clients, finished, notice, skipped};
use penstock_tests::daemon::Daemon;
use penstock_tests::http::Request;
use tempfile::TempDir;

#[test]
fn s3_does_what_boto3_asks_of_it() {
    let Some(clients) = Clients::or_skip("S3 by boto3") else { return };
    let daemon = Daemon::start();
    clients.python("s3_check.py", &daemon.url(), &["small"]);
    clients.python("s3_objects_check.py", &daemon.url(), &[]);
}

/// The CLI at one daemon, in a folder of its own.
struct Shell<'a> {
    clients: &'a Clients,
    endpoint: String,
    folder: TempDir,
}

impl Shell<'_> {
    fn s3(&self, words: &[&str]) -> String {
        let mut command = self.clients.command("aws", &self.endpoint, "us-east-1");
        finished(command.arg("s3").args(words).current_dir(self.folder.path()), &words.join(" "))
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }
}

#[test]
fn the_s3_commands_of_the_aws_cli_work() {
    let Some(clients) = Clients::or_skip("the AWS CLI's s3 commands") else { return };
    let daemon = Daemon::start();
    let shell = Shell { clients, endpoint: daemon.url(), folder: TempDir::new().unwrap() };
    shell.s3(&["mb", "s3://one"]);
    shell.s3(&["mb", "s3://two"]);
    assert!(shell.s3(&["ls"]).contains(" one\n"));

    shell.write("tree/a.txt", b"a");
    shell.write("tree/b/c d.txt", "ü".as_bytes());
    // From 8 MiB on, the CLI sends several parts.
    let large: Vec<u8> = (0..20_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    shell.write("large", &large);
    shell.s3(&["cp", "tree/a.txt", "s3://one/a.txt"]);
    shell.s3(&["cp", "large", "s3://one/large"]);
    shell.s3(&["cp", "--recursive", "tree", "s3://one/tree"]);
    let listed = shell.s3(&["ls", "--recursive", "s3://one"]);
    for name in ["a.txt", "20000000 large", "tree/a.txt", "tree/b/c d.txt"] {
        assert!(listed.contains(name), "{name}: {listed}");
    }
    assert!(shell.s3(&["ls", "s3://one/"]).contains("PRE tree/"));
    shell.s3(&["cp", "s3://one/large", "s3://two/copied"]);
    shell.s3(&["cp", "s3://two/copied", "large-again"]);
    assert!(shell.read("large-again") == large, "the large object came back changed");
    shell.s3(&["mv", "s3://one/tree/b/c d.txt", "s3://two/moved"]);
    shell.s3(&["cp", "s3://two/moved", "moved"]);
    assert_eq!(shell.read("moved"), "ü".as_bytes());

    shell.s3(&["sync", "tree", "s3://two/synced"]);
    shell.write("tree/new", b"new");
    // S3's dates have whole seconds, so that a file uploaded within the second of its making looks newer than
    // its object.
    let made = fs::File::options().append(true).open(shell.folder.path().join("tree/new")).unwrap();
    made.set_modified(SystemTime::now() - Duration::from_secs(5)).unwrap();
    fs::remove_file(shell.folder.path().join("tree/a.txt")).unwrap();
    let synced = shell.s3(&["sync", "--delete", "tree", "s3://two/synced"]);
    assert!(
        synced.contains("upload: tree/new") && synced.contains("delete: s3://two/synced/a.txt"),
        "{synced}"
    );
    assert_eq!(
        shell.s3(&["sync", "--delete", "tree", "s3://two/synced"]),
        "",
        "a second time there is nothing to do"
    );
    shell.s3(&["sync", "s3://two/synced", "down"]);
    assert_eq!(shell.read("down/new"), b"new");

    let url = shell.s3(&["presign", "s3://one/a.txt"]);
    let target = url.trim().strip_prefix(&daemon.url()).unwrap();
    let answer = Request::new("GET", target).send(daemon.address()).unwrap();
    assert_eq!((answer.status, answer.text()), (200, "a".to_owned()));

    shell.s3(&["rm", "s3://one/a.txt"]);
    assert!(!shell.s3(&["ls", "s3://one/"]).contains("a.txt"));
    shell.s3(&["rm", "--recursive", "s3://two/synced"]);
    shell.s3(&["rb", "--force", "s3://one"]);
    shell.s3(&["rb", "--force", "s3://two"]);
    assert_eq!(shell.s3(&["ls"]), "");
}

#[test]
fn large_objects_go_in_and_out_with_flat_memory() {
    let length: u64 = if env::var_os("PENSTOCK_BIG").is_some() {
        1 << 30
    } else {
        skipped("an object of 1 GiB", "PENSTOCK_BIG is not set; 128 MiB instead");
        128 << 20
    };
    let daemon = Daemon::start();
    let caller = daemon.caller();
    caller.make_bucket("large");
    caller.s3_done("PUT", "/large/small", b"warm");
    let before = daemon.peak_memory();
    upload(&caller, &daemon, length);
    download(&caller, &daemon, length);
    let (Some(before), Some(after)) = (before, daemon.peak_memory()) else {
        return skipped("the memory of large objects", "there is no /proc here");
    };
    let grown = after.saturating_sub(before) >> 20;
    notice(&format!("{} MiB in and out: the memory's peak grew by {grown} MiB", length >> 20));
    assert!(grown < 48, "{grown} MiB");
}

const PIECE: usize = 1 << 20;

/// A piece that differs from its neighbours.
fn piece(number: u64) -> Vec<u8> {
    let mut piece = vec![u8::try_from(number % 251).unwrap(); PIECE];
    piece[..8].copy_from_slice(&number.to_le_bytes());
    piece
}

fn begin(caller: &Caller, daemon: &Daemon, method: &str, length: u64) -> TcpStream {
    let mut stream = TcpStream::connect(daemon.address()).unwrap();
    let head = format!(
        "{method} /large/object HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n",
        daemon.address(),
        caller.authorization("s3")
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn upload(caller: &Caller, daemon: &Daemon, length: u64) {
    let mut stream = begin(caller, daemon, "PUT", length);
    for number in 0..length / u64::try_from(PIECE).unwrap() {
        stream.write_all(&piece(number)).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn download(caller: &Caller, daemon: &Daemon, length: u64) {
    let mut stream = begin(caller, daemon, "GET", 0);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 200") && head.contains(&format!("content-length: {length}\r\n")),
        "{head}"
    );
    let mut received = vec![0; PIECE];
    for number in 0..length / u64::try_from(PIECE).unwrap() {
        stream.read_exact(&mut received).unwrap();
        assert!(received == piece(number), "piece {number} came back changed");
    }
    assert_eq!(stream.read(&mut byte).unwrap(), 0, "there is more than was put in");
}

#[test]
fn buckets_are_reached_by_path_and_by_host_name() {
    let daemon = Daemon::start();
    let caller = daemon.caller();
    caller.make_bucket("by.name");
    caller.s3_done("PUT", "/by.name/key", b"content");
    let port = daemon.address().port();
    for host in ["by.name.localhost", "by.name.s3.localhost", "by.name.s3.us-east-1.localhost"] {
        let request = caller.s3_request("GET", "/key").header("Host", &format!("{host}:{port}"));
        let answer = request.send(daemon.address()).unwrap();
        assert_eq!((answer.status, answer.text()), (200, "content".to_owned()), "{host}");
    }
}
