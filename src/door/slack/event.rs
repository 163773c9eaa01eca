//! Event: the bot is mentioned, or a file that looks like a log is shared where it is.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::api::Place;
use super::{message, plain};
use crate::door::ask::Ask;
use crate::door::{Doors, Refusal};

/// How long a shared file waits for a mention that asks for it.
const MENTION: Duration = Duration::from_secs(3);

/// POST /slack/events
pub(super) async fn event(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    doors.admit_slack(&headers, &body).await?;
    let mut envelope: Value = serde_json::from_slice(&body).map_err(|_| Refusal::Unreadable("the event is no JSON"))?;
    if envelope["type"] == "url_verification" {
        return Ok(Json(json!({ "challenge": envelope["challenge"] })).into_response());
    }
    let event = envelope["event"].take();
    let taken = doors.take_event(envelope["event_id"].as_str().unwrap_or_default(), event).await;
    // Slack need not send it again: what can be done is done.
    Ok(([("x-slack-no-retry", "1")], taken?).into_response())
}

impl Doors {
    async fn take_event(&self, id: &str, event: Value) -> Result<(), Refusal> {
        let kind = event["type"].as_str().unwrap_or_default();
        // Whoever answers bots talks to itself.
        let of_bot = !event["bot_id"].is_null() || !event["bot_profile"].is_null();
        if of_bot || !matches!(kind, "app_mention" | "file_shared") || self.config.slack.bot_token.is_empty() {
            return Ok(());
        }
        // Taken before the event counts as seen: an event that is refused comes again.
        let place = self.queue.place().ok_or(Refusal::Busy)?;
        if !id.is_empty() && !self.first_time(&format!("slack:{id}")).await? {
            return Ok(());
        }
        let doors = self.clone();
        match kind {
            "app_mention" => place.run(async move { doors.mentioned(&event).await }),
            _ => place.run(async move { doors.file_shared(&event).await }),
        }
        Ok(())
    }

    /// Answers in the thread: to what the mention holds, else to what the thread holds.
    async fn mentioned(&self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let (channel, ts, thread) = (text("channel"), text("ts"), text("thread_ts"));
        for file in event["files"].as_array().into_iter().flatten() {
            let _ = self.first_time(&claim(file["id"].as_str().unwrap_or_default())).await;
        }
        let holds_log = match Ask::of(&plain(text("text"))) {
            Ask::At(_) => true,
            Ask::Log(log) => log.len() > 200 || log.contains('\n'),
            Ask::Help => false,
        };
        let answer = if event["files"].is_array() || holds_log || thread.is_empty() {
            self.said(event).await
        } else {
            self.thread(&Place { channel: channel.to_owned(), ts: thread.to_owned() }).await
        };
        let thread = if thread.is_empty() { ts } else { thread };
        if let Err(error) = self.post(channel, thread, &message(&answer)).await {
            tracing::warn!(%error, "Slack did not take an answer");
        }
    }

    /// Answers in the file's thread, where there is something to say.
    async fn file_shared(&self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let (file, channel) = (text("file_id"), text("channel_id"));
        tokio::time::sleep(MENTION).await;
        if !self.first_time(&claim(file)).await.unwrap_or(false) {
            return;
        }
        let shared = match self.shared(file, channel).await {
            Ok(Some(ts)) => ts,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "Slack did not say what a file is"),
        };
        // Nobody asked: only a known cause is worth a message.
        if let Ok(answer) = self.file(file).await
            && answer.report.diagnoses.iter().any(|diagnosis| !diagnosis.generic)
            && let Err(error) = self.post(channel, &shared, &message(&Ok(answer))).await
        {
            tracing::warn!(%error, "Slack did not take an answer");
        }
    }
}

fn claim(file: &str) -> String {
    format!("slack-file:{file}")
}
