//! Signatures of requests made by others: the example of AWS's own guide, and what differs from it in one place.
#![expect(clippy::unwrap_used, reason = "tests")]

use http::Request;

use super::*;
use crate::protocol::json::Version;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Signed in the guide's example, "GET ListUsers".
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                      SignedHeaders=content-type;host;x-amz-date, \
                      Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
const JSON: Form = Form::Json(Version::V1_1);

fn at(stamp: &str) -> OffsetDateTime {
    moment(stamp).unwrap()
}

fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn guides(authorization: &str) -> Parts {
    head(
        "/?Action=ListUsers&Version=2010-05-08",
        &[
            ("host", "iam.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", authorization),
        ],
    )
}

fn code(found: Result<(), AwsError>) -> (String, u16) {
    found.map_or_else(|error| (error.code, error.status), |()| ("accepted".to_owned(), 200))
}

fn checked(head: &Parts, form: Form, now: &str) -> (String, u16) {
    code(check(head, Payload::Whole(b""), SECRET, form, at(now)))
}

#[test]
fn the_guides_example_is_accepted_and_with_anything_changed_it_is_not() {
    let now = "20150830T123900Z";
    assert_eq!(checked(&guides(SIGNED), Form::Query, now).0, "accepted");
    let refused = ("SignatureDoesNotMatch".to_owned(), 403);
    let wrong = SIGNED.replace("b5d7", "b5d8");
    assert_eq!(checked(&guides(&wrong), Form::Query, now), refused);
    assert_eq!(checked(&guides(&wrong), JSON, now), ("InvalidSignatureException".to_owned(), 400));
    assert_eq!(code(check(&guides(SIGNED), Payload::Whole(b"x"), SECRET, Form::Query, at(now))), refused);
    assert_eq!(code(check(&guides(SIGNED), Payload::Whole(b""), "another", Form::Query, at(now))), refused);
    for (name, value) in [("host", "elsewhere"), ("content-type", "text/plain")] {
        let mut changed = guides(SIGNED);
        changed.headers.insert(name, value.parse().unwrap());
        assert_eq!(checked(&changed, Form::Query, now), refused, "{name}");
    }
    let mut other = guides(SIGNED);
    other.uri = "/?Action=DeleteUser&Version=2010-05-08".parse().unwrap();
    assert_eq!(checked(&other, Form::Query, now), refused);
    let mut spaced = guides(SIGNED);
    spaced.uri = "/?Version=2010-05-08&Action=List%55sers".parse().unwrap();
    assert_eq!(checked(&spaced, Form::Query, now).0, "accepted", "the order and the encoding do not matter");
}

#[test]
fn a_signature_is_good_for_minutes() {
    for (now, form, expected) in [
        ("20150830T124100Z", JSON, "accepted"),
        ("20150830T124101Z", JSON, "InvalidSignatureException"),
        ("20150830T123059Z", Form::Query, "SignatureDoesNotMatch"),
        ("20150830T125000Z", Form::S3, "SignatureDoesNotMatch"),
        ("20150830T125101Z", Form::S3, "RequestTimeTooSkewed"),
    ] {
        // S3's own signature would have a hash of its body: it is the time that is looked at first.
        let mut head = guides(SIGNED);
        if form == Form::S3 {
            head.headers.insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
        }
        assert_eq!(checked(&head, form, now).0, expected, "{now}");
    }
}

#[test]
fn a_presigned_address_is_good_for_its_own_time() {
    // S3's guide, "Example: calculating a signature" of query parameters.
    let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3\
               %2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
               aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let head = head(uri, &[("host", "examplebucket.s3.amazonaws.com")]);
    let checked = |now: &str| code(check(&head, Payload::AsDeclared, secret, Form::S3, at(now)));
    assert_eq!(checked("20130524T235959Z").0, "accepted");
    assert_eq!(checked("20130525T000001Z"), ("AccessDenied".to_owned(), 403));
    assert_eq!(checked("20130523T234000Z").0, "RequestTimeTooSkewed");
}

#[test]
fn what_is_no_whole_signature_is_refused_and_other_versions_are_let_pass() {
    let now = "20150830T123600Z";
    for authorization in [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
    ] {
        assert_eq!(checked(&guides(authorization), JSON, now).0, "IncompleteSignatureException");
        assert_eq!(checked(&guides(authorization), Form::S3, now).0, "AuthorizationHeaderMalformed");
    }
    for authorization in ["AWS AKIDEXAMPLE:c2ln", "AWS4-ECDSA-P256-SHA256 Credential=k/d/s3/aws4_request"] {
        assert_eq!(checked(&guides(authorization), Form::S3, now).0, "accepted");
    }
    assert_eq!(
        checked(&head("/b/k?AWSAccessKeyId=k&Signature=s&Expires=1", &[]), Form::S3, now).0,
        "accepted"
    );
}
