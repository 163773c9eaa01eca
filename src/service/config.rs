//! Config: what the operator of a service chose.

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address that people use, without a slash at its end: `https://whyred.example`. Links lead there.
    pub base_url: String,
    /// Most bytes of a body as sent.
    pub most_sent: u64,
    /// Most bytes of a log once its compression is undone.
    pub most_decoded: u64,
    /// Logs that are read at the same time.
    pub scans: usize,
    /// Logs that may wait for their turn; more are told to come again.
    pub waiting: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            base_url: "http://127.0.0.1:8080".to_owned(),
            most_sent: 256 << 20,
            most_decoded: 1 << 30,
            scans: std::thread::available_parallelism().map_or(2, usize::from),
            waiting: 256,
        }
    }
}
