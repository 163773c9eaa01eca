//! Slack: a command, mentions, files, a shortcut and buttons come in; `watch` tells channels of jobs that change.
//! Everything is answered within three seconds with little; what was asked for comes later.

mod api;
mod command;
mod event;
mod interaction;
mod news;
mod watch;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};
use url::Url;

use super::ask::Answer;
use super::{Doors, Refusal, header, peer, signed};
use crate::report::render_slack;
use crate::service::now;
pub(super) use news::message_of_webhook;
pub(super) use watch::watch;

/// The routes.
pub(super) fn router() -> Router<Doors> {
    Router::new()
        .route("/slack/commands", post(command::command))
        .route("/slack/events", post(event::event))
        .route("/slack/interactions", post(interaction::interaction))
}

impl Doors {
    /// Lets only Slack in, and each request once.
    async fn admit_slack(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        let secret = &self.config.slack.signing_secret;
        if secret.is_empty() {
            return Err(Refusal::Shut);
        }
        let signature = header(headers, "x-slack-signature");
        let timestamp = header(headers, "x-slack-request-timestamp");
        if !signed::slack(secret.reveal(), timestamp, signature, body, now() / 1000) {
            return Err(Refusal::Unproven);
        }
        self.not_replayed(signature).await
    }

    /// An address that Slack gave for answers; nothing but Slack's own is one.
    fn response_url(&self, text: &str) -> Result<Url, Refusal> {
        let known = |address: &Url| peer::belongs(address, &self.config.slack.hook_origins);
        Url::parse(text).ok().filter(known).ok_or(Refusal::Unreadable("response_url is none of Slack's"))
    }

    /// Sends an answer to such an address.
    async fn respond(&self, response_url: Url, message: &Value) {
        let request = self.peer.client().post(response_url).json(message);
        if let Err(error) = self.peer.send(request).await {
            tracing::warn!(%error, "Slack did not take an answer");
        }
    }
}

/// The message that tells an answer, or why there is none, to whoever reads the channel or to one person.
fn message(answer: &Result<Answer, String>) -> Value {
    let mut message = match answer {
        Ok(answer) => render_slack(&answer.report, answer.id.as_str(), &answer.permalink),
        Err(sentence) => json!({ "text": escape(sentence) }),
    };
    message["response_type"] = json!(if answer.is_ok() { "in_channel" } else { "ephemeral" });
    message["replace_original"] = json!(false);
    message
}

/// A message for one person.
fn whisper(sentence: &str) -> Value {
    json!({ "response_type": "ephemeral", "replace_original": false, "text": escape(sentence) })
}

/// Text that is neither a mention nor markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a person typed: links are their addresses, mentions are gone, `&lt;` is `<`.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        let Some(close) = rest.find('>') else { break };
        let inner = &rest[..close];
        if !inner.starts_with(['@', '#', '!']) {
            plain.push_str(inner.split('|').next().unwrap_or(inner));
        }
        rest = &rest[close + 1..];
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes() {
        assert_eq!(plain("<@U1> <https://a.example/x?a=1&amp;b=2|a.example>"), " https://a.example/x?a=1&b=2");
        assert_eq!(plain("&lt;nixpkgs&gt; &amp;amp; <!channel>"), "<nixpkgs> &amp; ");
        assert_eq!(plain("a < b"), "a  b");
    }
}
