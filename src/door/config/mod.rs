//! DoorConfig: the operator's choices for doors: tables of one TOML file, secrets also from the environment. A door without its secret is shut.
//! The tables of chats and of small doors are in `chats`, that of Hydra in `hydra`, those of CI systems in `ci`; `notify` is who is told of reports.

mod chats;
mod ci;
mod hydra;
mod notify;
mod sink;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

pub use chats::{Badge, Channel, Command, Discord, Matrix, Mattermost, Slack, Teams, Token};
pub use ci::{Buildkite, Github, Gitlab};
pub use hydra::Hydra;
pub use notify::{Interest, Pattern};
pub use sink::{Email, Hook, Sink, Tls, Webhook, Zulip};

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
    /// `[hydra]`
    pub hydra: Hydra,
    /// `[github]`
    pub github: Github,
    /// `[gitlab]`
    pub gitlab: Gitlab,
    /// `[buildkite]`
    pub buildkite: Buildkite,
    /// `[sinks.NAME]`: where messages of `notify` go.
    pub sinks: BTreeMap<String, Sink>,
    /// `[[notify]]`: who is told of reports.
    pub notify: Vec<Interest>,
    /// How peers are asked again.
    #[serde(skip)]
    pub patience: Patience,
}

/// The names of these tables.
const TABLES: [&str; 15] = [
    "slack",
    "mattermost",
    "rocketchat",
    "discord",
    "matrix",
    "zulip",
    "teams",
    "prow",
    "badge",
    "hydra",
    "github",
    "gitlab",
    "buildkite",
    "sinks",
    "notify",
];

/// How long and how often a peer is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first wait before asking again; later ones double.
    pub first_wait: Duration,
    /// How often in all.
    pub tries: u32,
    /// How long one try may take.
    pub timeout: Duration,
    /// How often the history is looked at for channels, and the outbox for what is due.
    pub watch_every: Duration,
    /// The wait after the first failure of work in the outbox; later ones double.
    pub again: Duration,
    /// After a process died, its work in the outbox is taken up so much later.
    pub lease: Duration,
}

/// A text that is not printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It does not have the shape that it needs.
    #[error("the configuration of the doors cannot be read: {0}")]
    Shape(String),
    /// It has, but cannot work; a sentence.
    #[error("{0}")]
    Sentence(String),
}

impl From<toml::de::Error> for ConfigError {
    fn from(error: toml::de::Error) -> ConfigError {
        ConfigError::Shape(error.to_string().trim().replace('\n', " "))
    }
}

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
            ("WHYRED_HYDRA_TOKEN", &mut config.hydra.token),
            ("WHYRED_GITHUB_WEBHOOK_SECRET", &mut config.github.webhook_secret),
            ("WHYRED_GITHUB_TOKEN", &mut config.github.token),
            ("WHYRED_GITHUB_PRIVATE_KEY", &mut config.github.private_key),
            ("WHYRED_GITLAB_WEBHOOK_TOKEN", &mut config.gitlab.webhook_token),
            ("WHYRED_GITLAB_TOKEN", &mut config.gitlab.token),
            ("WHYRED_BUILDKITE_WEBHOOK_TOKEN", &mut config.buildkite.webhook_token),
            ("WHYRED_BUILDKITE_TOKEN", &mut config.buildkite.token),
        ];
        for (name, secret) in secrets {
            if let Some(value) = environment(name).filter(|value| !value.trim().is_empty()) {
                *secret = Secret(value.trim().to_owned());
            }
        }
        config.mattermost.tokens.extend(Some(mattermost).filter(|token| !token.is_empty()));
        config.check_ci()?;
        config.take_sink_secrets(&environment);
        config.check_notify()?;
        Ok(config)
    }
}

impl Secret {
    /// The text itself.
    pub(in crate::door) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub(in crate::door) fn is_empty(&self) -> bool {
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

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            first_wait: Duration::from_secs(1),
            tries: 5,
            timeout: Duration::from_secs(20),
            watch_every: Duration::from_secs(3),
            again: Duration::from_secs(5),
            lease: Duration::from_secs(60),
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
