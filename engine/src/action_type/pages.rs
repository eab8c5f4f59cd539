//! Where people look at what actions of the types that come with the service work on, work and found.
//!
//! Those of S3, Elastic Beanstalk, CodeDeploy and GitHub are in the API reference's sample of `ListActionTypes`; the others
//! follow the user guide's samples of states, without the Region.

use super::Settings;
use crate::declaration::action::ActionCategory::{self, Build, Deploy, Invoke, Source, Test};

/// The URL templates of a type, when it has any.
pub(super) fn of(category: ActionCategory, provider: &str) -> Option<Settings> {
    let (entity, execution, revision) = match (category, provider) {
        (Source, "S3") => ("https://console.aws.amazon.com/s3/home?#", None, None),
        (Source, "CodeCommit") => (
            "https://console.aws.amazon.com/codecommit/home#/repository/{Config:RepositoryName}/browse/\
             {Config:BranchName}/--/",
            None,
            None,
        ),
        (Source, "CodeStarSourceConnection") => (
            "https://console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={Config:ConnectionArn}\
             &referenceType=BRANCH&FullRepositoryId={Config:FullRepositoryId}&Branch={Config:BranchName}",
            None,
            None,
        ),
        (Source, "GitHub") => (
            "https://github.com/{Config:Owner}/{Config:Repo}/tree/{Config:Branch}",
            None,
            Some("https://github.com/{Config:Owner}/{Config:Repo}/commit/{RevisionId}"),
        ),
        (Build | Test, "CodeBuild") => (
            "https://console.aws.amazon.com/codebuild/home?#/projects/{Config:ProjectName}/view",
            Some("https://console.aws.amazon.com/codebuild/home?#/builds/{ExternalExecutionId}/view/new"),
            None,
        ),
        (Deploy, "CloudFormation") => ("https://console.aws.amazon.com/cloudformation/home?#/", None, None),
        (Deploy, "CodeDeploy") => (
            "https://console.aws.amazon.com/codedeploy/home?#/applications/{Config:ApplicationName}/deployment-groups/\
             {Config:DeploymentGroupName}",
            Some("https://console.aws.amazon.com/codedeploy/home?#/deployments/{ExternalExecutionId}"),
            None,
        ),
        (Deploy, "ElasticBeanstalk") => {
            let application =
                "https://console.aws.amazon.com/elasticbeanstalk/r/application/{Config:ApplicationName}";
            (application, Some(application), None)
        }
        (Invoke, "Lambda") => {
            ("https://console.aws.amazon.com/lambda/home?#/functions/{Config:FunctionName}", None, None)
        }
        _ => return None,
    };
    Some(Settings {
        third_party_configuration_url: None,
        entity_url_template: Some(entity.to_owned()),
        execution_url_template: execution.map(str::to_owned),
        revision_url_template: revision.map(str::to_owned),
    })
}
