//! Sent: a build as a request tells it: the JSON that Hydra writes for a RunCommand, with the log as one more field of it or as the file of a
//! form; and the message that Hydra would send to Slack.

use std::io::{self, Cursor};
use std::pin::Pin;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Limited};
use multer::Multipart;
use serde::Deserialize;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::door::{Doors, Refusal};
use crate::service::hydra::Build;

/// Most bytes of the JSON, with a log in it.
const MOST_JSON: usize = 16 << 20;
/// Most bytes of the JSON in a form.
const MOST_FIELD: usize = 1 << 20;

const NO_BUILD: Refusal = Refusal::Unreadable("the JSON is none that Hydra writes for a RunCommand");

/// A build, with its log where that came along.
pub(super) struct Sent {
    pub(super) build: Build,
    pub(super) log: Option<Pin<Box<dyn AsyncRead + Send>>>,
}

/// The message that Hydra would send to Slack.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    attachments: Vec<Attachment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attachment {
    title_link: Option<String>,
}

#[derive(Deserialize)]
struct Json {
    #[serde(flatten)]
    build: Build,
    #[serde(default)]
    log: Option<String>,
}

impl Message {
    /// Where it leads.
    pub(super) fn links(&self) -> impl Iterator<Item = &str> {
        self.attachments.iter().filter_map(|attachment| attachment.title_link.as_deref())
    }
}

/// What a request tells.
pub(super) async fn read(doors: &Doors, request: Request) -> Result<Sent, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match multer::parse_boundary(kind) {
        Ok(boundary) => {
            let most = usize::try_from(doors.app.config.most_sent).unwrap_or(usize::MAX);
            of_form(Multipart::new(Limited::new(request.into_body(), most).into_data_stream(), boundary)).await
        }
        Err(_) => of_json(request.into_body()).await,
    }
}

async fn of_json(body: Body) -> Result<Sent, Refusal> {
    let too_large = |_| Refusal::Unreadable("the JSON is larger than 16 MiB; send the log as the file of a form");
    let body = Limited::new(body, MOST_JSON).collect().await.map_err(too_large)?.to_bytes();
    let Json { build, log } = serde_json::from_slice(&body).map_err(|_| NO_BUILD)?;
    let log = log.map(|log| Box::pin(Cursor::new(log.into_bytes())) as _);
    Ok(Sent { build: checked(build)?, log })
}

/// A form: `build` is the JSON, `log` after it the log.
async fn of_form(mut form: Multipart<'static>) -> Result<Sent, Refusal> {
    const BROKEN: Refusal = Refusal::Unreadable("the form cannot be read");
    let mut build = None;
    while let Some(mut field) = form.next_field().await.map_err(|_| BROKEN)? {
        match field.name() {
            Some("build") => {
                let mut json = Vec::new();
                while let Some(piece) = field.chunk().await.map_err(|_| BROKEN)? {
                    if json.len() + piece.len() > MOST_FIELD {
                        return Err(NO_BUILD);
                    }
                    json.extend_from_slice(&piece);
                }
                build = Some(checked(serde_json::from_slice(&json).map_err(|_| NO_BUILD)?)?);
            }
            Some("log") => {
                let build = build.ok_or(Refusal::Unreadable("the field `build` must stand before the field `log`"))?;
                let pieces = field.map_ok(Bytes::from).map_err(io_error);
                return Ok(Sent { build, log: Some(Box::pin(StreamReader::new(Box::pin(pieces)))) });
            }
            _ => return Err(Refusal::Unreadable("the form may hold the fields `build` and `log`")),
        }
    }
    build.map(|build| Sent { build, log: None }).ok_or(NO_BUILD)
}

/// An error of a form on its way through a reader; one of the body beneath keeps what it is.
fn io_error(error: multer::Error) -> io::Error {
    match error {
        multer::Error::StreamReadFailed(inner) => io::Error::other(inner),
        other => io::Error::other(other),
    }
}

fn checked(build: Build) -> Result<Build, Refusal> {
    if build.id == 0 || build.project.is_empty() || build.jobset.is_empty() { Err(NO_BUILD) } else { Ok(build) }
}
