//! Ask: what somebody wants to have explained, and the answer: a log in the message, or one at an address.

use std::collections::BTreeMap;
use std::io::Cursor;

use tokio::io::AsyncRead;
use url::Url;

use super::Doors;
use crate::report::Report;
use crate::service::IntakeError;
use crate::store::{ReportId, Submission};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// How to ask.
    Help,
    /// A log, as it stands.
    Log(String),
    /// A log that is elsewhere.
    At(Url),
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) report: Report,
    pub(super) id: ReportId,
    /// The page of the report.
    pub(super) permalink: String,
}

impl Ask {
    /// What a plain text asks for; markup is gone already.
    pub(super) fn of(text: &str) -> Ask {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("help") {
            return Ask::Help;
        }
        let address = (!text.contains(char::is_whitespace)).then(|| Url::parse(text).ok()).flatten();
        match address.filter(|address| matches!(address.scheme(), "http" | "https")) {
            Some(address) => Ask::At(address),
            None => Ask::Log(unfenced(text).to_owned()),
        }
    }
}

impl Doors {
    /// Answers; what could not be done is one sentence for who asked. `door` is where it was asked.
    pub(super) async fn answer(&self, ask: Ask, door: &str) -> Result<Answer, String> {
        match ask {
            Ask::Help => Err(self.help()),
            Ask::Log(text) => self.read(door, &format!("a message in {door}"), Cursor::new(text.into_bytes())).await,
            Ask::At(address) => {
                let fetched = self.fetch(&address).await?;
                self.read(door, &fetched.name, fetched.body).await
            }
        }
    }

    /// Reads a log that is called `name`.
    pub(super) async fn read(
        &self,
        door: &str,
        name: &str,
        log: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<Answer, String> {
        let metadata = BTreeMap::from([("door".to_owned(), door.to_owned())]);
        let submission = Submission { name: name.to_owned(), metadata, ..Submission::default() };
        match self.app.take(submission, None, log).await {
            Ok(taken) => {
                let permalink = format!("{}/r/{}", self.app.config.base_url, taken.id);
                Ok(Answer { report: taken.report, id: taken.id, permalink })
            }
            Err(error @ IntakeError::Store(_)) => {
                tracing::error!(%error, "a log from a chat was not stored");
                Err("something is wrong inside whyred; its log says what".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// How to ask, for all chats.
    pub(super) fn help(&self) -> String {
        format!(
            "Give me the log of a failed Bazel or Nix build: its address, its text, or a file. I say why it is red. The log stays at {} with its secrets hidden.",
            self.app.config.base_url
        )
    }
}

/// The text within a code block, where the message is one.
fn unfenced(text: &str) -> &str {
    let within = || {
        let rest = &text[text.find("```")? + 3..];
        let inner = &rest[..rest.rfind("```")?];
        // A first line of one word names the language.
        match inner.split_once('\n') {
            Some((first, log)) if !first.trim().contains(' ') => Some(log),
            _ => Some(inner),
        }
    };
    within().filter(|log| !log.trim().is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_people_type() {
        assert_eq!(Ask::of(" "), Ask::Help);
        assert_eq!(Ask::of("Help"), Ask::Help);
        assert_eq!(Ask::of("https://ci.example/1/log"), Ask::At(Url::parse("https://ci.example/1/log").unwrap()));
        assert_eq!(Ask::of("file:///etc/passwd"), Ask::Log("file:///etc/passwd".to_owned()));
        assert_eq!(Ask::of("see https://ci.example"), Ask::Log("see https://ci.example".to_owned()));
        assert_eq!(Ask::of("why?\n```text\nerror: x\n```"), Ask::Log("error: x\n".to_owned()));
        assert_eq!(Ask::of("```error: a b\nc```"), Ask::Log("error: a b\nc".to_owned()));
    }
}
