//! Mattermost: slash commands and outgoing webhooks. Known by their token; slow answers go to `response_url` of the configured server.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use url::Url;

use super::{Told, backslashed, markdown};
use crate::door::ask::{Answer, Ask};
use crate::door::news::News;
use crate::door::{Doors, Refusal, header, peer, signed};

/// How long Mattermost is kept waiting where there is no other way to answer.
const LIMIT: Duration = Duration::from_secs(4);
/// Most characters of a message.
const MOST: usize = 16_383;

/// POST /mattermost
pub(super) async fn ask(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Refusal> {
    let config = &doors.config.mattermost;
    if config.tokens.is_empty() {
        return Err(Refusal::Shut);
    }
    let fields = fields(&headers, &body).ok_or(Refusal::Unreadable("the body is neither a form nor JSON"))?;
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    // All are compared, so that the time says nothing of which.
    let known = config.tokens.iter().fold(false, |known, token| known | signed::token(token.reveal(), field("token")));
    if !known {
        return Err(Refusal::Unproven);
    }
    let request = [field("trigger_id"), field("post_id")].concat();
    if !request.is_empty() {
        doors.not_replayed(&format!("mattermost:{request}")).await?;
    }
    let text = field("text").strip_prefix(field("trigger_word")).unwrap_or(field("text"));
    let asked = Ask::of(text);
    let response_url = Url::parse(field("response_url")).ok();
    let response_url = response_url.filter(|address| peer::belongs(address, std::slice::from_ref(&config.url)));
    let Some(response_url) = response_url.filter(|_| asked != Ask::Help) else {
        return Ok(Json(render(&doors.promptly(asked, "mattermost", LIMIT).await)));
    };
    let place = doors.queue.place().ok_or(Refusal::Busy)?;
    let work = doors.clone();
    place.run(async move {
        let message = render(&work.answer(asked, "mattermost").await);
        if let Err(error) = work.peer.send(work.peer.client().post(response_url).json(&message)).await {
            tracing::warn!(%error, "Mattermost did not take an answer");
        }
    });
    Ok(Json(json!({ "response_type": "ephemeral", "text": "Reading the log…" })))
}

/// The fields of a form, or the texts of a JSON object: outgoing webhooks may be either.
fn fields(headers: &HeaderMap, body: &[u8]) -> Option<HashMap<String, String>> {
    if !header(headers, "content-type").starts_with("application/json") {
        return Some(url::form_urlencoded::parse(body).into_owned().collect());
    }
    let object: HashMap<String, Value> = serde_json::from_slice(body).ok()?;
    Some(object.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect())
}

/// A message as Mattermost takes it.
fn render(answer: &Result<Answer, String>) -> Value {
    match answer {
        Ok(answer) => {
            let text: String = Told::of(answer).markdown("**", backslashed).chars().take(MOST).collect();
            json!({ "response_type": "in_channel", "username": "whyred", "text": text })
        }
        Err(sentence) => json!({ "response_type": "ephemeral", "text": backslashed(sentence) }),
    }
}

/// News as an incoming webhook takes them.
pub(in crate::door) fn news(news: &News) -> Value {
    let text: String = markdown(news, "**", backslashed).chars().take(MOST).collect();
    json!({ "username": "whyred", "text": text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::samples;
    use super::*;
    use crate::door::news::samples as all_news;

    fn text(answer: Answer) -> String {
        render(&Ok(answer))["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_people_see() {
        insta::assert_snapshot!(text(samples::chain()));
        insta::assert_snapshot!("silent", text(samples::silent()));
    }

    #[test]
    fn a_log_is_no_markup_and_not_too_long() {
        let text = text(samples::hostile());
        assert!(text.chars().count() <= MOST);
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.contains("@all") && !outside.contains("[b]("), "{outside}");
        assert_eq!(text.matches("```").count() % 2, 0);
    }

    #[test]
    fn news_that_people_see() {
        insta::assert_snapshot!("mattermost_news", news(&all_news::red())["text"].as_str().unwrap());
        insta::assert_snapshot!("mattermost_news_green", news(&all_news::green())["text"].as_str().unwrap());
        let hostile = news(&all_news::hostile());
        let text = hostile["text"].as_str().unwrap();
        assert!(text.chars().count() <= MOST);
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.contains("@all") && !outside.contains("[b]("), "{outside}");
    }
}
