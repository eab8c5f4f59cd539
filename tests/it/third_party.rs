//! Partners' action types and their workers through the daemon.

use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::Ground;

#[test]
fn a_partners_worker_with_boto3_does_the_jobs_of_a_third_party_action() {
    let Some(clients) = Clients::or_skip("a partner's worker with boto3") else { return };
    let daemon = Daemon::start();
    let ground = Ground::prepare(&daemon.caller(), b"something to scan");
    assert_eq!(clients.python("third_party_worker.py", &daemon.url(), &[&ground.role]), "worked\n");
}

#[test]
fn a_partner_declares_an_action_type_and_pipelines_use_it() {
    let Some(clients) = Clients::or_skip("declared action types with boto3") else { return };
    let daemon = Daemon::start();
    let ground = Ground::prepare(&daemon.caller(), b"content");
    assert_eq!(clients.python("action_types_check.py", &daemon.url(), &[&ground.role]), "declared\n");
}
