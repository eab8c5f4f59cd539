//! The resources of the operations of the services that speak JSON beside CodePipeline (service authorization
//! reference: AWS CodeBuild, AWS CodeCommit, AWS CodeConnections, Amazon EventBridge, Amazon CloudWatch Logs, AWS
//! Systems Manager, AWS Secrets Manager).

use penstock_actors::companions::codebuild;
use penstock_actors::companions::parameters::parameter_arn;
use penstock_actors::companions::policy::context::Context;
use serde_json::Value;

use crate::authorization::Refused;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::services::Services;

/// Refuses an operation that the caller's policies do not permit.
pub(crate) async fn check(
    services: &Services,
    caller: &Caller,
    service: &str,
    operation: &str,
    input: &Value,
) -> Result<(), AwsError> {
    if !services.authority.counts(caller) {
        return Ok(());
    }
    let denied = |refused: Refused| refused.as_error("AccessDeniedException", 400);
    let action = format!("{service}:{operation}");
    let mut resources = resources(caller, service, operation, input);
    if service == "secretsmanager" {
        for id in &mut resources {
            // Policies name the whole ARN; a secret that is not there has only a name.
            if let Ok(arn) = services.parameters.secret_arn(&caller.account, &caller.region, id).await {
                *id = arn;
            }
        }
    }
    for resource in resources {
        services.authority.check(caller, &action, &resource, Context::default()).await.map_err(denied)?;
    }
    for (role, to) in passed(service, operation, input) {
        let mut keys = Context::default();
        keys.set("iam:PassedToService", to);
        services.authority.check(caller, "iam:PassRole", role, keys).await.map_err(denied)?;
    }
    Ok(())
}

/// The ARNs of what an operation is about; `*` where AWS knows no resource for it.
fn resources(caller: &Caller, service: &str, operation: &str, input: &Value) -> Vec<String> {
    let Caller { account, region, .. } = caller;
    let text = |names: &[&str]| names.iter().find_map(|name| input.get(name)?.as_str());
    let many = |name: &str| -> Option<Vec<&str>> {
        Some(input.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    };
    let one = |arn: Option<String>| arn.map(|arn| vec![arn]);
    let tagged = text(&["resourceArn", "ResourceArn", "ResourceARN"]).map(str::to_owned);
    let found = match service {
        "codebuild" => {
            let project = |name: &str| codebuild::arn(account, region, codebuild_project(name));
            let builds = many("ids").or(many("names"));
            let builds = builds.map(|ids| ids.into_iter().map(project).collect());
            builds.or(one(text(&["projectName", "name", "id"]).map(project)))
        }
        "codecommit" => {
            let repository = |name: &str| format!("arn:aws:codecommit:{region}:{account}:{name}");
            let several = many("repositoryNames");
            let several = several.map(|names| names.into_iter().map(repository).collect());
            several.or(one(text(&["repositoryName", "oldName"]).map(repository))).or(one(tagged))
        }
        "codeconnections" | "codestar-connections" => {
            one(text(&["ConnectionArn"]).map(str::to_owned).or(tagged))
        }
        "events" => match operation {
            "PutEvents" => one(Some(format!("arn:aws:events:{region}:{account}:event-bus/default"))),
            _ => {
                let rule = |name: &str| format!("arn:aws:events:{region}:{account}:rule/{name}");
                one(text(&["Name", "Rule"]).map(rule).or(tagged))
            }
        },
        "logs" => {
            let group =
                text(&["logGroupName", "logGroupIdentifier", "logGroupNamePrefix"]).unwrap_or_default();
            let group =
                group.split_once(":log-group:").map_or(group, |(_, name)| name.trim_end_matches(":*"));
            let stream = text(&["logStreamName"]).unwrap_or_default();
            one(Some(format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}")))
        }
        "ssm" => {
            let parameter = |name: &str| parameter_arn(account, region, name);
            let several = many("Names").map(|names| names.into_iter().map(parameter).collect());
            let every = || format!("arn:aws:ssm:{region}:{account}:*");
            several.or(one(text(&["Name", "ResourceId"]).map(parameter))).or(one(Some(every())))
        }
        "secretsmanager" => one(text(&["SecretId", "Name"]).map(str::to_owned)),
        _ => None,
    };
    found.unwrap_or_else(|| vec!["*".to_owned()])
}

/// A project's name, of what is a name, an ARN or a build's id.
fn codebuild_project(named: &str) -> &str {
    let name = named.rsplit_once('/').map_or(named, |(_, name)| name);
    name.split_once(':').map_or(name, |(project, _)| project)
}

/// The roles that are handed to a service, and to which.
fn passed<'a>(service: &str, operation: &str, input: &'a Value) -> Vec<(&'a str, &'static str)> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    match (service, operation) {
        ("codebuild", "CreateProject" | "UpdateProject") => {
            text("serviceRole").map(|role| (role, "codebuild.amazonaws.com")).into_iter().collect()
        }
        ("codebuild", "StartBuild") => {
            text("serviceRoleOverride").map(|role| (role, "codebuild.amazonaws.com")).into_iter().collect()
        }
        ("events", "PutTargets") => {
            let targets = input.get("Targets").and_then(Value::as_array).into_iter().flatten();
            targets
                .filter_map(|target| Some((target.get("RoleArn")?.as_str()?, "events.amazonaws.com")))
                .collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_about_what_awss_references_say() {
        let caller = Caller::by_key_id(None, "eu-west-1");
        let here = |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:000000000000:{rest}");
        let group = here("logs", "log-group:/aws/codebuild/web:log-stream:");
        for (service, operation, input, expected) in [
            ("codebuild", "StartBuild", json!({"projectName": "web"}), here("codebuild", "project/web")),
            ("codebuild", "StopBuild", json!({"id": "web:1"}), here("codebuild", "project/web")),
            ("codebuild", "BatchGetProjects", json!({"names": ["web"]}), here("codebuild", "project/web")),
            (
                "codebuild",
                "BatchGetBuilds",
                json!({"ids": [here("codebuild", "build/web:1")]}),
                here("codebuild", "project/web"),
            ),
            ("codebuild", "ListBuilds", json!({}), "*".to_owned()),
            ("codecommit", "GetBranch", json!({"repositoryName": "web"}), here("codecommit", "web")),
            ("codecommit", "TagResource", json!({"resourceArn": "arn:x"}), "arn:x".to_owned()),
            ("codeconnections", "GetConnection", json!({"ConnectionArn": "arn:x"}), "arn:x".to_owned()),
            ("codestar-connections", "CreateConnection", json!({"ConnectionName": "c"}), "*".to_owned()),
            ("events", "PutTargets", json!({"Rule": "r"}), here("events", "rule/r")),
            ("events", "PutEvents", json!({"Entries": []}), here("events", "event-bus/default")),
            ("logs", "FilterLogEvents", json!({"logGroupName": "/aws/codebuild/web"}), group.clone()),
            (
                "logs",
                "GetLogEvents",
                json!({"logGroupIdentifier": here("logs", "log-group:/aws/codebuild/web:*"), "logStreamName": "s"}),
                format!("{group}s"),
            ),
            ("ssm", "GetParameter", json!({"Name": "/a/b"}), here("ssm", "parameter/a/b")),
            ("ssm", "DescribeParameters", json!({}), here("ssm", "*")),
            ("secretsmanager", "GetSecretValue", json!({"SecretId": "db"}), "db".to_owned()),
        ] {
            assert_eq!(resources(&caller, service, operation, &input), [expected], "{service} {operation}");
        }
    }

    #[test]
    fn a_role_that_is_handed_on_is_passed() {
        let targets = json!({"Targets": [{"RoleArn": "r"}, {}]});
        assert_eq!(passed("events", "PutTargets", &targets), [("r", "events.amazonaws.com")]);
        let project = json!({"serviceRole": "b"});
        assert_eq!(passed("codebuild", "CreateProject", &project), [("b", "codebuild.amazonaws.com")]);
        assert_eq!(passed("codebuild", "DeleteProject", &project), []);
    }
}
