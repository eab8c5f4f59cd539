//! S3's wire protocol (REST with XML, by s3s) over the embedded S3. Start at [`operations`].

pub(crate) mod gateway;
mod operations;
pub(crate) mod seam;

mod bucket_access;
mod buckets;
mod configurations;
mod copies;
mod lists;
mod object_settings;
mod objects;
mod permitted;
mod removal;
mod uploads;

mod attributes;
mod bodies;
mod conditions;
mod dates;
mod errors;
mod grants;
mod sums;
mod tags;

#[cfg(test)]
mod tests;
