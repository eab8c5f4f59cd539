//! The API models of the query services: AWS's own descriptions, without prose and without the operations
//! that are not served. Members are in lower camel case, as AWS's validation messages name them.

use std::sync::LazyLock;

use crate::model::Model;

static IAM: LazyLock<Model> = LazyLock::new(|| parse(include_str!("../../model/iam-2010-05-08.json")));
static STS: LazyLock<Model> = LazyLock::new(|| parse(include_str!("../../model/sts-2011-06-15.json")));

/// IAM's.
pub(super) fn iam() -> &'static Model {
    &IAM
}

/// STS's.
pub(super) fn sts() -> &'static Model {
    &STS
}

/// A model as it stands in the program.
#[expect(clippy::expect_used, reason = "the embedded files are part of the program, and tests parse them")]
pub(super) fn parse(text: &str) -> Model {
    serde_json::from_str(text).expect("the embedded API model is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_name_only_shapes_that_they_have() {
        for (model, count) in [(iam(), 74), (sts(), 3)] {
            assert_eq!(model.operations().count(), count);
            assert!(model.operations().all(|(_, operation)| model.shape(&operation.input).is_some()));
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for text in
            [include_str!("../../model/iam-2010-05-08.json"), include_str!("../../model/sts-2011-06-15.json")]
        {
            let patterns = text.lines().filter_map(|line| line.trim().strip_prefix("\"pattern\": "));
            for pattern in patterns {
                let source: String = serde_json::from_str(pattern.trim_end_matches(',')).unwrap_or_default();
                assert!(crate::constraints::java_pattern::compile(&source).is_some(), "{source}");
            }
        }
    }
}
