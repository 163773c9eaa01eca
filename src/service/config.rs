//! Config: what the operator of a service chose.

use std::path::PathBuf;
use std::time::Duration;

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address that people use, without a slash at its end: `https://whyred.example`. Links lead there.
    pub base_url: String,
    /// Whether links rather lead to the address that a client asked: where no `base_url` was told.
    pub base_of_host: bool,
    /// Most bytes of a body as sent.
    pub most_sent: u64,
    /// Most bytes of a log once its compression is undone.
    pub most_decoded: u64,
    /// Logs that are read at the same time.
    pub scans: usize,
    /// Logs that may wait for their turn; more are told to come again.
    pub waiting: usize,
    /// Logs that may be on their way in at the same time.
    pub uploads: usize,
    /// Large logs among them, which are read while they come.
    pub streams: usize,
    /// How long a sender may be silent in the middle of a log.
    pub silence: Duration,
    /// How long the sending of one log may take.
    pub longest: Duration,
    /// Folders of rules, read again when their files change.
    pub packs: Vec<PathBuf>,
    /// Whether `X-Forwarded-For`, `-Proto` and `-Host` are believed.
    pub trust_proxy: bool,
    /// Logs that one address may send in a minute; 0 for any number. With a token ten times as many.
    pub posts_per_minute: u32,
    /// Other requests of one address in a minute; 0 for any number. With a token ten times as many.
    pub reads_per_minute: u32,
    /// Hosts (`hydra.example`, `ci.example:8443`) from which `/explain` fetches logs.
    pub explain_hosts: Vec<String>,
    /// Whether these hosts may have private addresses.
    pub explain_private: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            base_url: "http://127.0.0.1:8080".to_owned(),
            base_of_host: false,
            most_sent: 256 << 20,
            most_decoded: 1 << 30,
            scans: std::thread::available_parallelism().map_or(2, usize::from),
            waiting: 256,
            uploads: 256,
            streams: 32,
            silence: Duration::from_secs(15 * 60),
            longest: Duration::from_secs(6 * 60 * 60),
            packs: Vec::new(),
            trust_proxy: false,
            posts_per_minute: 120,
            reads_per_minute: 1200,
            explain_hosts: Vec::new(),
            explain_private: false,
        }
    }
}
