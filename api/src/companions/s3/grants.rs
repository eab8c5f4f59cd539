//! Access control lists on the wire: canned names, grant headers, documents.

use penstock_actors::companions::s3::acl::{self, AccessControl};
use penstock_actors::companions::s3::identity::canonical_user;
use penstock_actors::companions::s3::records::{Grant, Grantee};
use penstock_actors::companions::s3::refusal::Refusal;
use s3s::dto;

/// What a request says about access, in whichever of the three ways.
#[derive(Default)]
pub(super) struct Access {
    pub(super) canned: Option<String>,
    /// Permission and the header that grants it.
    pub(super) headers: [(&'static str, Option<String>); 5],
    pub(super) document: Option<dto::AccessControlPolicy>,
}

impl Access {
    /// The grants for what `owner` has in a bucket of `bucket_owner`; `None` when nothing is said.
    pub(super) fn grants(self, owner: &str, bucket_owner: &str) -> Result<Option<Vec<Grant>>, Refusal> {
        let mut granted = Vec::new();
        for (permission, header) in &self.headers {
            for grantee in header.iter().flat_map(|header| header.split(',')) {
                let grantee = grantee_of(grantee)?;
                granted.push(Grant { grantee, permission: (*permission).to_owned() });
            }
        }
        match (self.canned, granted.is_empty(), self.document) {
            (Some(_), false, _) => {
                Err(Refusal::invalid_request("Specifying both Canned ACLs and Header Grants is not allowed"))
            }
            (Some(name), true, _) => acl::canned(&name, owner, bucket_owner).map(Some),
            (None, false, _) => Ok(Some(granted)),
            (None, true, Some(document)) => from_document(document).map(Some),
            (None, true, None) => Ok(None),
        }
    }
}

/// `id="…"`, `uri="…"` or `emailAddress="…"`.
fn grantee_of(text: &str) -> Result<Grantee, Refusal> {
    let invalid = || Refusal::invalid_argument("Argument format not recognized", "x-amz-grant", text);
    let (kind, value) = text.trim().split_once('=').ok_or_else(invalid)?;
    let value = value.trim().trim_matches('"').to_owned();
    match kind.trim().to_ascii_lowercase().as_str() {
        "id" => Ok(Grantee::User(value)),
        "uri" => Ok(Grantee::Group(value)),
        "emailaddress" => Ok(Grantee::Email(value)),
        _ => Err(invalid()),
    }
}

fn from_document(document: dto::AccessControlPolicy) -> Result<Vec<Grant>, Refusal> {
    let malformed = || {
        Refusal::new(
            "MalformedACLError",
            400,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let one = |grant: dto::Grant| -> Option<Grant> {
        let grantee = grant.grantee?;
        let grantee = match (grantee.id, grantee.uri, grantee.email_address) {
            (Some(id), ..) => Grantee::User(id),
            (None, Some(uri), _) => Grantee::Group(uri),
            (None, None, Some(email)) => Grantee::Email(email),
            (None, None, None) => return None,
        };
        let permission = grant.permission?.as_str().to_owned();
        let known = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"];
        known.contains(&permission.as_str()).then_some(Grant { grantee, permission })
    };
    let grants = document.grants.unwrap_or_default();
    grants.into_iter().map(|grant| one(grant).ok_or_else(malformed)).collect()
}

/// A request to set an access list that says nothing of access.
pub(super) fn nothing_said() -> Refusal {
    Refusal::new("MissingSecurityHeader", 400, "Your request was missing a required header")
        .with("MissingHeaderName", "x-amz-acl")
}

/// An account as an owner.
pub(super) fn owner(account: &str) -> dto::Owner {
    dto::Owner { id: Some(canonical_user(account)), display_name: None }
}

/// A list as S3 shows it.
pub(super) fn to_wire(control: AccessControl) -> (dto::Owner, dto::Grants) {
    let owner = dto::Owner { id: Some(control.owner), display_name: None };
    (owner, control.grants.into_iter().map(grant_to_wire).collect())
}

fn grant_to_wire(grant: Grant) -> dto::Grant {
    let empty = dto::Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: dto::Type::from_static(dto::Type::CANONICAL_USER),
        uri: None,
    };
    let grantee = match grant.grantee {
        Grantee::User(id) => dto::Grantee { id: Some(id), ..empty },
        Grantee::Group(uri) => {
            dto::Grantee { uri: Some(uri), type_: dto::Type::from_static(dto::Type::GROUP), ..empty }
        }
        Grantee::Email(email) => dto::Grantee {
            email_address: Some(email),
            type_: dto::Type::from_static(dto::Type::AMAZON_CUSTOMER_BY_EMAIL),
            ..empty
        },
    };
    dto::Grant { grantee: Some(grantee), permission: Some(dto::Permission::from(grant.permission)) }
}

/// The access that one of S3's inputs asks for.
macro_rules! access_from {
    ($input:expr) => {
        $crate::companions::s3::grants::Access {
            canned: $input.acl.take().map(|acl| acl.as_str().to_owned()),
            headers: [
                ("FULL_CONTROL", $input.grant_full_control.take()),
                ("READ", $input.grant_read.take()),
                ("READ_ACP", $input.grant_read_acp.take()),
                ("WRITE_ACP", $input.grant_write_acp.take()),
                ("WRITE", None),
            ],
            document: None,
        }
    };
}

pub(super) use access_from;
