//! Rocket.Chat: outgoing webhooks, known by their token; the answer of the request is the message.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Told, broken, markdown};
use crate::door::ask::{Answer, Ask};
use crate::door::news::News;
use crate::door::{Doors, Refusal, signed};

/// How long Rocket.Chat is kept waiting.
const LIMIT: Duration = Duration::from_secs(4);
/// Most characters of a message, unless the server's administrator chose another limit.
const MOST: usize = 5000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    token: String,
    message_id: String,
    text: String,
    trigger_word: Option<String>,
    bot: Value,
}

/// POST /rocketchat
pub(super) async fn ask(State(doors): State<Doors>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let secret = &doors.config.rocketchat.token;
    if secret.is_empty() {
        return Err(Refusal::Shut);
    }
    let asked: Asked = serde_json::from_slice(&body).map_err(|_| Refusal::Unproven)?;
    if !signed::token(secret.reveal(), &asked.token) {
        return Err(Refusal::Unproven);
    }
    // A message of a bot is not answered: bots would talk for ever.
    if !(asked.bot.is_null() || asked.bot == false) {
        return Ok(Json(json!({})));
    }
    if !asked.message_id.is_empty() {
        doors.not_replayed(&format!("rocketchat:{}", asked.message_id)).await?;
    }
    let text = asked.text.strip_prefix(asked.trigger_word.as_deref().unwrap_or_default()).unwrap_or(&asked.text);
    Ok(Json(render(&doors.promptly(Ask::of(text), "rocketchat", LIMIT).await)))
}

/// A message as Rocket.Chat takes it.
fn render(answer: &Result<Answer, String>) -> Value {
    match answer {
        Ok(answer) => json!({ "text": Told::of(answer).markdown("*", broken).chars().take(MOST).collect::<String>() }),
        Err(sentence) => json!({ "text": broken(sentence) }),
    }
}

/// News as an incoming webhook takes them.
pub(in crate::door) fn news(news: &News) -> Value {
    let text: String = markdown(news, "*", broken).chars().take(MOST).collect();
    json!({ "alias": "whyred", "text": text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::samples;
    use super::*;
    use crate::door::news::samples as all_news;

    #[test]
    fn what_people_see() {
        insta::assert_snapshot!(render(&Ok(samples::chain()))["text"].as_str().unwrap());
    }

    #[test]
    fn a_log_is_no_markup_and_not_too_long() {
        let message = render(&Ok(samples::hostile()));
        let text = message["text"].as_str().unwrap();
        assert!(text.chars().count() <= MOST);
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.contains("@all") && !outside.contains("[b]("), "{outside}");
        assert_eq!(text.matches("```").count() % 2, 0);
    }

    #[test]
    fn news_that_people_see() {
        insta::assert_snapshot!("rocketchat_news", news(&all_news::red())["text"].as_str().unwrap());
        insta::assert_snapshot!("rocketchat_news_green", news(&all_news::green())["text"].as_str().unwrap());
        let hostile = news(&all_news::hostile());
        let text = hostile["text"].as_str().unwrap();
        assert!(text.chars().count() <= MOST);
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.contains("@all") && !outside.contains("[b]("), "{outside}");
    }
}
