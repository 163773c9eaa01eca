//! `whyred health`: asks a running service whether it lives; for container checks, which have no other program at hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::terminal;

/// How long the service may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask a running service whether it is well
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  whyred health                 of the service at 127.0.0.1:8080
  whyred health --ready         also that its database answers

Exit status: 0 it is well, 1 it is not, 2 it cannot be asked.")]
pub(super) struct HealthArgs {
    /// The service's address
    #[arg(long, value_name = "ADDRESS", env = "WHYRED_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Ask whether it can work, too
    #[arg(long)]
    ready: bool,
}

const WELL: u8 = 0;
const UNWELL: u8 = 1;

pub(super) fn run(args: &HealthArgs) -> anyhow::Result<u8> {
    let mut address = args.listen;
    if address.ip().is_unspecified() {
        // Who listens on all addresses listens on this one.
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { [0, 0, 0, 0, 0, 0, 0, 1].into() });
    }
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let answer = ask(address, path).with_context(|| format!("nothing answers at {address}"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    let words = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    terminal::print(&format!("{words}\n"))?;
    Ok(if status == "200" { WELL } else { UNWELL })
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: text/plain\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
