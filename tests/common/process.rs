//! ServerProcess: the real program as a service, which can be killed as nothing else can.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `whyred serve`.
pub struct ServerProcess {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    child: Child,
}

impl ServerProcess {
    /// Starts one on a free port, with its data in this folder and the history that is named, or SQLite.
    pub fn start(data: &Path, database: Option<&str>, flags: &[&str]) -> ServerProcess {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whyred"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(flags);
        for name in ["DATABASE_URL", "WHYRED_TOKEN", "WHYRED_RULES", "WHYRED_CONFIG"] {
            command.env_remove(name);
        }
        if let Some(database) = database {
            command.env("DATABASE_URL", database);
        }
        let mut child = command.env("RUST_LOG", "warn").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines.by_ref().map(Result::unwrap).find_map(|line| Some(line.strip_prefix("whyred: ")?.to_owned()));
        // Who does not read lets the service wait.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| drop(writeln!(std::io::stderr(), "{line}")))
        });
        ServerProcess { url: url.expect("an address"), child }
    }

    /// As `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As the system asks a service to end; gives whether it ended well.
    pub fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
