//! The doors against recorded requests and peers that check what the real ones would.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

#[path = "door/house.rs"]
mod house;

#[path = "door/chats.rs"]
mod chats;
#[path = "door/ci.rs"]
mod ci;
#[path = "door/github.rs"]
mod github;
#[path = "door/guard.rs"]
mod guard;
#[path = "door/hydra.rs"]
mod hydra;
#[path = "door/hydra_cli.rs"]
mod hydra_cli;
#[path = "door/mail.rs"]
mod mail;
#[path = "door/mcp.rs"]
mod mcp;
#[path = "door/notify.rs"]
mod notify;
#[path = "door/peers.rs"]
mod peers;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "common/process.rs"]
mod process;
#[path = "door/slack.rs"]
mod slack;
#[path = "door/small.rs"]
mod small;
#[path = "door/smtp.rs"]
mod smtp;
