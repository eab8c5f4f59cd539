//! Declarations of the pipelines that tests run, and what they need.

use serde_json::{Value, json};

use crate::aws::Caller;

/// The buckets and the role of a test's pipelines.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Of the pipelines.
    pub role: String,
    /// With the object `file` and versions.
    pub source: String,
    /// Without versions.
    pub target: String,
    /// The artifact store.
    pub store: String,
}

impl Ground {
    /// Makes the buckets, the source object and the role.
    pub fn prepare(caller: &Caller, content: &[u8]) -> Self {
        let ground = Self {
            role: caller.make_role("pipelines", "codepipeline.amazonaws.com"),
            source: "source-bucket".to_owned(),
            target: "target-bucket".to_owned(),
            store: "artifact-store-bucket".to_owned(),
        };
        caller.make_versioned_bucket(&ground.source);
        caller.make_bucket(&ground.target);
        caller.make_bucket(&ground.store);
        caller.s3_done("PUT", &format!("/{}/file", ground.source), content);
        ground
    }

    /// A pipeline of these stages after the stage `Source` with the action `Source`, whose artifact is `Source`.
    pub fn pipeline(&self, name: &str, stages: &[Value]) -> Value {
        let source = json!({"name": "Source", "actions": [self.source()]});
        let stages: Vec<Value> = std::iter::once(source).chain(stages.iter().cloned()).collect();
        json!({
            "name": name,
            "roleArn": self.role,
            "artifactStore": {"type": "S3", "location": self.store},
            "stages": stages,
        })
    }

    /// The source action.
    pub fn source(&self) -> Value {
        json!({
            "name": "Source",
            "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": {"S3Bucket": self.source, "S3ObjectKey": "file", "PollForSourceChanges": "false"},
            "outputArtifacts": [{"name": "Source"}],
        })
    }

    /// The same pipeline with a source action that takes `owner/name` through a connection; its namespace is `Src`.
    pub fn connected_pipeline(&self, name: &str, configuration: &Value, stages: &[Value]) -> Value {
        let mut declared = self.pipeline(name, stages);
        let mut source = json!({
            "name": "Source",
            "actionTypeId": {
                "category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1",
            },
            "configuration": {
                "ConnectionArn": "arn:aws:codeconnections:us-east-1:000000000000:connection/any",
                "FullRepositoryId": "owner/name",
                "BranchName": "main",
            },
            "outputArtifacts": [{"name": "Source"}],
            "namespace": "Src",
        });
        for (key, value) in configuration.as_object().into_iter().flatten() {
            source["configuration"][key] = value.clone();
        }
        declared["stages"][0]["actions"] = json!([source]);
        declared["pipelineType"] = json!("V2");
        declared
    }

    /// A deploy action that writes the source's artifact to that key as it is.
    pub fn deploy(&self, name: &str, run_order: u32, key: &str) -> Value {
        json!({
            "name": name,
            "runOrder": run_order,
            "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": {"BucketName": self.target, "Extract": "false", "ObjectKey": key},
            "inputArtifacts": [{"name": "Source"}],
        })
    }
}

/// A stage.
pub fn stage(name: &str, actions: &[Value]) -> Value {
    json!({"name": name, "actions": actions})
}
