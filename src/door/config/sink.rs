//! Sink: where a message of `notify` goes: a chat's webhook, a program's, or mail. Secrets also come from the environment.

use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::Secret;

/// Where a message goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Sink {
    /// An incoming webhook.
    Slack(Hook),
    /// An incoming webhook.
    Mattermost(Hook),
    /// An incoming webhook.
    Rocketchat(Hook),
    /// A webhook of a channel.
    Discord(Hook),
    /// A webhook of a workflow.
    Teams(Hook),
    /// hookshot's inbound webhook.
    Matrix(Hook),
    /// A bot.
    Zulip(Zulip),
    /// Anything that takes JSON.
    Webhook(Webhook),
    /// Mail.
    Email(Email),
}

/// A chat that is told at an address which is a secret itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hook {
    /// `WHYRED_SINK_NAME_URL`
    pub url: Secret,
}

/// A bot of Zulip.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Zulip {
    /// The server: `https://chat.example`; `WHYRED_SINK_NAME_URL`.
    pub url: Secret,
    /// The bot's address: `whyred-bot@chat.example`; `WHYRED_SINK_NAME_USER`.
    pub user: String,
    /// Its API key; `WHYRED_SINK_NAME_PASSWORD`.
    pub password: Secret,
    /// The channel.
    pub channel: String,
    /// The topic; the project where there is none.
    pub topic: String,
}

/// A webhook of the operator's own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// `WHYRED_SINK_NAME_URL`
    pub url: Secret,
    /// Signs what is sent; `WHYRED_SINK_NAME_SECRET`.
    pub secret: Secret,
}

/// Mail by SMTP.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Email {
    /// `smtp.example` or `smtp.example:587`
    pub server: String,
    /// How the connection is kept secret.
    pub tls: Tls,
    /// `WHYRED_SINK_NAME_USER`
    pub user: String,
    /// `WHYRED_SINK_NAME_PASSWORD`
    pub password: Secret,
    /// Who writes: `whyred <whyred@example.com>`.
    #[serde(deserialize_with = "mailbox")]
    pub from: Option<Mailbox>,
    /// Who reads.
    #[serde(deserialize_with = "mailboxes")]
    pub to: Vec<Mailbox>,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// It begins in the clear and must become secret before anything is said: port 587.
    #[default]
    Starttls,
    /// From the first byte: port 465.
    Tls,
    /// Not at all: port 25.
    None,
}

impl Sink {
    /// Takes its secrets from the environment.
    pub(super) fn take_secrets(&mut self, name: &str, environment: &impl Fn(&str) -> Option<String>) {
        let of = |what: &str| {
            let name = name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let told = environment(&format!("WHYRED_SINK_{name}_{what}"))?;
            Some(told.trim().to_owned()).filter(|told| !told.is_empty())
        };
        let secret = |what: &str, into: &mut Secret| {
            if let Some(told) = of(what) {
                *into = Secret(told);
            }
        };
        match self {
            Sink::Slack(hook)
            | Sink::Mattermost(hook)
            | Sink::Rocketchat(hook)
            | Sink::Discord(hook)
            | Sink::Teams(hook)
            | Sink::Matrix(hook) => secret("URL", &mut hook.url),
            Sink::Zulip(zulip) => {
                secret("URL", &mut zulip.url);
                secret("PASSWORD", &mut zulip.password);
                zulip.user = of("USER").unwrap_or_else(|| std::mem::take(&mut zulip.user));
            }
            Sink::Webhook(webhook) => {
                secret("URL", &mut webhook.url);
                secret("SECRET", &mut webhook.secret);
            }
            Sink::Email(email) => {
                secret("PASSWORD", &mut email.password);
                email.user = of("USER").unwrap_or_else(|| std::mem::take(&mut email.user));
            }
        }
    }

    /// What is wrong with it, in words that follow its name.
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err("has no usable name; write letters, digits, - and _ alone".to_owned());
        }
        match self {
            Sink::Slack(hook)
            | Sink::Mattermost(hook)
            | Sink::Rocketchat(hook)
            | Sink::Discord(hook)
            | Sink::Teams(hook)
            | Sink::Matrix(hook) => check_address(&hook.url, name),
            Sink::Webhook(webhook) => check_address(&webhook.url, name),
            Sink::Zulip(zulip) => {
                check_address(&zulip.url, name)?;
                match zulip.user.is_empty() || zulip.password.is_empty() || zulip.channel.is_empty() {
                    true => {
                        Err("needs user, password and channel: the bot's address, its API key, and where it writes"
                            .to_owned())
                    }
                    false => Ok(()),
                }
            }
            Sink::Email(email) => email.check(),
        }
    }
}

impl Email {
    /// The server's name and port.
    pub(in crate::door) fn place(&self) -> Option<(&str, u16)> {
        let usual = match self.tls {
            Tls::Starttls => 587,
            Tls::Tls => 465,
            Tls::None => 25,
        };
        let (host, port) = match self.server.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => (host, port.parse().ok()?),
            _ => (self.server.as_str(), usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty() && !host.contains(['/', ' ', '@'])).then_some((host, port))
    }

    fn check(&self) -> Result<(), String> {
        let Some((host, _)) = self.place() else {
            return Err("has no mail server; write server = \"smtp.example.com:587\"".to_owned());
        };
        if self.from.is_none() || self.to.is_empty() {
            return Err(
                "needs from and to: from = \"whyred <whyred@example.com>\", to = [\"team@example.com\"]".to_owned()
            );
        }
        let local = matches!(host, "localhost" | "127.0.0.1" | "::1");
        if self.tls == Tls::None && !self.password.is_empty() && !local {
            return Err("would send its password in the clear; write tls = \"starttls\" or \"tls\"".to_owned());
        }
        match self.user.is_empty() == self.password.is_empty() {
            true => Ok(()),
            false => Err("needs both user and password, or neither".to_owned()),
        }
    }
}

fn check_address(url: &Secret, name: &str) -> Result<(), String> {
    let usable = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(url.reveal()).is_ok_and(usable) {
        true => Ok(()),
        false => Err(format!(
            "has no address; write url = \"https://…\" or set WHYRED_SINK_{}_URL",
            name.to_ascii_uppercase().replace('-', "_")
        )),
    }
}

fn mailbox<'de, D: Deserializer<'de>>(of: D) -> Result<Option<Mailbox>, D::Error> {
    parse_mailbox(&String::deserialize(of)?).map(Some)
}

fn mailboxes<'de, D: Deserializer<'de>>(of: D) -> Result<Vec<Mailbox>, D::Error> {
    Vec::<String>::deserialize(of)?.iter().map(|text| parse_mailbox(text)).collect()
}

fn parse_mailbox<E: serde::de::Error>(text: &str) -> Result<Mailbox, E> {
    text.parse().map_err(|_| E::custom(format!("{text:?} is no mail address; write NAME <name@example.com>")))
}
