//! SNS Publish over AWS's query protocol.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::elsewhere::Elsewhere;
use super::refusal::AwsRefusal;

/// The longest subject (API reference: `Publish`).
const LONGEST_SUBJECT: usize = 99;

/// Publishes once. A call that may have come through is not repeated: nobody wants to be asked twice.
pub(crate) async fn publish(
    sns: &Elsewhere,
    topic: &str,
    subject: &str,
    message: &str,
) -> Result<(), AwsRefusal> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let subject: String = subject.chars().take(LONGEST_SUBJECT).collect();
    let form = format!(
        "Action=Publish&Version=2010-03-31&TopicArn={}&Subject={}&Message={}",
        encoded(topic),
        encoded(&subject),
        encoded(message),
    );
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    sns.post("/", &headers, &form).await.map(drop)
}
