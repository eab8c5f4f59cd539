//! What an S3 request needs before s3s reads it.
//!
//! s3s insists on verifying what is signed and can only do so with the client's secret key. Until
//! verification is asked for, the signature is taken off here: the credential is read for account and Region,
//! a presigned request's expiry is checked, and chunks signed one by one are taken apart.

pub(crate) mod aws_chunked;
pub(crate) mod prepare;
mod presigned;
