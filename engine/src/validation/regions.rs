//! One artifact store for each Region in which the pipeline has an action.

use std::collections::BTreeSet;

use super::{Subject, Violations};
use crate::rejection::RejectionKind::Validation;

/// The Regions of all partitions. The service is not in all of them, but a store there harms nobody.
#[rustfmt::skip]
const REGIONS: &[&str] = &[
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1",
    "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
    "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1",
    "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1",
    "us-west-2",
];

pub(super) fn check(subject: &Subject<'_>, violations: &mut Violations) {
    let declaration = subject.declaration;
    match (&declaration.artifact_store, &declaration.artifact_stores) {
        (Some(_), None) => {
            if subject.actions().any(|place| subject.region_of(place.action) != subject.region) {
                violations.add(
                    Validation,
                    "Your pipeline contains actions in more than one region. Use 'pipeline.artifactStores' instead \
                     of 'pipeline.artifactStore' to declare an artifact store, such as an artifact bucket, for each \
                     region where you have an action.",
                );
            }
        }
        (None, Some(stores)) => {
            for region in stores.keys().filter(|region| !exists(subject, region)) {
                violations.add(
                    Validation,
                    format!("The region {region} specified in 'pipeline.artifactStores' is not a valid AWS Region."),
                );
            }
            let used: BTreeSet<&str> = std::iter::once(subject.region)
                .chain(subject.actions().map(|place| subject.region_of(place.action)))
                .collect();
            for region in used.into_iter().filter(|region| !stores.contains_key(*region)) {
                violations.add(
                    Validation,
                    format!(
                        "Your pipeline must have an artifact store, such as an artifact bucket, for each region where \
                         you have an action. The following region is missing in 'pipeline.artifactStores': {region}."
                    ),
                );
            }
        }
        // Inferred; the kind is that of its neighbours.
        _ => violations.add(
            Validation,
            "Your pipeline must have either 'pipeline.artifactStore' or 'pipeline.artifactStores', and cannot have both.",
        ),
    }
}

/// The pipeline's own Region exists, since it was called there.
pub(super) fn exists(subject: &Subject<'_>, region: &str) -> bool {
    region == subject.region || REGIONS.contains(&region)
}
