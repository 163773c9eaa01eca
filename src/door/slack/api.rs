//! Api: the methods of Slack's Web API that the bot uses, and logs that stand in channels: as files, as text, as addresses.

use std::io::Cursor;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::io::AsyncRead;
use url::Url;

use super::plain;
use crate::door::Doors;
use crate::door::ask::{Answer, Ask};
use crate::door::peer::{PeerError, belongs};

/// Messages of a thread that are looked through.
const THREAD: &str = "100";
/// A text of a thread is a log from this length on, in bytes.
const LOG: usize = 200;

/// A message of a channel.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) channel: String,
    pub(super) ts: String,
}

impl Doors {
    /// Calls a method that reads.
    async fn get(&self, method: &str, arguments: &[(&str, &str)]) -> Result<Value, PeerError> {
        let mut address = self.method(method)?;
        address.query_pairs_mut().extend_pairs(arguments);
        self.call(self.peer.client().get(address)).await
    }

    /// Posts a message; gives its `ts`.
    pub(super) async fn post(&self, channel: &str, thread: &str, message: &Value) -> Result<String, PeerError> {
        let mut message = message.clone();
        if let Some(fields) = message.as_object_mut() {
            fields.remove("response_type");
            fields.remove("replace_original");
            fields.insert("channel".to_owned(), json!(channel));
            fields.insert("unfurl_links".to_owned(), json!(false));
            if !thread.is_empty() {
                fields.insert("thread_ts".to_owned(), json!(thread));
            }
        }
        let answer = self.call(self.peer.client().post(self.method("chat.postMessage")?).json(&message)).await?;
        answer["ts"].as_str().map(str::to_owned).ok_or(PeerError::Unreadable)
    }

    /// Reads the file with this id.
    pub(super) async fn file(&self, id: &str) -> Result<Answer, String> {
        let (name, log) = self.open_file(id).await.map_err(|error| refused("the file", &error))?;
        self.read("slack", &name, log).await
    }

    /// Reads what stands in a message: a file, an address, or a text.
    pub(super) async fn said(&self, message: &Value) -> Result<Answer, String> {
        match file_of(message) {
            Some(file) => self.file(&file).await,
            None => self.answer(Ask::of(&plain(message["text"].as_str().unwrap_or_default())), "slack").await,
        }
    }

    /// Reads the log of a thread: its last file, else its longest text, else an address.
    pub(super) async fn thread(&self, place: &Place) -> Result<Answer, String> {
        let arguments = [("channel", place.channel.as_str()), ("ts", &place.ts), ("limit", THREAD)];
        let answer = self.get("conversations.replies", &arguments).await;
        let answer = answer.map_err(|error| refused("the thread", &error))?;
        let people = |message: &&Value| message["bot_id"].is_null() || !message["files"].is_null();
        let messages: Vec<&Value> = answer["messages"].as_array().into_iter().flatten().filter(people).collect();
        if let Some(file) = messages.iter().rev().find_map(|message| file_of(message)) {
            return self.file(&file).await;
        }
        let asks = messages.iter().map(|message| Ask::of(&plain(message["text"].as_str().unwrap_or_default())));
        let (texts, others): (Vec<Ask>, Vec<Ask>) = asks.partition(|ask| matches!(ask, Ask::Log(_)));
        let length = |ask: &Ask| if let Ask::Log(text) = ask { text.len() } else { 0 };
        let longest = texts.into_iter().max_by_key(length).filter(|ask| length(ask) >= LOG);
        let address = others.into_iter().find(|ask| matches!(ask, Ask::At(_)));
        match longest.or(address) {
            Some(ask) => self.answer(ask, "slack").await,
            None => {
                Err("There is no log in this thread; add it as a file or a snippet, then mention me again.".to_owned())
            }
        }
    }

    /// Reads the message that a link leads to: one of this channel, or of a public one.
    pub(super) async fn linked(&self, place: &Place, asked_in: &str) -> Result<Answer, String> {
        if place.channel != asked_in {
            let info = self.get("conversations.info", &[("channel", &place.channel)]).await;
            let info = info.map_err(|error| refused("that channel", &error))?;
            // Who asks may not be one of its members.
            if info["channel"]["is_private"] != false || info["channel"]["is_channel"] != true {
                return Err("That message is in a private conversation; ask me there.".to_owned());
            }
        }
        self.thread(place).await
    }

    /// Where a file was shared in this channel, to answer there; nothing where it does not look like a log.
    pub(super) async fn shared(&self, id: &str, channel: &str) -> Result<Option<String>, PeerError> {
        let answer = self.get("files.info", &[("file", id)]).await?;
        let file = &answer["file"];
        let name = file["name"].as_str().unwrap_or_default();
        let text = file["mimetype"].as_str().is_some_and(|kind| kind.starts_with("text/"));
        if !(text || name.contains(".log") || name.ends_with(".txt")) {
            return Ok(None);
        }
        let ts = |kind: &str| file["shares"][kind][channel][0]["ts"].as_str().map(str::to_owned);
        Ok(ts("public").or_else(|| ts("private")))
    }

    async fn open_file(&self, id: &str) -> Result<(String, Box<dyn AsyncRead + Send + Unpin>), PeerError> {
        let answer = self.get("files.info", &[("file", id)]).await?;
        let file = &answer["file"];
        let name = file["name"].as_str().unwrap_or("file").to_owned();
        if file["size"] == 0 {
            return Ok((name, Box::new(Cursor::new(Vec::new()))));
        }
        let address = file["url_private_download"].as_str().and_then(|address| Url::parse(address).ok());
        // The token goes nowhere else.
        let address = address.filter(|address| belongs(address, &self.config.slack.file_origins));
        let request = self.with_token(self.peer.client().get(address.ok_or(PeerError::Unreadable)?));
        Ok((name, Box::new(self.peer.stream(request).await?)))
    }

    fn method(&self, method: &str) -> Result<Url, PeerError> {
        Url::parse(&format!("{}/{method}", self.config.slack.api_url)).map_err(|_| PeerError::Unreadable)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, PeerError> {
        let answer = self.peer.json(self.with_token(request)).await?;
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(PeerError::Told(answer["error"].as_str().unwrap_or_default().to_owned())),
        }
    }

    fn with_token(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.config.slack.bot_token.reveal())
    }
}

/// The message that a permalink leads to: `https://TEAM.slack.com/archives/C1/p1531420618000200?thread_ts=…`.
pub(super) fn place_of(address: &Url) -> Option<Place> {
    address.host_str()?.strip_suffix(".slack.com")?;
    let mut path = address.path_segments()?.skip_while(|segment| *segment != "archives").skip(1);
    let (channel, digits) = (path.next()?, path.next()?.strip_prefix('p')?);
    let split = digits.len().checked_sub(6).filter(|at| *at > 0 && digits.bytes().all(|b| b.is_ascii_digit()))?;
    let thread = address.query_pairs().find(|(name, _)| name == "thread_ts").map(|(_, ts)| ts.into_owned());
    let ts = thread.unwrap_or_else(|| format!("{}.{}", &digits[..split], &digits[split..]));
    Some(Place { channel: channel.to_owned(), ts })
}

/// The id of a message's file; of several, of the first one.
fn file_of(message: &Value) -> Option<String> {
    message["files"][0]["id"].as_str().map(str::to_owned)
}

/// Why Slack did not give something, with what to do.
fn refused(what: &str, error: &PeerError) -> String {
    let told = if let PeerError::Told(told) = error { told.as_str() } else { "" };
    match told {
        "not_in_channel" | "channel_not_found" => {
            format!("I cannot see {what}; invite me to the channel with /invite @whyred.")
        }
        "missing_scope" => format!("I may not read {what}; the app needs the scopes of docs/integrations/slack.md."),
        _ => format!("Slack did not give me {what}: {error}."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn permalinks() {
        let place = |text: &str| place_of(&Url::parse(text).unwrap()).map(|place| (place.channel, place.ts));
        let of = |channel: &str, ts: &str| Some((channel.to_owned(), ts.to_owned()));
        assert_eq!(place("https://t.slack.com/archives/C1/p1531420618000200"), of("C1", "1531420618.000200"));
        assert_eq!(
            place("https://t.slack.com/archives/C1/p1531420618000200?thread_ts=1531.5&cid=C1"),
            of("C1", "1531.5")
        );
        assert_eq!(place("https://t.slack.com.evil.example/archives/C1/p1531420618000200"), None);
        assert_eq!(place("https://t.slack.com/archives/C1/p12"), None);
        assert_eq!(place("https://t.slack.com/messages"), None);
    }
}
