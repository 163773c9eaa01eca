//! Discord: interactions: `/whyred`, the command on a message, and buttons. Known by Ed25519; the answer is promised at once and put in later.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use url::Url;

use super::{Told, backslashed, fenced, headline};
use crate::door::ask::{Answer, Ask};
use crate::door::news::News;
use crate::door::peer::{PeerError, belongs};
use crate::door::{Doors, Refusal, header, signed};
use crate::service::now;
use crate::store::{FeedbackKind, ReportId};

/// Only who asked sees it.
const EPHEMERAL: u32 = 64;
/// Most characters of an embed's description.
const DESCRIPTION: usize = 4096;
const HELPED: &str = "whyred_helped:";
const WRONG: &str = "whyred_wrong:";

/// POST /discord
pub(super) async fn interact(
    State(doors): State<Doors>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let config = &doors.config.discord;
    if config.public_key.is_empty() {
        return Err(Refusal::Shut);
    }
    let signature = header(&headers, "x-signature-ed25519");
    let timestamp = header(&headers, "x-signature-timestamp");
    if !signed::discord(&config.public_key, timestamp, signature, &body, now() / 1000) {
        return Err(Refusal::Unproven);
    }
    doors.not_replayed(signature).await?;
    let interaction: Value =
        serde_json::from_slice(&body).map_err(|_| Refusal::Unreadable("the interaction is no JSON"))?;
    match interaction["type"].as_u64() {
        Some(1) => Ok(Json(json!({ "type": 1 }))),
        Some(2) => doors.commanded(&interaction),
        Some(3) => doors.clicked(&interaction).await,
        _ => Err(Refusal::Unreadable("this kind of interaction is not known")),
    }
}

/// What is to be read.
enum Wanted {
    Ask(Ask),
    File { name: String, address: Url },
}

impl Doors {
    /// A command: promises an answer, and puts it in where it is ready.
    fn commanded(&self, interaction: &Value) -> Result<Json<Value>, Refusal> {
        let wanted = wanted(&interaction["data"]);
        if matches!(wanted, Wanted::Ask(Ask::Help)) {
            return Ok(Json(json!({ "type": 4, "data": { "content": self.help(), "flags": EPHEMERAL } })));
        }
        let answer_to = self.original(interaction)?;
        let place = self.queue.place().ok_or(Refusal::Busy)?;
        let doors = self.clone();
        place.run(async move {
            let answer = match wanted {
                Wanted::Ask(ask) => doors.answer(ask, "discord").await,
                Wanted::File { name, address } => doors.attachment(&name, &address).await,
            };
            let request = doors.peer.client().patch(answer_to).json(&render(&answer));
            if let Err(error) = doors.peer.send(request).await {
                tracing::warn!(%error, "Discord did not take an answer");
            }
        });
        Ok(Json(json!({ "type": 5 })))
    }

    /// A button.
    async fn clicked(&self, interaction: &Value) -> Result<Json<Value>, Refusal> {
        let button = interaction["data"]["custom_id"].as_str().unwrap_or_default();
        let kinds = [(HELPED, FeedbackKind::Helpful), (WRONG, FeedbackKind::Wrong)];
        let vote =
            kinds.into_iter().find_map(|(name, kind)| Some((ReportId::parse(button.strip_prefix(name)?)?, kind)));
        let Some((id, kind)) = vote else { return Err(Refusal::Unreadable("the button names no report")) };
        let user =
            if interaction["member"].is_object() { &interaction["member"]["user"] } else { &interaction["user"] };
        let person = format!("discord:{}", user["id"].as_str().unwrap_or_default());
        let words = self.vote(&id, kind, &person).await;
        Ok(Json(json!({ "type": 4, "data": { "content": words, "flags": EPHEMERAL } })))
    }

    async fn attachment(&self, name: &str, address: &Url) -> Result<Answer, String> {
        let refused = |error: PeerError| format!("Discord did not give me the file: {error}.");
        if !belongs(address, &self.config.discord.file_origins) {
            return Err("The file is not at Discord; attach it to the command.".to_owned());
        }
        let log = self.peer.stream(self.peer.client().get(address.clone())).await.map_err(refused)?;
        self.read("discord", name, log).await
    }

    /// Where the promised answer is put.
    fn original(&self, interaction: &Value) -> Result<Url, Refusal> {
        let config = &self.config.discord;
        let application = Some(config.application_id.as_str()).filter(|id| !id.is_empty());
        let application = application.or(interaction["application_id"].as_str()).unwrap_or_default();
        let mut address = Url::parse(&config.api_url).map_err(|_| Refusal::Broken)?;
        let token = interaction["token"].as_str().filter(|token| !token.is_empty());
        let token = token.ok_or(Refusal::Unreadable("the interaction has no token"))?;
        // Segments are encoded: none leads elsewhere.
        if let Ok(mut path) = address.path_segments_mut() {
            path.extend(["webhooks", application, token, "messages", "@original"]);
        }
        Ok(address)
    }
}

/// The options of the command, or the message that it was used on.
fn wanted(data: &Value) -> Wanted {
    let resolved = &data["resolved"];
    let file = |file: &Value| {
        let address = Url::parse(file["url"].as_str()?).ok()?;
        Some(Wanted::File { name: file["filename"].as_str().unwrap_or("file").to_owned(), address })
    };
    if let Some(target) = data["target_id"].as_str() {
        let message = &resolved["messages"][target];
        let text = message["content"].as_str().unwrap_or_default();
        return file(&message["attachments"][0]).unwrap_or_else(|| Wanted::Ask(Ask::of(text)));
    }
    for option in data["options"].as_array().into_iter().flatten() {
        let Some(value) = option["value"].as_str() else { continue };
        // An option of this type is an attachment.
        let wanted = if option["type"] == 11 { file(&resolved["attachments"][value]) } else { None };
        return wanted.unwrap_or_else(|| Wanted::Ask(Ask::of(value)));
    }
    Wanted::Ask(Ask::Help)
}

/// A message as Discord takes it.
fn render(answer: &Result<Answer, String>) -> Value {
    let nobody = json!({ "parse": [] });
    let told = match answer {
        Ok(answer) => Told::of(answer),
        Err(sentence) => return json!({ "content": backslashed(sentence), "allowed_mentions": nobody }),
    };
    let mut buttons = vec![json!({ "type": 2, "style": 5, "label": "Open report", "url": told.permalink })];
    if told.fix.is_some() {
        let button = |label: &str, name: &str| json!({ "type": 2, "style": 2, "label": label, "custom_id": format!("{name}{}", told.id) });
        buttons.extend([button("Helped", HELPED), button("Wrong", WRONG)]);
    }
    json!({
        "content": "",
        "embeds": [embed(&told)],
        "components": [{ "type": 1, "components": buttons }],
        "allowed_mentions": nobody,
    })
}

/// News as a webhook takes them: without buttons, which nobody would take.
pub(in crate::door) fn news(news: &News) -> Value {
    let mut message = json!({
        "username": "whyred",
        "content": headline(news, "**", backslashed),
        "allowed_mentions": { "parse": [] },
    });
    if !news.is_green() {
        message["embeds"] = json!([embed(&Told::of(&news.answer))]);
    }
    message
}

fn embed(told: &Told<'_>) -> Value {
    let mut description = format!("{}\n", backslashed(&told.context));
    if let Some(proof) = &told.proof {
        description += &fenced("", proof);
    }
    if let Some(chain) = &told.chain {
        description += &format!("{}\n", backslashed(chain));
    }
    if let Some(fix) = &told.fix {
        description += &format!("**Fix:** {}\n", backslashed(&fix.title));
        description += &match &fix.language {
            Some(language) => fenced(language, &fix.body),
            None => format!("{}\n", backslashed(&fix.body)),
        };
    }
    json!({
        // A title is at most 256 characters.
        "title": backslashed(&told.title).chars().take(256).collect::<String>(),
        "url": told.permalink,
        "description": description.chars().take(DESCRIPTION).collect::<String>(),
    })
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
    fn a_log_is_no_markup_and_not_too_long() {
        let message = render(&Ok(samples::hostile()));
        let embed = &message["embeds"][0];
        assert!(embed["title"].as_str().unwrap().chars().count() <= 256);
        let text = embed["description"].as_str().unwrap();
        assert!(text.chars().count() <= DESCRIPTION);
        assert_eq!(text.matches("```").count() % 2, 0, "{text}");
        assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
    }

    #[test]
    fn news_that_people_see() {
        insta::with_settings!({ sort_maps => true }, {
            insta::assert_json_snapshot!("discord_news", news(&all_news::red()));
            insta::assert_json_snapshot!("discord_news_green", news(&all_news::green()));
        });
        let hostile = news(&all_news::hostile());
        let text = hostile["content"].as_str().unwrap();
        assert!(text.chars().count() <= 2000 && !text.contains("@all") && !text.contains("[b]("), "{text}");
        assert_eq!(hostile["allowed_mentions"], json!({ "parse": [] }));
    }
}
