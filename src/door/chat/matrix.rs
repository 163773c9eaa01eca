//! Matrix, through hookshot: its outbound webhook sends each event of a room, its inbound webhook takes the answers.

use axum::extract::{Multipart, State};
use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Value, json};
use std::io::Cursor;

use askama::Template;

use super::Told;
use crate::door::ask::{Answer, Ask};
use crate::door::news::News;
use crate::door::{Doors, Refusal, header, signed};

/// The message as HTML, of the tags that Matrix knows.
#[derive(Template)]
#[template(path = "chat/matrix.html")]
struct Page<'t> {
    told: &'t Told<'t>,
}

/// News as HTML.
#[derive(Template)]
#[template(path = "chat/news.html")]
struct NewsPage<'n> {
    news: &'n News,
    told: Option<Told<'n>>,
}

/// PUT or POST /matrix
pub(super) async fn ask(State(doors): State<Doors>, headers: HeaderMap, mut parts: Multipart) -> Result<(), Refusal> {
    let config = &doors.config.matrix;
    if config.token.is_empty() || config.webhook.is_empty() {
        return Err(Refusal::Shut);
    }
    if !signed::token(config.token.reveal(), header(&headers, "x-matrix-hookshot-token")) {
        return Err(Refusal::Unproven);
    }
    doors.not_replayed(&format!("matrix:{}", header(&headers, "x-matrix-hookshot-eventid"))).await?;
    let broken = |_| Refusal::Unreadable("the body is none of hookshot's");
    let (mut event, mut media) = (Value::Null, None);
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        match part.name() {
            Some("event") => {
                let text = part.bytes().await.map_err(broken)?;
                event = serde_json::from_slice(&text).map_err(|_| Refusal::Unreadable("the event is no JSON"))?;
            }
            Some("media") => media = Some(part.bytes().await.map_err(broken)?),
            _ => {}
        }
    }
    let body = event["content"]["body"].as_str().unwrap_or_default();
    // All events of the room come; what does not call the bot is none of its business.
    let Some(rest) = body.strip_prefix(&config.command.0).filter(|_| event["type"] == "m.room.message") else {
        return Ok(());
    };
    let asked = Ask::of(rest);
    let place = doors.queue.place().ok_or(Refusal::Busy)?;
    let work = doors.clone();
    let name = event["content"]["filename"].as_str().unwrap_or("file").to_owned();
    place.run(async move { work.reply(asked, &name, media).await });
    Ok(())
}

impl Doors {
    async fn reply(&self, ask: Ask, name: &str, media: Option<Bytes>) {
        let answer = match media {
            Some(log) => self.read("matrix", name, Cursor::new(log)).await,
            None => self.answer(ask, "matrix").await,
        };
        let request = self.peer.client().post(self.config.matrix.webhook.reveal()).json(&render(&answer));
        if let Err(error) = self.peer.send(request).await {
            tracing::warn!(%error, "hookshot did not take an answer");
        }
    }
}

/// A message as hookshot takes it.
fn render(answer: &Result<Answer, String>) -> Value {
    let told = match answer {
        Ok(answer) => Told::of(answer),
        Err(sentence) => return json!({ "text": sentence, "username": "whyred" }),
    };
    let mut message = json!({ "text": text(&told), "username": "whyred" });
    if let Ok(html) = (Page { told: &told }).render() {
        message["html"] = json!(html);
    }
    message
}

/// News as hookshot takes them.
pub(in crate::door) fn news(news: &News) -> Value {
    let told = (!news.is_green()).then(|| Told::of(&news.answer));
    let mut plain = format!("{} {} {}", news.state.mark(), news.job, news.state.words());
    for line in told.as_ref().map(text).iter().chain(&news.build_url) {
        plain += &format!("\n{line}");
    }
    let mut message = json!({ "text": plain, "username": "whyred" });
    if let Ok(html) = (NewsPage { news, told }).render() {
        message["html"] = json!(html);
    }
    message
}

/// As plain text.
fn text(told: &Told<'_>) -> String {
    let mut text = format!("{}\n{}\n", told.title, told.context);
    for line in told.proof.iter().chain(&told.chain) {
        text += &format!("{line}\n");
    }
    if let Some(fix) = &told.fix {
        text += &format!("Fix: {}\n{}\n", fix.title, fix.body);
    }
    text + told.permalink
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::samples;
    use super::*;
    use crate::door::news::samples as all_news;

    #[test]
    fn what_people_see() {
        let message = render(&Ok(samples::chain()));
        insta::assert_snapshot!(message["html"].as_str().unwrap());
        insta::assert_snapshot!("matrix_text", message["text"].as_str().unwrap());
    }

    #[test]
    fn a_log_is_no_markup_and_not_too_long() {
        let message = render(&Ok(samples::hostile()));
        // An event is at most 64 KB.
        assert!(message.to_string().len() < 32 * 1024);
        assert!(!message["html"].as_str().unwrap().contains("<!channel>"));
        assert!(!message["text"].as_str().unwrap().starts_with('!'));
    }

    #[test]
    fn news_that_people_see() {
        let message = news(&all_news::red());
        insta::assert_snapshot!("matrix_news", message["html"].as_str().unwrap());
        insta::assert_snapshot!("matrix_news_text", message["text"].as_str().unwrap());
        insta::assert_snapshot!("matrix_news_green", news(&all_news::green())["html"].as_str().unwrap());
        let hostile = news(&all_news::hostile());
        assert!(hostile.to_string().len() < 32 * 1024 && !hostile["html"].as_str().unwrap().contains("<!channel>"));
    }
}
