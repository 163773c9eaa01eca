//! DoorConfig: the operator's choices for doors: tables of one TOML file, secrets also from the environment. A door without its secret is shut.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// The doors of a service; what is not told is shut.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DoorConfig {
    /// `[slack]`
    pub slack: Slack,
    /// `[mattermost]`
    pub mattermost: Mattermost,
    /// `[rocketchat]`
    pub rocketchat: Token,
    /// `[discord]`
    pub discord: Discord,
    /// `[matrix]`
    pub matrix: Matrix,
    /// `[zulip]`
    pub zulip: Token,
    /// `[teams]`
    pub teams: Teams,
    /// `[prow]`
    pub prow: Token,
    /// `[badge]`
    pub badge: Badge,
    /// How peers are asked again.
    #[serde(skip)]
    pub patience: Patience,
}

/// The names of these tables.
const TABLES: [&str; 9] = ["slack", "mattermost", "rocketchat", "discord", "matrix", "zulip", "teams", "prow", "badge"];

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

/// How long and how often a peer is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first wait before asking again; later ones double.
    pub first_wait: Duration,
    /// How often in all.
    pub tries: u32,
    /// How long one try may take.
    pub timeout: Duration,
    /// How often the history is looked at for channels.
    pub watch_every: Duration,
}

/// A text that is not printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
#[error("the configuration of the doors cannot be read: {0}")]
pub struct ConfigError(#[from] toml::de::Error);

impl DoorConfig {
    /// Takes the tables of doors out of a configuration file, and the secrets that `environment` gives for names.
    ///
    /// # Errors
    /// Where a table holds what no door knows.
    pub fn take(
        file: &mut toml::Table,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<DoorConfig, ConfigError> {
        let tables = TABLES.iter().filter_map(|name| file.remove_entry(*name));
        let mut config: DoorConfig = tables.collect::<toml::Table>().try_into()?;
        let mut mattermost = Secret::default();
        let secrets = [
            ("WHYRED_SLACK_SIGNING_SECRET", &mut config.slack.signing_secret),
            ("WHYRED_SLACK_BOT_TOKEN", &mut config.slack.bot_token),
            ("WHYRED_MATTERMOST_TOKEN", &mut mattermost),
            ("WHYRED_ROCKETCHAT_TOKEN", &mut config.rocketchat.token),
            ("WHYRED_MATRIX_TOKEN", &mut config.matrix.token),
            ("WHYRED_MATRIX_WEBHOOK", &mut config.matrix.webhook),
            ("WHYRED_ZULIP_TOKEN", &mut config.zulip.token),
            ("WHYRED_TEAMS_KEY", &mut config.teams.key),
            ("WHYRED_PROW_TOKEN", &mut config.prow.token),
        ];
        for (name, secret) in secrets {
            if let Some(value) = environment(name).filter(|value| !value.trim().is_empty()) {
                *secret = Secret(value.trim().to_owned());
            }
        }
        config.mattermost.tokens.extend(Some(mattermost).filter(|token| !token.is_empty()));
        Ok(config)
    }
}

impl Channel {
    /// Whether this channel is told of this job.
    pub(super) fn wants(&self, project: &str, job: &str) -> bool {
        let within = |names: &[String], name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        within(&self.projects, project) && within(&self.jobs, job)
    }
}

impl Secret {
    /// The text itself.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "none" } else { "…" })
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
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

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            first_wait: Duration::from_secs(1),
            tries: 5,
            timeout: Duration::from_secs(20),
            watch_every: Duration::from_secs(3),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_come_from_either_place_and_are_not_printed() {
        let text =
            "listen = 1\n[slack]\nsigning-secret = 'file'\n[[slack.channels]]\nid = 'C1'\nprojects = ['envoy']\n";
        let mut file: toml::Table = toml::from_str(text).unwrap();
        let environment = |name: &str| (name == "WHYRED_SLACK_BOT_TOKEN").then(|| "xoxb-1\n".to_owned());
        let config = DoorConfig::take(&mut file, environment).unwrap();
        assert_eq!(file.keys().collect::<Vec<_>>(), ["listen"]);
        assert_eq!(config.slack.signing_secret.reveal(), "file");
        assert_eq!(config.slack.bot_token.reveal(), "xoxb-1");
        assert!(!format!("{config:?}").contains("xoxb"));
        assert!(config.slack.channels[0].wants("envoy", "x") && !config.slack.channels[0].wants("y", "x"));
        let mut file: toml::Table = toml::from_str("[slack]\nsiging-secret = ''\n").unwrap();
        let error = DoorConfig::take(&mut file, |_| None).unwrap_err();
        assert!(error.to_string().contains("siging-secret"), "{error}");
    }
}
