//! News: what became of a job, for people: that it is red, red again or green again, and the report that says so. Channels and sinks
//! are told the same; each chat has its own way to write it.

use url::Url;

use super::ask::Answer;
use crate::store::{Stored, Submission};

/// Longest name of a project or a job, in characters.
const NAME: usize = 100;
/// Longest address of a build, in bytes.
const ADDRESS: usize = 1000;

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Red,
    /// For the cause that was told before.
    Again,
    Green,
}

/// What became of a job, and the report that says so.
#[derive(Debug)]
pub(super) struct News {
    pub(super) state: State,
    /// See `job_of`.
    pub(super) job: String,
    /// The page of the build: an address that closes no link, whatever the markup.
    pub(super) build_url: Option<String>,
    pub(super) answer: Answer,
}

impl State {
    /// In words, after the name of the job.
    pub(super) fn words(self) -> &'static str {
        match self {
            State::Red => "is red",
            State::Again => "is red again, for the same cause",
            State::Green => "is green again",
        }
    }

    /// A coloured dot.
    pub(super) fn mark(self) -> &'static str {
        if self == State::Green { "🟢" } else { "🔴" }
    }
}

impl News {
    /// The news that a stored report is. `build_url` is the page of this build, as its sender told.
    pub(super) fn of(state: State, stored: Stored, build_url: &str, base_url: &str) -> News {
        News {
            state,
            job: News::job_of(&stored.submission),
            build_url: address(build_url),
            answer: Answer { permalink: format!("{base_url}/r/{}", stored.id), report: stored.report, id: stored.id },
        }
    }

    /// Project and job, plain and on one line; `a build` where the sender told neither.
    pub(super) fn job_of(told: &Submission) -> String {
        let names: Vec<String> =
            [&told.project, &told.job].into_iter().filter(|name| !name.is_empty()).map(|name| cut(name)).collect();
        if names.is_empty() { "a build".to_owned() } else { names.join(" · ") }
    }

    /// Whether the job is green.
    pub(super) fn is_green(&self) -> bool {
        self.state == State::Green
    }
}

/// The same, on one line.
fn cut(name: &str) -> String {
    name.chars().take(NAME).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn address(told: &str) -> Option<String> {
    let url = Url::parse(told).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // What closes a link somewhere, or names it; most of it is encoded by now.
    let escaped = [
        ("(", "%28"),
        (")", "%29"),
        ("[", "%5B"),
        ("]", "%5D"),
        ("|", "%7C"),
        ("'", "%27"),
        ("*", "%2A"),
        ("`", "%60"),
    ];
    let host = url.host_str()?.len();
    let plain = url.as_str();
    let path = plain.find("://").map(|at| at + 3 + host).filter(|at| plain.is_char_boundary(*at))?;
    let rest = escaped.iter().fold(plain[path..].to_owned(), |text, (closes, code)| text.replace(closes, code));
    let address = format!("{}{rest}", &plain[..path]);
    (address.len() <= ADDRESS && url.username().is_empty() && url.password().is_none()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_close_no_link() {
        assert_eq!(address("https://ci.example/a/1?b=c&d#e").as_deref(), Some("https://ci.example/a/1?b=c&d#e"));
        let hostile = address("https://ci.example/) <!channel>|[x](y) `*'\n").unwrap_or_default();
        assert!(hostile.starts_with("https://ci.example/%29"), "{hostile}");
        assert!(!hostile.contains([' ', '<', '>', '|', '(', ')', '[', ']', '`', '*', '\'', '\n']), "{hostile}");
        for none in ["", "javascript:alert(1)", "//x", "https://user:pass@ci.example/", "data:,x"] {
            assert_eq!(address(none), None, "{none}");
        }
        assert_eq!(address("http://[::1]:8080/(x)").as_deref(), Some("http://[::1]:8080/%28x%29"));
        assert_eq!(address(&format!("https://ci.example/{}", "a".repeat(3000))), None);
    }
}

/// What the renderers' tests look at.
#[cfg(test)]
pub(super) mod samples {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::Engine;
    use crate::log::Log;
    use crate::report::Report;
    use crate::store::ReportId;

    fn news(state: State, project: &str, log: &str) -> News {
        let engine = Engine::built_in();
        let mut report =
            Report::of(&engine, "build.log", &engine.diagnose(Log::from_bytes("build.log", log.as_bytes())));
        // Any new rule may know more of what followed.
        report.diagnoses.iter_mut().for_each(|diagnosis| diagnosis.consequences.clear());
        let submission = Submission { project: project.to_owned(), job: "linux".to_owned(), ..Submission::default() };
        let id = ReportId::parse("kJ3nfW0aQx81Zp").unwrap();
        let stored = Stored { id, made_at: 0, seen_at: 0, occurrences: 1, submission, hidden: 0, report };
        News::of(state, stored, "https://ci.example/builds/7", "https://whyred.example")
    }

    pub(in crate::door) fn red() -> News {
        news(State::Red, "envoy", include_str!("../../examples/bazel-in-nix-unknown-host.log"))
    }

    pub(in crate::door) fn green() -> News {
        news(State::Green, "envoy", "INFO: Build completed successfully, 1 total action\n")
    }

    /// A log and a project that try to mention everybody, to close what they stand in, and to be too long.
    pub(in crate::door) fn hostile() -> News {
        let name = format!("@all <!channel> ```*[b](http://evil.example)** {}", "<é>".repeat(9000));
        let log = format!("error: undefined variable '{name}'\n\n       at /home/ada/flake.nix:41:22:\n");
        news(State::Red, "@all <!channel> **x**\r\nBcc: eve@evil.example\r\n\r\n[b](http://evil.example)", &log)
    }
}
