//! The embedded IAM and STS as boto3 uses them.

use penstock_tests::clients::Clients;
use penstock_tests::daemon::Daemon;

#[test]
fn iam_and_sts_do_what_boto3_asks_of_them() {
    let Some(clients) = Clients::or_skip("IAM and STS by boto3") else { return };
    let daemon = Daemon::start();
    clients.python("iam_check.py", &daemon.url(), &[]);
}
