//! Chats: the tables of chats, of the badge and of Prow.

use serde::Deserialize;

use super::Secret;

/// A Slack app.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Slack {
    /// From "Basic Information"; `WHYRED_SLACK_SIGNING_SECRET`.
    pub signing_secret: Secret,
    /// `xoxb-…`, from "OAuth & Permissions"; `WHYRED_SLACK_BOT_TOKEN`. Without it only commands with a URL or text work.
    pub bot_token: Secret,
    /// Channels that are told of new causes.
    pub channels: Vec<Channel>,
    /// Where Slack's API is; another one for tests.
    pub api_url: String,
    /// Origins of `response_url`.
    pub hook_origins: Vec<String>,
    /// Origins from which files are fetched with the bot's token.
    pub file_origins: Vec<String>,
}

/// A channel that is told when a job turns red for a new cause, and when it is green again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Slack's id of the channel: `C…`.
    pub id: String,
    /// Only these projects; all where empty.
    #[serde(default)]
    pub projects: Vec<String>,
    /// Only these jobs; all where empty.
    #[serde(default)]
    pub jobs: Vec<String>,
}

/// Slash commands and outgoing webhooks of Mattermost.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mattermost {
    /// One for each command and webhook; the first also from `WHYRED_MATTERMOST_TOKEN`.
    pub tokens: Vec<Secret>,
    /// The server, as `response_url` names it: `https://mattermost.example`. Without it slow answers are lost.
    pub url: String,
}

/// A door that asks for a shared secret alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Token {
    /// `WHYRED_…_TOKEN`
    pub token: Secret,
}

/// A Discord application.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Discord {
    /// From "General Information", in hexadecimal.
    pub public_key: String,
    /// From "General Information".
    pub application_id: String,
    /// Where Discord's API is; another one for tests.
    pub api_url: String,
    /// Origins from which attachments are fetched.
    pub file_origins: Vec<String>,
}

/// Matrix, through hookshot.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Matrix {
    /// The token of the outbound webhook; `WHYRED_MATRIX_TOKEN`.
    pub token: Secret,
    /// The inbound webhook, which takes the answers; `WHYRED_MATRIX_WEBHOOK`.
    pub webhook: Secret,
    /// The word that a message for whyred begins with.
    pub command: Command,
}

/// A word that calls whyred.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Command(pub String);

/// An outgoing webhook of Teams.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Teams {
    /// The security token that Teams shows once; `WHYRED_TEAMS_KEY`.
    pub key: Secret,
}

/// Badges where reading needs a token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Badge {
    /// Projects whose state everybody may see.
    pub projects: Vec<String>,
}

impl Channel {
    /// Whether this channel is told of this job.
    pub(in crate::door) fn wants(&self, project: &str, job: &str) -> bool {
        let within = |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        within(&self.projects, project) && within(&self.jobs, job)
    }
}

impl Default for Slack {
    fn default() -> Slack {
        Slack {
            signing_secret: Secret::default(),
            bot_token: Secret::default(),
            channels: Vec::new(),
            api_url: "https://slack.com/api".to_owned(),
            hook_origins: vec!["https://hooks.slack.com".to_owned()],
            file_origins: vec!["https://files.slack.com".to_owned()],
        }
    }
}

impl Default for Discord {
    fn default() -> Discord {
        Discord {
            public_key: String::new(),
            application_id: String::new(),
            api_url: "https://discord.com/api/v10".to_owned(),
            file_origins: vec!["https://cdn.discordapp.com".to_owned()],
        }
    }
}

impl Default for Command {
    fn default() -> Command {
        Command("!whyred".to_owned())
    }
}
