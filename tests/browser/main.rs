//! The pages in a real browser: headless Chromium against a service in this process. `served` is the service, `browser` the session,
//! `axe` the accessibility check; the tests are one area a file. Screenshots land in `target/screenshots`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
// The harness offers more than the tests of one day use.
#![allow(dead_code)]

mod axe;
mod browser;
mod machine;
mod served;

mod history;
mod look;
mod pages;
mod report;
mod rules;
mod smoke;
