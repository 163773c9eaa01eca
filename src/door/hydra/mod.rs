//! Hydra: builds that have ended: `sent` reads what Hydra's RunCommand and its SlackNotification post. A log that comes along is read at once;
//! else it is fetched from the Hydra by the outbox, where a failed dependency is named.

mod sent;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::outbox::{Setback, payload};
use super::{Doors, Refusal, signed};
use crate::service::hydra::{Build, Ending};
use crate::service::now;
use crate::store::{NewOutgoing, Outgoing};
use sent::{Message, Sent};

/// What this work is called in the outbox.
pub(super) const KIND: &str = "hydra";
/// How long the same message of a build is the same, in milliseconds: Hydra tells no time in it.
const SAME: i64 = 10 * 60 * 1000;

/// Which build.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    build: u64,
}

/// POST /hooks/hydra. The token was looked at before.
pub(super) async fn finished(State(doors): State<Doors>, request: Request) -> Result<Response, Refusal> {
    let Sent { build, log } = sent::read(&doors, request).await?;
    if let Some(log) = log {
        let hydra = doors.hydra.as_ref().map(|hydra| hydra.base());
        let taken = doors.app.take(build.submission(hydra, None), None, log).await?;
        let page = format!("{}/r/{}", doors.app.config.base_url, taken.id);
        let status = if taken.new { StatusCode::CREATED } else { StatusCode::OK };
        return Ok((status, format!("{page}\n")).into_response());
    }
    if doors.hydra.is_none() {
        return Err(Refusal::Shut);
    }
    if !doors.explains(&build) {
        return Ok((StatusCode::ACCEPTED, "there is nothing to explain\n").into_response());
    }
    doors.put_build(&build, build.key(None)).await?;
    Ok((StatusCode::ACCEPTED, "it will be explained\n").into_response())
}

/// POST /hooks/slack-compatible/{token}: what Hydra would tell Slack. It can send no header: the secret is part of the address.
pub(super) async fn look_alike(
    State(doors): State<Doors>,
    Path(token): Path<String>,
    body: axum::body::Bytes,
) -> Result<&'static str, Refusal> {
    let secret = &doors.config.hydra.token;
    let Some(hydra) = doors.hydra.as_ref().filter(|_| !secret.is_empty()) else { return Err(Refusal::Shut) };
    if !signed::token(secret.reveal(), &token) {
        return Err(Refusal::Unproven);
    }
    let message: Message = serde_json::from_slice(&body)
        .map_err(|_| Refusal::Unreadable("the message is none that Hydra would send to Slack"))?;
    let number = message.links().find_map(|link| hydra.build_at(link));
    let number = number.ok_or(Refusal::Unreadable("the message leads to no build of the configured Hydra"))?;
    let build = Build { id: number, ..Build::default() };
    doors.put_build(&build, format!("hydra:{number}:told:{}", now() / SAME)).await?;
    Ok("ok")
}

/// Fetches the log of a build, and reads it.
pub(super) async fn carry_out(doors: &Doors, outgoing: &Outgoing) -> Result<(), Setback> {
    let Some(hydra) = &doors.hydra else {
        return Err(Setback::Never("no Hydra is configured any more".to_owned()));
    };
    let asked: Asked = payload(outgoing)?;
    let setback = |error| Setback::of_fetch("Hydra", error, outgoing.tries);
    let build = hydra.build(asked.build).await.map_err(setback)?;
    if build.ending() == Ending::Open {
        return Err(Setback::Later("the build has not finished".to_owned(), None));
    }
    if !doors.explains(&build) {
        return Ok(());
    }
    let failure = hydra.failure(&build).await.map_err(setback)?;
    let submission = build.submission(Some(hydra.base()), failure.dependency.as_deref());
    // Done twice, it is one report all the same.
    doors.app.take(submission, Some(outgoing.key.clone()), failure.log.body).await?;
    Ok(())
}

impl Doors {
    /// Whether there is something to say of a build.
    fn explains(&self, build: &Build) -> bool {
        match build.ending() {
            Ending::Green => self.config.hydra.green,
            Ending::Open | Ending::Cancelled => false,
            Ending::Red | Ending::Dependency | Ending::Aborted => true,
        }
    }

    async fn put_build(&self, build: &Build, key: String) -> Result<(), Refusal> {
        let asked = Asked { build: build.id };
        let payload = serde_json::to_string(&asked).map_err(|_| Refusal::Unreadable("the build has no number"))?;
        let what = format!("explain build {} of Hydra", build.id);
        self.put_out(&NewOutgoing { kind: KIND, key, what, payload }).await?;
        Ok(())
    }
}
