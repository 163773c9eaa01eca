//! Ci: CI systems tell of jobs that ended. Each proves who it is, and is answered at once; the outbox fetches the log of the job by the
//! system's API, reads it, and tells the answer where the red mark is. One system a file; a `Job` is what they have in common.

mod buildkite;
mod github;
mod gitlab;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::StatusCode as Status;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use url::Url;

use super::ask::Answer;
use super::outbox::{MOST_MISSES, Setback};
use super::peer::PeerError;
use super::{Doors, Refusal};
use crate::report::render_markdown;
use crate::service::fetch::Fetched;
use crate::store::{NewOutgoing, Outgoing, Submission};
pub(super) use buildkite::{KIND as BUILDKITE, carry_out as buildkite};
pub(super) use github::{KIND as GITHUB, carry_out as github};
pub(super) use gitlab::{KIND as GITLAB, carry_out as gitlab};

/// The line that ends the log of a green job: what built it may have said nothing.
const GREEN: &[u8] = b"\nJob succeeded\n";

/// The routes.
pub(super) fn router() -> Router<Doors> {
    Router::new()
        .route("/hooks/github", post(github::told))
        .route("/hooks/gitlab", post(gitlab::told))
        .route("/hooks/buildkite", post(buildkite::told))
}

/// A job that ended.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Job {
    project: String,
    name: String,
    /// Its page.
    url: String,
    revision: String,
    branch: String,
    green: bool,
    /// What else is known.
    metadata: BTreeMap<String, String>,
}

impl Job {
    fn submission(&self, door: &str) -> Submission {
        let plain = |text: &String| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let mut metadata = self.metadata.clone();
        metadata.insert("door".to_owned(), door.to_owned());
        let submission = Submission {
            name: plain(&self.name),
            project: plain(&self.project),
            job: plain(&self.name),
            build_url: plain(&self.url),
            revision: plain(&self.revision),
            branch: plain(&self.branch),
            metadata: metadata.into_iter().map(|(name, value)| (name, plain(&value))).collect(),
        };
        submission.fitted()
    }
}

/// The answer to a webhook of which nothing comes.
fn nothing(why: &'static str) -> Response {
    (StatusCode::OK, format!("{why}\n")).into_response()
}

impl Doors {
    /// Puts the reading of a job into the outbox and says so. The same job twice is a replay.
    async fn put_job(
        &self,
        kind: &'static str,
        key: String,
        job: &Job,
        work: &impl Serialize,
    ) -> Result<Response, Refusal> {
        let payload = serde_json::to_string(work).map_err(|_| Refusal::Unreadable("the job cannot be written down"))?;
        let submission = job.submission(kind);
        let what = format!("explain {} of {}", submission.job, submission.project);
        match self.put_out(&NewOutgoing { kind, key, what, payload }).await? {
            true => Ok((StatusCode::ACCEPTED, "it will be explained\n").into_response()),
            false => Err(Refusal::Unproven),
        }
    }

    /// Reads the log of a job. Done twice, it is one report all the same.
    async fn read_job(&self, outgoing: &Outgoing, job: &Job, log: Fetched) -> Result<Answer, Setback> {
        let submission = job.submission(&outgoing.kind);
        let ending = if job.green { GREEN } else { b"" };
        let taken = self.app.take(submission, Some(outgoing.key.clone()), log.body.chain(ending)).await?;
        let permalink = format!("{}/r/{}", self.app.config.base_url, taken.id);
        Ok(Answer { report: taken.report, id: taken.id, permalink })
    }
}

/// What is known of a job besides, by name.
fn known<const N: usize>(facts: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A token as a header's value, which is not printed. `who` gave it, for people.
fn secret(text: &str, who: &str) -> Result<HeaderValue, Setback> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Setback::Never(format!("the token for {who} holds characters that no token has")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The answer as Markdown of at most so many bytes.
fn markdown(answer: &Answer, most: usize) -> String {
    let mut text = render_markdown(&answer.report, Some(&answer.permalink));
    if text.len() > most {
        let more = format!("\n\n… [all of it]({})\n", answer.permalink);
        text.truncate(text.floor_char_boundary(most.saturating_sub(more.len())));
        text += &more;
    }
    text
}

/// A system was not told, or did not tell.
fn not_told(who: &str, error: &PeerError, tries: i64) -> Setback {
    match error {
        PeerError::Refused(Status::NOT_FOUND | Status::CONFLICT, _) if tries < MOST_MISSES => {
            Setback::Later(format!("{who}: {error}"), None)
        }
        error => Setback::of(who, error),
    }
}

/// An address below another one; each part is one step, whatever stands in it.
fn below(base: &str, parts: &[&str]) -> Result<Url, Setback> {
    let broken = || Setback::Never(format!("{base} is no address"));
    let mut url = Url::parse(base).map_err(|_| broken())?;
    url.path_segments_mut().map_err(|()| broken())?.pop_if_empty().extend(parts);
    Ok(url)
}

/// Whether this is a name of two or more plain parts, as `owner/name`: nothing of it leads elsewhere in an address.
fn is_path(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.chars().all(|c| c == '.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
    };
    name.len() <= 500 && name.contains('/') && name.split('/').all(plain)
}

/// Whether a name is among these: itself, or `OWNER/*`. All are where none is named.
fn is_among(name: &str, named: &[String]) -> bool {
    let is = |pattern: &String| match pattern.strip_suffix('*') {
        Some(begin) => {
            begin.ends_with('/') && name.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin))
        }
        None => name.eq_ignore_ascii_case(pattern),
    };
    named.is_empty() || named.iter().any(is)
}

/// The first so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_may_stand_in_an_address() {
        for name in ["octo-org/octo-repo", "a/b/c.d", "nixos/nixpkgs_1"] {
            assert!(is_path(name), "{name}");
        }
        for name in ["", "a", "a/", "/a", "a/..", "../a", "a/b?c", "a/b#c", "a/b c", "a//b", "a/%2e", "a\\b/c", "a/é"]
        {
            assert!(!is_path(name), "{name}");
        }
        let url = below("https://ghe.example/api/v3/", &["repos", "a", "b?c/../d"]).unwrap();
        assert_eq!(url.as_str(), "https://ghe.example/api/v3/repos/a/b%3Fc%2F..%2Fd");
    }

    #[test]
    fn only_those_named() {
        let named = ["octo-org/*".to_owned(), "ada/envoy".to_owned()];
        assert!(is_among("octo-org/x", &named) && is_among("Ada/Envoy", &named) && is_among("any/thing", &[]));
        assert!(!is_among("octo-org2/x", &named) && !is_among("ada/envoy2", &named));
        assert!(!is_among("octo-org", &named) && !is_among("a/b", &["*".to_owned()]));
    }

    #[test]
    fn words_are_cut() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("äbcd", 3), "äb…");
    }
}
