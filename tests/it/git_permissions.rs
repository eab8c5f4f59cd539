//! Git over HTTP where every caller is held against policies: with a user name and password that IAM made for CodeCommit,
//! and with the AWS CLI's credential helper.

use std::process::Command;

use penstock_tests::clients::{Clients, finished};
use penstock_tests::daemon::Daemon;
use penstock_tests::git::{Repository, git};
use serde_json::{Value, json};

struct Held {
    daemon: Daemon,
    clients: &'static Clients,
    repository: Repository,
}

impl Held {
    /// A daemon with the repository `web` and the user `jo`, who may do nothing yet.
    fn start(clients: &'static Clients) -> Self {
        let daemon = Daemon::start_with(&["--iam-enforcement", "all"]);
        let repository = Repository::new();
        repository.write("README.md", "hello\n");
        repository.commit("First");
        let held = Self { daemon, clients, repository };
        held.aws(&["codecommit", "create-repository", "--repository-name", "web"]);
        held.aws(&["iam", "create-user", "--user-name", "jo"]);
        held
    }

    fn aws(&self, words: &[&str]) -> Value {
        let mut command = self.clients.command("aws", &self.daemon.url(), "us-east-1");
        let said = finished(command.args(words).args(["--output", "json"]), "aws");
        if said.is_empty() { Value::Null } else { serde_json::from_str(&said).unwrap() }
    }

    fn permit(&self, actions: &[&str]) {
        let resource = "arn:aws:codecommit:us-east-1:000000000000:web";
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let words = ["iam", "put-user-policy", "--user-name", "jo", "--policy-name", "p"];
        self.aws(&[&words[..], &["--policy-document", &document]].concat());
    }

    /// The repository's address, with a name and a password in it if there are any.
    fn address(&self, login: Option<(&str, &str)>) -> String {
        let encoded = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let login = login.map(|(name, password)| format!("{}:{}@", encoded(name), encoded(password)));
        format!("http://{}{}/v1/repos/web", login.unwrap_or_default(), self.daemon.address())
    }

    fn push(&self, address: &str) -> Command {
        let mut command = git(self.repository.path());
        command.args(["push", address, "main"]);
        command
    }

    /// Looks at the repository with the AWS CLI's credential helper and that access key.
    fn look(&self, key: (&str, &str), token: Option<&str>) -> Command {
        let mut command = self.clients.command("git", &self.daemon.url(), "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", key.0).env("AWS_SECRET_ACCESS_KEY", key.1);
        command.envs(token.map(|token| ("AWS_SESSION_TOKEN", token)));
        command.env("GIT_TERMINAL_PROMPT", "0").current_dir(self.repository.path());
        let helper = "credential.helper=!aws codecommit credential-helper --ignore-host-check $@";
        command.args(["-c", helper, "-c", "credential.UseHttpPath=true", "ls-remote", &self.address(None)]);
        command
    }
}

/// Runs git where it must fail: what it says.
fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn denied(action: &str) -> String {
    format!(
        "User: arn:aws:iam::000000000000:user/jo is not authorized to perform: codecommit:{action} on resource: \
         arn:aws:codecommit:us-east-1:000000000000:web because no identity-based policy allows the codecommit:{action} action"
    )
}

#[test]
fn a_password_for_codecommit_pushes_as_far_as_its_user_may() {
    let Some(clients) = Clients::or_skip("git passwords with the AWS CLI") else { return };
    let held = Held::start(clients);
    let words = ["iam", "create-service-specific-credential", "--user-name", "jo", "--service-name"];
    let made = held.aws(&[&words[..], &["codecommit.amazonaws.com"]].concat());
    let made = &made["ServiceSpecificCredential"];
    let name = made["ServiceUserName"].as_str().unwrap();
    let login = Some((name, made["ServicePassword"].as_str().unwrap()));

    assert!(refused(held.push(&held.address(None))).contains("could not read Username"));
    let said = refused(held.push(&held.address(login)));
    assert!(said.contains(&denied("GitPush")), "{said}");
    held.permit(&["codecommit:GitPull"]);
    finished(git(held.repository.path()).args(["ls-remote", &held.address(login)]), "git ls-remote");
    assert!(refused(held.push(&held.address(login))).contains(&denied("GitPush")));
    held.permit(&["codecommit:GitPush"]);
    finished(&mut held.push(&held.address(login)), "git push");
    let wrong = refused(held.push(&held.address(Some((name, "wrong")))));
    assert!(wrong.contains("403") && wrong.contains("user name or password"), "{wrong}");
    // A protected branch, by the policy of AWS's guide.
    let protect = json!({
        "Effect": "Deny", "Action": "codecommit:GitPush", "Resource": "*",
        "Condition": {
            "StringEqualsIfExists": {"codecommit:References": ["refs/heads/main"]},
            "Null": {"codecommit:References": "false"},
        },
    });
    let document = json!({"Version": "2012-10-17", "Statement": [protect]}).to_string();
    let words =
        ["iam", "put-user-policy", "--user-name", "jo", "--policy-name", "protect", "--policy-document"];
    held.aws(&[&words[..], &[&document]].concat());
    held.repository.commit("Second");
    let said = refused(held.push(&held.address(login)));
    assert!(
        said.contains("[remote rejected] main -> main") && said.contains("with an explicit deny"),
        "{said}"
    );
    held.repository.git(&["push", "--quiet", &held.address(login), "main:other"]);
    let heads = held.repository.git(&["ls-remote", &held.address(Some(("test", "test")))]);
    let of = |name: &str| heads.lines().find_map(|line| Some(line.strip_suffix(name)?.trim().to_owned()));
    assert!(of("refs/heads/main") != of("refs/heads/other") && of("refs/heads/other").is_some(), "{heads}");
    // A key that was not issued here is the account's own.
    finished(&mut held.push(&held.address(Some(("test", "test")))), "git push");

    let id = made["ServiceSpecificCredentialId"].as_str().unwrap();
    let words = ["iam", "delete-service-specific-credential", "--user-name", "jo"];
    held.aws(&[&words[..], &["--service-specific-credential-id", id]].concat());
    assert!(refused(held.push(&held.address(login))).contains("403"));
}

#[test]
fn the_aws_clis_credential_helper_proves_whose_key_it_has() {
    let Some(clients) = Clients::or_skip("the AWS CLI's credential helper") else { return };
    let held = Held::start(clients);
    finished(&mut held.push(&held.address(Some(("test", "test")))), "git push");
    let made = held.aws(&["iam", "create-access-key", "--user-name", "jo"]);
    let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
    let (id, secret) = (text("AccessKeyId"), text("SecretAccessKey"));
    let said = refused(held.look((&id, &secret), None));
    assert!(said.contains(&denied("GitPull")), "{said}");
    held.permit(&["codecommit:GitPull"]);
    let listed = finished(&mut held.look((&id, &secret), None), "git ls-remote");
    assert!(listed.contains("refs/heads/main"), "{listed}");
    let said = refused(held.look((&id, "another"), None));
    assert!(said.contains("The signature in the password is wrong"), "{said}");

    // A session of a role, whose token is part of the name.
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}"#;
    held.aws(&["iam", "create-role", "--role-name", "reader", "--assume-role-policy-document", trust]);
    let role = "arn:aws:iam::000000000000:role/reader";
    let session = held.aws(&["sts", "assume-role", "--role-arn", role, "--role-session-name", "jo"]);
    let text = |name: &str| session["Credentials"][name].as_str().unwrap().to_owned();
    let (id, secret, token) = (text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken"));
    let said = refused(held.look((&id, &secret), Some(&token)));
    assert!(
        said.contains("assumed-role/reader/jo is not authorized to perform: codecommit:GitPull"),
        "{said}"
    );
    let allow =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"codecommit:*","Resource":"*"}]}"#;
    let words = ["iam", "put-role-policy", "--role-name", "reader", "--policy-name", "p"];
    held.aws(&[&words[..], &["--policy-document", allow]].concat());
    let listed = finished(&mut held.look((&id, &secret), Some(&token)), "git ls-remote");
    assert!(listed.contains("refs/heads/main"), "{listed}");
}
