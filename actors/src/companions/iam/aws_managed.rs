//! What AWS's own managed policies say, as far as the services of this daemon and of the actions go: those that
//! pipelines' roles commonly have. Their full texts stand in AWS's managed policy reference.

use std::sync::{Arc, LazyLock};

use super::identifiers::is_aws_managed;
use crate::companions::policy::document::{Document, Purpose};

/// Path and name after `policy/`, and the statement: what is allowed, or everything but it, on every resource.
const KNOWN: [(&str, Allowed); 17] = [
    ("AdministratorAccess", Allowed::Actions(&["*"])),
    ("PowerUserAccess", Allowed::AllBut(&["iam:*", "organizations:*", "account:*"])),
    (
        "ReadOnlyAccess",
        Allowed::Actions(&[
            "s3:Get*",
            "s3:List*",
            "codepipeline:Get*",
            "codepipeline:List*",
            "codebuild:BatchGet*",
            "codebuild:List*",
            "iam:Get*",
            "iam:List*",
            "logs:Get*",
            "logs:Describe*",
            "logs:FilterLogEvents",
            "lambda:Get*",
            "lambda:List*",
            "sns:Get*",
            "sns:List*",
            "cloudwatch:Describe*",
            "cloudwatch:Get*",
            "cloudwatch:List*",
            "sts:GetCallerIdentity",
        ]),
    ),
    ("AmazonS3FullAccess", Allowed::Actions(&["s3:*", "s3-object-lambda:*"])),
    (
        "AmazonS3ReadOnlyAccess",
        Allowed::Actions(&[
            "s3:Get*",
            "s3:List*",
            "s3:Describe*",
            "s3-object-lambda:Get*",
            "s3-object-lambda:List*",
        ]),
    ),
    ("IAMFullAccess", Allowed::Actions(&["iam:*"])),
    ("IAMReadOnlyAccess", Allowed::Actions(&["iam:Get*", "iam:List*", "iam:Generate*", "iam:Simulate*"])),
    (
        "AWSCodePipeline_FullAccess",
        Allowed::Actions(&[
            "codepipeline:*",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:GetBucketPolicy",
            "s3:GetBucketVersioning",
            "s3:GetObjectVersion",
            "s3:ListAllMyBuckets",
            "s3:CreateBucket",
            "s3:PutBucketPolicy",
            "iam:PassRole",
            "iam:ListRoles",
            "codebuild:BatchGetProjects",
            "codebuild:ListProjects",
            "lambda:ListFunctions",
            "lambda:GetFunctionConfiguration",
            "sns:ListTopics",
            "codedeploy:Get*",
            "codedeploy:List*",
        ]),
    ),
    (
        "AWSCodePipeline_ReadOnlyAccess",
        Allowed::Actions(&[
            "codepipeline:GetPipeline",
            "codepipeline:GetPipelineState",
            "codepipeline:GetPipelineExecution",
            "codepipeline:ListPipelineExecutions",
            "codepipeline:ListActionExecutions",
            "codepipeline:ListActionTypes",
            "codepipeline:ListPipelines",
            "codepipeline:ListTagsForResource",
            "s3:ListAllMyBuckets",
            "s3:GetBucketPolicy",
        ]),
    ),
    (
        "AWSCodePipelineApproverAccess",
        Allowed::Actions(&[
            "codepipeline:GetPipeline",
            "codepipeline:GetPipelineState",
            "codepipeline:GetPipelineExecution",
            "codepipeline:ListPipelineExecutions",
            "codepipeline:ListPipelines",
            "codepipeline:PutApprovalResult",
        ]),
    ),
    (
        "AWSCodePipelineCustomActionAccess",
        Allowed::Actions(&[
            "codepipeline:AcknowledgeJob",
            "codepipeline:GetJobDetails",
            "codepipeline:PollForJobs",
            "codepipeline:PutJobFailureResult",
            "codepipeline:PutJobSuccessResult",
        ]),
    ),
    (
        "AWSCodeBuildAdminAccess",
        Allowed::Actions(&["codebuild:*", "logs:*", "s3:GetBucketLocation", "s3:ListAllMyBuckets"]),
    ),
    (
        "AWSCodeBuildDeveloperAccess",
        Allowed::Actions(&[
            "codebuild:StartBuild",
            "codebuild:StopBuild",
            "codebuild:StartBuildBatch",
            "codebuild:StopBuildBatch",
            "codebuild:RetryBuild",
            "codebuild:RetryBuildBatch",
            "codebuild:BatchGet*",
            "codebuild:List*",
            "codebuild:GetResourcePolicy",
            "logs:GetLogEvents",
            "s3:GetBucketLocation",
            "s3:ListAllMyBuckets",
        ]),
    ),
    (
        "AWSLambda_FullAccess",
        Allowed::Actions(&["lambda:*", "iam:ListRoles", "iam:GetRole", "iam:PassRole", "logs:*"]),
    ),
    ("service-role/AWSLambdaRole", Allowed::Actions(&["lambda:InvokeFunction"])),
    (
        "service-role/AWSLambdaBasicExecutionRole",
        Allowed::Actions(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
    ),
    ("CloudWatchLogsFullAccess", Allowed::Actions(&["logs:*"])),
];

/// Path and name, and the document.
type Parsed = (&'static str, Option<Arc<Document>>);

enum Allowed {
    Actions(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// What the policy with that ARN says, where that is known.
pub(super) fn document(arn: &str) -> Option<Arc<Document>> {
    static DOCUMENTS: LazyLock<Vec<Parsed>> =
        LazyLock::new(|| KNOWN.iter().map(|(name, allowed)| (*name, allowed.document())).collect());
    let (_, name) = arn.split_once(":policy/").filter(|_| is_aws_managed(arn))?;
    DOCUMENTS.iter().find(|(known, _)| *known == name).and_then(|(_, document)| document.clone())
}

impl Allowed {
    fn document(&self) -> Option<Arc<Document>> {
        let (element, actions) = match self {
            Self::Actions(actions) => ("Action", actions),
            Self::AllBut(actions) => ("NotAction", actions),
        };
        let text = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", element: actions, "Resource": "*"},
        });
        Document::parse(&text.to_string(), Purpose::Permissions).ok().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_policy_has_a_document() {
        for (name, _) in &KNOWN {
            assert!(document(&format!("arn:aws:iam::aws:policy/{name}")).is_some(), "{name}");
        }
        for unknown in
            ["arn:aws:iam::aws:policy/Nothing", "arn:aws:iam::111122223333:policy/AdministratorAccess", ""]
        {
            assert!(document(unknown).is_none(), "{unknown}");
        }
    }
}
