//! A GitHub that is played, and endpoints that are none.
#![expect(clippy::unwrap_used, reason = "tests")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers every request with the same bytes, or not at all; what it was asked comes back.
async fn server(answer: Option<&'static str>) -> (GitHub, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v3/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4000];
        let read = peer.read(&mut asked).await.unwrap();
        match answer {
            Some(answer) => peer.write_all(answer.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
        String::from_utf8_lossy(asked.get(..read).unwrap()).into_owned()
    });
    let settings = Settings { url, token: Some("SECRET".to_owned()), patience: Duration::from_millis(200) };
    assert!(!format!("{settings:?}").contains("SECRET"));
    let github = GitHub::new(&settings).unwrap();
    assert!(!format!("{github:?}").contains("SECRET"));
    (github, serving)
}

async fn why(answer: Option<&'static str>) -> String {
    let (github, _) = server(answer).await;
    github.branch("owner/name", "main").await.unwrap_err().to_string()
}

#[tokio::test]
async fn the_token_goes_along_and_names_stay_segments() {
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (github, serving) = server(Some(body)).await;
    let _ = github.branch("owner/a name", "feature/x?y").await;
    let asked = serving.await.unwrap();
    assert!(
        asked.starts_with("GET /api/v3/repos/owner/a%20name/branches/feature%2Fx%3Fy HTTP/1.1"),
        "{asked}"
    );
    assert!(asked.contains("authorization: Bearer SECRET"), "{asked}");
}

#[tokio::test]
async fn endpoints_that_hang_or_answer_nonsense_are_named() {
    assert!(why(None).await.contains("nothing came for 200ms"));
    let broken = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"comm";
    assert!(why(Some(broken)).await.contains("no answer of GitHub"));
    for nonsense in ["{}", "[]", "<html>", "{\"commit\": {\"sha\": \"x\", \"commit\": {\"message\": \"\"}}}"]
    {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{nonsense}", nonsense.len());
        let said = why(Some(answer.leak())).await;
        assert!(said.contains("no answer of GitHub at http://127.0.0.1"), "{nonsense}: {said}");
    }
    assert!(why(Some("SSH-2.0-OpenSSH_9.2\r\n")).await.contains("no answer of GitHub"));
    let html = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>";
    assert!(why(Some(html)).await.contains("(status 502) is not one of GitHub"));
    let absent = "HTTP/1.1 404 Not Found\r\ncontent-length: 24\r\n\r\n{\"message\": \"Not Found\"}";
    assert!(why(Some(absent)).await.contains("Make sure that the token in CODEPIPELINE_GH_TOKEN may read"));
    let limited =
        "HTTP/1.1 403 No\r\nx-ratelimit-remaining: 0\r\ncontent-length: 15\r\n\r\n{\"message\": \"\"}";
    assert!(why(Some(limited)).await.contains("rate limit is used up"));
}
