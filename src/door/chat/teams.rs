//! Teams: outgoing webhooks. Known by their HMAC; the answer of the request is the message, within five seconds. It is a card of plain
//! text runs, which no character of a log turns into markup.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::Told;
use crate::door::ask::{Answer, Ask};
use crate::door::news::News;
use crate::door::{Doors, Refusal, header, signed};
use crate::service::now;

/// Teams waits five seconds.
const LIMIT: Duration = Duration::from_secs(4);
/// Most lines of a fix: a message is at most 28 KB.
const LINES: usize = 60;
/// How old a request may be, in milliseconds. The time stands in the signed body.
const FRESH: i64 = 300_000;

/// POST /teams
pub(super) async fn ask(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Refusal> {
    let key = &doors.config.teams.key;
    if key.is_empty() {
        return Err(Refusal::Shut);
    }
    let proof = header(&headers, "authorization");
    if !signed::teams(key.reveal(), proof, &body) {
        return Err(Refusal::Unproven);
    }
    let activity: Value = serde_json::from_slice(&body).map_err(|_| Refusal::Unreadable("the activity is no JSON"))?;
    if let Some(time) = activity["timestamp"].as_str() {
        let time: Option<jiff::Timestamp> = time.parse().ok();
        if time.is_none_or(|time| now().abs_diff(time.as_millisecond()) > FRESH as u64) {
            return Err(Refusal::Unproven);
        }
    }
    doors.not_replayed(proof).await?;
    let text = plain(activity["text"].as_str().unwrap_or_default());
    Ok(Json(render(&doors.promptly(Ask::of(&text), "teams", LIMIT).await)))
}

/// What a person wrote in Teams' HTML: mentions are gone, links are their addresses.
fn plain(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    // What stands in a mention or a link is not what was meant.
    let mut hidden = false;
    while let Some((text, tail)) = rest.split_once('<') {
        if !hidden {
            plain.push_str(text);
        }
        rest = &rest[text.len()..];
        let Some((tag, tail)) = tail.split_once('>') else { break };
        match tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default() {
            "at" => hidden = !tag.starts_with('/'),
            "a" if tag.starts_with('/') => hidden = false,
            "a" => {
                if let Some(address) = tag.split("href=\"").nth(1).and_then(|address| address.split('"').next()) {
                    plain.push_str(address);
                    hidden = true;
                }
            }
            "br" | "p" | "div" if !plain.is_empty() => plain.push('\n'),
            _ => {}
        }
        rest = tail;
    }
    plain.push_str(rest);
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(plain, |text, (entity, character)| text.replace(entity, character))
}

/// A message as Teams takes it.
fn render(answer: &Result<Answer, String>) -> Value {
    let told = match answer {
        Ok(answer) => Told::of(answer),
        Err(sentence) => return card(&[runs(&[run(sentence)])], &[]),
    };
    card(&body(&told), &[("Open report", told.permalink)])
}

/// News as a workflow takes them.
pub(in crate::door) fn news(news: &News) -> Value {
    let mut all = vec![runs(&[run(news.state.mark()), run(" "), bold(&news.job), run(" "), run(news.state.words())])];
    let mut links = Vec::new();
    if !news.is_green() {
        let told = Told::of(&news.answer);
        all.extend(body(&told));
        links.push(("Open report", told.permalink));
    }
    links.extend(news.build_url.as_deref().map(|url| ("Open build", url)));
    card(&all, &links)
}

fn body(told: &Told<'_>) -> Vec<Value> {
    let mut body = vec![runs(&[bold(&told.title)]), runs(&[subtle(&told.context)])];
    if let Some(proof) = &told.proof {
        body.push(runs(&[code(proof)]));
    }
    if let Some(chain) = &told.chain {
        body.push(runs(&[subtle(chain)]));
    }
    if let Some(fix) = &told.fix {
        body.push(runs(&[bold("Fix: "), run(&fix.title)]));
        body.extend(fix.body.lines().take(LINES).map(|line| {
            let line = if line.is_empty() { " " } else { line };
            let mut runs = runs(&[if fix.language.is_some() { code(line) } else { run(line) }]);
            runs["spacing"] = json!("None");
            runs
        }));
    }
    body
}

fn card(body: &[Value], links: &[(&str, &str)]) -> Value {
    let open = |(title, url): &(&str, &str)| json!({ "type": "Action.OpenUrl", "title": title, "url": url });
    let actions: Vec<Value> = links.iter().map(open).collect();
    let content = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    });
    json!({
        "type": "message",
        "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "content": content }],
    })
}

fn runs(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn run(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text })
}

fn bold(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text, "weight": "Bolder" })
}

fn subtle(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text, "isSubtle": true })
}

fn code(text: &str) -> Value {
    json!({ "type": "TextRun", "text": text, "fontType": "Monospace" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::samples;
    use super::*;
    use crate::door::news::samples as all_news;

    #[test]
    fn what_people_see() {
        insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(render(&Ok(samples::chain()))) });
    }

    #[test]
    fn what_people_write() {
        let html =
            "<p><at>why red</at>&nbsp;<a href=\"https://ci.example/1?a=1&amp;b=2\" title=\"x\">ci.example/…</a></p>";
        assert_eq!(plain(html).trim(), "https://ci.example/1?a=1&b=2");
        assert_eq!(plain("<at>whyred</at> error: &lt;nixpkgs&gt;<br>not found").trim(), "error: <nixpkgs>\nnot found");
        assert_eq!(plain("a < b"), "a < b");
    }

    #[test]
    fn a_log_is_not_too_long() {
        // A message is at most 28 KB.
        assert!(render(&Ok(samples::hostile())).to_string().len() < 28 * 1024);
    }

    #[test]
    fn news_that_people_see() {
        insta::with_settings!({ sort_maps => true }, {
            insta::assert_json_snapshot!("teams_news", news(&all_news::red()));
            insta::assert_json_snapshot!("teams_news_green", news(&all_news::green()));
        });
        assert!(news(&all_news::hostile()).to_string().len() < 28 * 1024);
    }
}
