//! Zulip: outgoing webhook bots, known by their token; the answer of the request is the message.

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

/// Zulip waits ten seconds.
const LIMIT: Duration = Duration::from_secs(8);
/// Most characters of a message.
const MOST: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    token: String,
    data: String,
    message: Message,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    id: u64,
}

/// POST /zulip
pub(super) async fn ask(State(doors): State<Doors>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let secret = &doors.config.zulip.token;
    if secret.is_empty() {
        return Err(Refusal::Shut);
    }
    let asked: Asked = serde_json::from_slice(&body).map_err(|_| Refusal::Unproven)?;
    if !signed::token(secret.reveal(), &asked.token) {
        return Err(Refusal::Unproven);
    }
    if asked.message.id != 0 {
        doors.not_replayed(&format!("zulip:{}", asked.message.id)).await?;
    }
    Ok(Json(render(&doors.promptly(Ask::of(without_mention(&asked.data)), "zulip", LIMIT).await)))
}

/// What follows `@**name**`.
fn without_mention(text: &str) -> &str {
    let rest = text.trim_start().strip_prefix("@**").and_then(|rest| rest.split_once("**"));
    rest.map_or(text, |(_, rest)| rest)
}

/// A message as Zulip takes it.
fn render(answer: &Result<Answer, String>) -> Value {
    match answer {
        Ok(answer) => {
            json!({ "content": Told::of(answer).markdown("**", broken).chars().take(MOST).collect::<String>() })
        }
        Err(sentence) => json!({ "content": broken(sentence) }),
    }
}

/// News as the content of a message.
pub(in crate::door) fn news(news: &News) -> String {
    markdown(news, "**", broken).chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::samples;
    use super::*;
    use crate::door::news::samples as all_news;

    #[test]
    fn what_people_see() {
        insta::assert_snapshot!(render(&Ok(samples::chain()))["content"].as_str().unwrap());
    }

    #[test]
    fn a_log_is_no_markup_and_not_too_long() {
        let message = render(&Ok(samples::hostile()));
        let text = message["content"].as_str().unwrap();
        assert!(text.chars().count() <= MOST);
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.contains("@all") && !outside.contains("[b]("), "{outside}");
        assert_eq!(without_mention("@**Why red** https://a.example"), " https://a.example");
    }

    #[test]
    fn news_that_people_see() {
        insta::assert_snapshot!("zulip_news", news(&all_news::red()));
        insta::assert_snapshot!("zulip_news_green", news(&all_news::green()));
        let text = news(&all_news::hostile());
        assert!(text.chars().count() <= MOST);
        let outside: String = text.split("```").step_by(2).collect();
        assert!(!outside.contains("@all") && !outside.contains("[b]("), "{outside}");
    }
}
