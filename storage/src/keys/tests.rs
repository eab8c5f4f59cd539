//! The layout's laws: order, separation, and the way back.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use penstock_engine::ids::{ActionExecutionId, ExecutionId, Incarnation, PipelineKey};
use penstock_engine::time::Timestamp;
use proptest::prelude::*;

use super::{Key, Prefix, builds, codecommit, codepipeline, connections, daemon, git, iam, s3};

fn inc(text: &str) -> Incarnation {
    Incarnation(text.to_owned())
}

/// Texts that would break a careless layout: separators, escapes, NUL, the ends of the alphabet.
fn text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        '\0',
        '\u{1}',
        '\u{2}',
        '!',
        '-',
        '.',
        '/',
        '0',
        '%',
        '~',
        'a',
        'é',
        '\u{10ffff}',
    ]);
    prop::collection::vec(prop_oneof![4 => nasty, 1 => any::<char>()], 0..6)
        .prop_map(|chars| chars.into_iter().collect())
}

#[test]
fn keys_read_as_the_table_says() {
    let pipeline =
        PipelineKey { account: "000000000000".into(), region: "us-east-1".into(), name: "web".into() };
    let action = ActionExecutionId("a1".into());
    let id = inc("i1");
    let table = [
        (codepipeline::name(&pipeline), "name/000000000000/us-east-1/web"),
        (codepipeline::head(&id), "head/i1"),
        (codepipeline::version(&id, 18), "version/i1/0000000000000012"),
        (codepipeline::execution(&id, 1), "execution/i1/fffffffffffffffe"),
        (codepipeline::execution_id(&ExecutionId("e1".into())), "execution-id/e1"),
        (codepipeline::token(&id, "t"), "token/i1/t"),
        (
            codepipeline::succeeded(&id, 1, "Deploy", 2),
            "succeeded/i1/0000000000000001/Deploy/fffffffffffffffd",
        ),
        (codepipeline::live(&id), "live/i1"),
        (codepipeline::tags(&id), "tags/i1"),
        (codepipeline::stage(&id, 3, "Source", 1), "stage/i1/0000000000000003/Source/00000001"),
        (codepipeline::action(&id, Timestamp(0), &action), "action/i1/ffffffffffffffff/a1"),
        (codepipeline::rule(&id, Timestamp(0), &action), "rule/i1/ffffffffffffffff/a1"),
        (
            codepipeline::action_of(&id, 3, Timestamp(0), &action),
            "action-of/i1/0000000000000003/ffffffffffffffff/a1",
        ),
        (codepipeline::artifact(&id, 3, "out"), "context/i1/0000000000000003/artifact/out"),
        (codepipeline::namespace(&id, 3, "Vars"), "context/i1/0000000000000003/namespace/Vars"),
        (codepipeline::state(&id, "Source", "S3"), "state/i1/Source/S3"),
        (codepipeline::work("j"), "work/j"),
        (codepipeline::cleanup(&action), "cleanup/a1"),
        (codepipeline::trash(&id), "trash/i1"),
        (codepipeline::trash_execution(&id, 3), "trash/i1/0000000000000003"),
        (codepipeline::event(10), "event/000000000000000a"),
        (codepipeline::event_last(), "event-last"),
        (daemon::action_outcomes(), "action-outcomes"),
        (daemon::clock_ahead(), "clock-ahead"),
        (daemon::events_delivered("http://a/b"), "events-delivered/http:%2f%2fa%2fb"),
        (super::format(), "format"),
        (builds::project("0", "r", "a b"), "build-project/0/r/a%20b"),
        (builds::build("0", "r", "p", "u"), "build/0/r/p/u"),
        (builds::unfinished_build("u"), "build-unfinished/u"),
        (builds::log_group("0", "r", "/aws/x"), "log-group/0/r/%2faws%2fx"),
        (builds::log_stream("0", "r", "g", "s"), "log-stream/0/r/g/s"),
        (builds::parameter("0", "r", "/a"), "parameter/0/r/%2fa"),
        (builds::secret("0", "r", "n"), "managed-secret/0/r/n"),
        (s3::bucket("b"), "s3-bucket/b"),
        (s3::object("b", "a/b c", 1), "s3-object/b/a/b c\\x00fffffffffffffffe"),
        (s3::upload("b", "a/b", "u"), "s3-upload/b/a/b\\x00u"),
        (s3::part("u", 2), "s3-part/u/00000002"),
        (s3::sequence(), "s3-sequence"),
        (
            s3::loose(&serde_json::from_str("\"0123456789abcdef0123456789abcdef\"").unwrap()),
            "s3-loose/0123456789abcdef0123456789abcdef",
        ),
        (iam::role("1", "r"), "iam-role/1/r"),
        (iam::role_policy("1", "r", "p"), "iam-role-policy/1/r/p"),
        (iam::attached("1", "r", "arn:aws:iam::1:policy/x"), "iam-attached/1/r/arn:aws:iam::1:policy%2fx"),
        (iam::policy("1", "arn:p"), "iam-policy/1/arn:p"),
        (iam::policy_version("1", "arn:p", 1), "iam-policy-version/1/arn:p/00000001"),
        (codecommit::repository("1", "r", "n"), "codecommit/1/r/n"),
        (codecommit::told("i"), "codecommit-told/i"),
        (git::watched("o/r"), "git-watched/o%2fr"),
        (connections::connection("1", "r", "i"), "connection/1/r/i"),
        (iam::secret("sts"), "secret/sts"),
    ];
    for (key, expected) in &table {
        assert_eq!(&key.to_string(), expected);
    }
    let families: HashSet<&str> = table.iter().filter_map(|(_, text)| text.split('/').next()).collect();
    // Two kinds each of context and trash.
    assert_eq!(families.len(), table.len() - 2);
}

#[test]
fn a_key_of_another_family_has_no_parts_here() {
    let other = s3::bucket("b");
    assert_eq!(codepipeline::parse_name(&other), None);
    assert_eq!(codepipeline::parse_execution(&codepipeline::version(&inc("i"), 1)), None);
    assert_eq!(codepipeline::parse_cleanup(&codepipeline::live(&inc("i"))), None);
    assert_eq!(s3::parse_object(&other), None);
    assert_eq!(s3::parse_object(&s3::upload("b", "k", "0123456789abcdef")), None);
    assert_eq!(iam::parse_policy(&iam::policy_version("1", "arn", 1)), None);
}

#[test]
fn trash_comes_back_as_a_whole_incarnation_or_one_execution() {
    assert_eq!(codepipeline::parse_trash(&codepipeline::trash(&inc("i"))), Some((inc("i"), None)));
    let one = codepipeline::trash_execution(&inc("i"), 7);
    assert_eq!(codepipeline::parse_trash(&one), Some((inc("i"), Some(7))));
}

#[test]
fn a_token_is_taken_under_its_own_prefix_only() {
    let ours = codepipeline::executions(&inc("a"));
    let key = codepipeline::execution(&inc("a"), 5);
    let token = key.to_token();
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    assert_eq!(ours.key_from_token(&token), Some(key));
    assert_eq!(codepipeline::executions(&inc("ab")).key_from_token(&token), None);
    assert_eq!(codepipeline::versions(&inc("a")).key_from_token(&token), None);
    let cut = &token[..token.len() - 4];
    let longer = format!("{token}AAAA");
    for bad in ["", "!", "aaaa", "=", "é", cut, &longer, &Key(ours.as_bytes().to_vec()).to_token()] {
        assert_eq!(ours.key_from_token(bad), None, "{bad}");
    }
}

fn is_under(prefix: &Prefix, key: &Key) -> bool {
    // What a scan does: from the prefix to its end.
    prefix.as_bytes() <= key.as_bytes() && *key < prefix.past()
}

proptest! {
    #[test]
    fn segments_never_reach_into_each_other(a in [text(), text(), text()], b in [text(), text(), text()]) {
        let of = |[account, region, name]: &[String; 3]| {
            PipelineKey { account: account.clone(), region: region.clone(), name: name.clone() }
        };
        let (one, two) = (of(&a), of(&b));
        prop_assert_eq!(codepipeline::parse_name(&codepipeline::name(&one)), Some(one.clone()));
        prop_assert_eq!(codepipeline::name(&one) == codepipeline::name(&two), one == two);
        let same_place = one.account == two.account && one.region == two.region;
        let prefix = codepipeline::names(&one.account, &one.region);
        prop_assert_eq!(prefix.contains(&codepipeline::name(&two)), same_place);
        prop_assert_eq!(is_under(&prefix, &codepipeline::name(&two)), same_place);
    }

    #[test]
    fn newer_executions_come_first(a: u64, b: u64) {
        let (one, two) = (codepipeline::execution(&inc("i"), a), codepipeline::execution(&inc("i"), b));
        prop_assert_eq!(one.cmp(&two), b.cmp(&a));
        prop_assert_eq!(codepipeline::parse_execution(&one), Some(a));
    }

    #[test]
    fn objects_sort_by_the_bytes_of_their_keys_newest_first(
        a in (text(), any::<u64>()), b in (text(), any::<u64>()),
    ) {
        let key = |(object, seq): &(String, u64)| s3::object("bucket", object, *seq);
        let expected = a.0.as_bytes().cmp(b.0.as_bytes()).then(b.1.cmp(&a.1));
        prop_assert_eq!(key(&a).cmp(&key(&b)), expected);
        prop_assert_eq!(s3::parse_object(&key(&a)), Some(a));
    }

    #[test]
    fn objects_are_found_by_how_their_keys_begin(
        rest in text(), beginning in text(), is_related: bool, seq: u64,
    ) {
        let object = if is_related { format!("{beginning}{rest}") } else { rest };
        let key = s3::object("bucket", &object, seq);
        let begins = object.starts_with(&beginning);
        prop_assert_eq!(is_under(&s3::objects("bucket", &beginning), &key), begins);
        prop_assert_eq!(is_under(&s3::versions("bucket", &beginning), &key), object == beginning);
        prop_assert!(!is_under(&s3::objects("bucke", &beginning), &key));
        // Past everything that begins so, S3's order goes on.
        let behind = s3::objects("bucket", &beginning).past();
        let is_behind = !begins && object.as_bytes() > beginning.as_bytes();
        prop_assert_eq!(key >= behind, is_behind);
    }

    #[test]
    fn uploads_and_attachments_come_back_as_they_were(object in text(), id in text(), arn in text()) {
        let key = s3::upload("bucket", &object, &id);
        prop_assert_eq!(s3::parse_upload(&key), Some((object, id.clone())));
        let key = iam::attached("1", &id, &arn);
        prop_assert_eq!(iam::parse_attached(&key), Some((id, arn)));
    }

    #[test]
    fn no_token_however_made_leads_out_of_its_prefix(token in ".{0,60}") {
        if let Some(key) = s3::objects("bucket", "a").key_from_token(&token) {
            prop_assert!(is_under(&s3::objects("bucket", "a"), &key));
        }
    }
}
