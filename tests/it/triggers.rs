//! Git triggers: events of repositories that start pipelines.

use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;

#[test]
fn events_of_github_start_the_pipelines_whose_filters_they_pass() {
    let Some(clients) = Clients::or_skip("git triggers by boto3") else { return };
    let daemon = Daemon::start_with(&["--github-webhook-secret", "hush"]);
    clients.python("triggers_check.py", &daemon.url(), &["hush"]);
}
