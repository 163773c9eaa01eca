//! Interaction: the shortcut "Why is it red?" on a message, and the buttons of a report.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{message, whisper};
use crate::door::peer::PeerError;
use crate::door::{Doors, Refusal};
use crate::report::{ALL_CAUSES, HELPED, WRONG, render_slack_causes};
use crate::store::{FeedbackKind, ReportId};

/// POST /slack/interactions
pub(super) async fn interaction(
    State(doors): State<Doors>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    doors.admit_slack(&headers, &body).await?;
    let payload = url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload").map(|(_, value)| value);
    let payload: Value = payload
        .and_then(|payload| serde_json::from_str(&payload).ok())
        .ok_or(Refusal::Unreadable("the form has no payload of JSON"))?;
    match payload["type"].as_str() {
        Some("message_action") => doors.shortcut(payload)?,
        Some("block_actions") => doors.pressed(payload)?,
        _ => {}
    }
    Ok(().into_response())
}

impl Doors {
    /// The shortcut: answers in the thread of the message; where the bot is not in the channel, to who asked.
    fn shortcut(&self, payload: Value) -> Result<(), Refusal> {
        let response_url = self.response_url(payload["response_url"].as_str().unwrap_or_default())?;
        let place = self.queue.place().ok_or(Refusal::Busy)?;
        let doors = self.clone();
        place.run(async move {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (channel, asked) = (text(&payload["channel"]["id"]), &payload["message"]);
            let ts = text(if asked["thread_ts"].is_null() { &asked["ts"] } else { &asked["thread_ts"] });
            let answer = doors.said(asked).await;
            let posted = match answer {
                Ok(_) if !doors.config.slack.bot_token.is_empty() => doors.post(&channel, &ts, &message(&answer)).await,
                _ => Err(PeerError::Down),
            };
            if posted.is_err() {
                let mut message = message(&answer);
                message["response_type"] = "ephemeral".into();
                doors.respond(response_url, &message).await;
            }
        });
        Ok(())
    }

    /// A button.
    fn pressed(&self, payload: Value) -> Result<(), Refusal> {
        let action = &payload["actions"][0];
        let kind = match action["action_id"].as_str() {
            Some(HELPED) => Some(FeedbackKind::Helpful),
            Some(WRONG) => Some(FeedbackKind::Wrong),
            Some(ALL_CAUSES) => None,
            // A button with an address only opens it.
            _ => return Ok(()),
        };
        let Some(id) = action["value"].as_str().and_then(ReportId::parse) else {
            return Err(Refusal::Unreadable("the button names no report"));
        };
        let response_url = self.response_url(payload["response_url"].as_str().unwrap_or_default())?;
        let person = payload["user"]["id"].as_str().unwrap_or_default().to_owned();
        let place = self.queue.place().ok_or(Refusal::Busy)?;
        let doors = self.clone();
        place.run(async move {
            let message = match kind {
                Some(kind) => whisper(&doors.vote(&id, kind, &format!("slack:{person}")).await),
                None => doors.all_causes(&id).await,
            };
            doors.respond(response_url, &message).await;
        });
        Ok(())
    }

    async fn all_causes(&self, id: &ReportId) -> Value {
        match self.app.store.stored(id).await {
            Ok(Some(stored)) => {
                let permalink = format!("{}/r/{id}", self.app.config.base_url);
                let mut message = render_slack_causes(&stored.report, &permalink);
                message["response_type"] = "ephemeral".into();
                message["replace_original"] = false.into();
                message
            }
            Ok(None) => whisper("There is no such report any more."),
            Err(error) => {
                tracing::error!(%error, "the store failed");
                whisper("Something is wrong inside whyred; its log says what.")
            }
        }
    }
}
