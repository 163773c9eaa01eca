//! HomePage: a log is pasted, dropped or chosen; three logs to try; what failed lately.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::Frame;
use super::moment::Moment;
use super::web_error::WebError;
use crate::service::{App, now};
use crate::store::{Filter, Listed, Submission};

/// Reports shown.
const LATEST: usize = 8;

/// A log that comes with whyred.
struct Example {
    slug: &'static str,
    title: &'static str,
    about: &'static str,
    log: &'static str,
}

const EXAMPLES: [Example; 3] = [
    Example {
        slug: "bazel-in-nix-unknown-host",
        title: "Bazel inside Nix",
        about: "A download at the end of a chain of macros, in a sandbox without a network",
        log: include_str!("../../examples/bazel-in-nix-unknown-host.log"),
    },
    Example {
        slug: "nix-hash-mismatch",
        title: "Nix",
        about: "A fixed-output derivation whose hash is not the one that was stated",
        log: include_str!("../../examples/nix-hash-mismatch.log"),
    },
    Example {
        slug: "bazel-visibility",
        title: "Bazel",
        about: "A target that may not depend on another one",
        log: include_str!("../../examples/bazel-visibility.log"),
    },
];

#[derive(Template, WebTemplate)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    /// What to pipe a build into.
    command: String,
    most_sent: u64,
    examples: &'static [Example],
    latest: Vec<(Listed, Moment)>,
    /// Why the last log was not taken.
    problem: Option<String>,
}

impl HomePage {
    async fn of(app: &App, problem: Option<String>) -> HomePage {
        // Without the history the page still takes logs.
        let listed = match app.store.list(&Filter::default(), None).await {
            Ok(page) => page.reports,
            Err(error) => {
                tracing::error!(%error, "the latest reports cannot be listed");
                Vec::new()
            }
        };
        let now = now();
        let failures = listed.into_iter().filter(|one| one.verdict != "green").take(LATEST);
        let latest = failures.map(|one| (one.clone(), Moment::of(one.seen_at, now))).collect();
        HomePage {
            frame: Frame::of(app, ""),
            command: format!("some-build 2>&1 | curl -T- {}", app.config.base_url),
            most_sent: app.config.most_sent,
            examples: &EXAMPLES,
            latest,
            problem,
        }
    }
}

/// GET /
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    HomePage::of(&app, None).await.into_response()
}

/// POST /try/{example}
pub(super) async fn example(State(app): State<Arc<App>>, Path(slug): Path<String>) -> Result<Redirect, WebError> {
    let example = EXAMPLES.iter().find(|example| example.slug == slug);
    let example = example.ok_or_else(|| WebError::NotFound("there is no such example".to_owned()))?;
    let submission =
        Submission { name: format!("{slug}.log"), project: "examples".to_owned(), job: slug, ..Submission::default() };
    let taken = app.take(submission, None, std::io::Cursor::new(example.log.as_bytes())).await?;
    Ok(Redirect::to(&format!("/r/{}", taken.id)))
}

/// The page again, saying why the log of its form was not taken.
pub async fn refused(app: &App, status: StatusCode, words: &str) -> Response {
    (status, HomePage::of(app, Some(words.to_owned())).await).into_response()
}
