//! The API over HTTP: what goes in in every form, what comes out, who may do it, and how errors are told.
//! One file a theme; `common/app.rs` starts the service.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

#[path = "common/app.rs"]
mod app;

#[path = "api/access.rs"]
mod access;
#[path = "api/deliveries.rs"]
mod deliveries;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "common/process.rs"]
mod process;

#[path = "api/endings.rs"]
mod endings;
#[path = "api/operation.rs"]
mod operation;
#[path = "api/reading.rs"]
mod reading;
#[path = "api/uploads.rs"]
mod uploads;
