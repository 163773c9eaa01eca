//! Ci: CI systems whose failed jobs are explained: `[github]`, `[gitlab]`, `[buildkite]`.

use jsonwebtoken::EncodingKey;
use serde::Deserialize;
use url::Url;

use super::{ConfigError, DoorConfig, Secret};

/// A GitHub App, or a webhook with a plain token.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Github {
    /// The secret of the webhook; `WHYRED_GITHUB_WEBHOOK_SECRET`.
    pub webhook_secret: Secret,
    /// The App's id, or its client id. Without it `token` is used.
    pub app_id: String,
    /// The App's private key, as GitHub gives it (PEM); `WHYRED_GITHUB_PRIVATE_KEY`.
    pub private_key: Secret,
    /// A token that may read Actions and write commit statuses; `WHYRED_GITHUB_TOKEN`.
    pub token: Secret,
    /// Where GitHub's API is: `https://HOST/api/v3` for an own one.
    pub api_url: String,
    /// Hosts with private addresses where it keeps logs; public ones need not be named.
    pub log_hosts: Vec<String>,
    /// `OWNER/NAME`, or `OWNER/*`; all where empty.
    pub repositories: Vec<String>,
    /// Whether the answer is told on the commit.
    pub tell: bool,
    /// Whether logs of green jobs are read, too, so that it is known when a job is green again.
    pub green: bool,
}

/// A GitLab.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gitlab {
    /// The secret token of the webhook; `WHYRED_GITLAB_WEBHOOK_TOKEN`.
    pub webhook_token: Secret,
    /// An access token with the scope `read_api`, or `api` to tell; `WHYRED_GITLAB_TOKEN`.
    pub token: Secret,
    /// Where it is, as people see it.
    pub url: String,
    /// Hosts with private addresses where it keeps logs; public ones need not be named.
    pub log_hosts: Vec<String>,
    /// `GROUP/PROJECT`, or `GROUP/*`; all where empty.
    pub projects: Vec<String>,
    /// Whether the answer is told as a comment on the commit.
    pub tell: bool,
    /// Whether logs of green jobs are read, too.
    pub green: bool,
}

/// An organization at Buildkite.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Buildkite {
    /// The token of the notification service, sent as it is or used for the signature; `WHYRED_BUILDKITE_WEBHOOK_TOKEN`.
    pub webhook_token: Secret,
    /// An API token with `read_build_logs`, and `write_builds` to tell; `WHYRED_BUILDKITE_TOKEN`.
    pub token: Secret,
    /// Where Buildkite's API is; another one for tests.
    pub api_url: String,
    /// Hosts with private addresses where it keeps logs; public ones need not be named.
    pub log_hosts: Vec<String>,
    /// `ORGANIZATION/PIPELINE`, or `ORGANIZATION/*`; all where empty.
    pub pipelines: Vec<String>,
    /// Whether the answer is told as an annotation of the build.
    pub tell: bool,
    /// Whether logs of green jobs are read, too.
    pub green: bool,
}

impl Github {
    /// The key of the App; none where there is no App.
    pub(in crate::door) fn key(&self) -> Option<EncodingKey> {
        // In an environment variable, line feeds are sometimes written as \n.
        let pem = self.private_key.reveal().replace("\\n", "\n");
        Some(pem).filter(|_| !self.app_id.is_empty()).and_then(|pem| EncodingKey::from_rsa_pem(pem.as_bytes()).ok())
    }
}

impl DoorConfig {
    /// That the doors of CI systems can work where they are open.
    pub(super) fn check_ci(&self) -> Result<(), ConfigError> {
        let wrong = |sentence: &str| Err(ConfigError::Sentence(sentence.to_owned()));
        let Github { webhook_secret, app_id, private_key, token, .. } = &self.github;
        if !webhook_secret.is_empty() {
            if app_id.is_empty() && token.is_empty() {
                return wrong(
                    "[github] needs app-id and private-key of a GitHub App, or a token, to read the logs of jobs",
                );
            }
            if !app_id.is_empty() && private_key.is_empty() {
                return wrong(
                    "[github] needs the private-key of the App (WHYRED_GITHUB_PRIVATE_KEY), the PEM file's text",
                );
            }
            if !app_id.is_empty() && self.github.key().is_none() {
                return wrong(
                    "the private-key of [github] cannot be read; it must be the whole text of the PEM file that GitHub gave",
                );
            }
        }
        if !self.gitlab.webhook_token.is_empty() && self.gitlab.token.is_empty() {
            return wrong(
                "[gitlab] needs a token with the scope read_api (WHYRED_GITLAB_TOKEN), to read the logs of jobs",
            );
        }
        if !self.buildkite.webhook_token.is_empty() && self.buildkite.token.is_empty() {
            return wrong(
                "[buildkite] needs an API token with read_build_logs (WHYRED_BUILDKITE_TOKEN), to read the logs of jobs",
            );
        }
        let addresses = [
            ("[github] api-url", &self.github.api_url),
            ("[gitlab] url", &self.gitlab.url),
            ("[buildkite] api-url", &self.buildkite.api_url),
        ];
        for (name, address) in addresses {
            let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            if url.is_none_or(|url| !url.username().is_empty() || url.password().is_some()) {
                return wrong(&format!("{name} is no address; write https://HOST"));
            }
        }
        Ok(())
    }
}

impl Default for Github {
    fn default() -> Github {
        Github {
            webhook_secret: Secret::default(),
            app_id: String::new(),
            private_key: Secret::default(),
            token: Secret::default(),
            api_url: "https://api.github.com".to_owned(),
            log_hosts: Vec::new(),
            repositories: Vec::new(),
            tell: true,
            green: false,
        }
    }
}

impl Default for Gitlab {
    fn default() -> Gitlab {
        Gitlab {
            webhook_token: Secret::default(),
            token: Secret::default(),
            url: "https://gitlab.com".to_owned(),
            log_hosts: Vec::new(),
            projects: Vec::new(),
            // A comment is a mail to everybody who watches.
            tell: false,
            green: false,
        }
    }
}

impl Default for Buildkite {
    fn default() -> Buildkite {
        Buildkite {
            webhook_token: Secret::default(),
            token: Secret::default(),
            api_url: "https://api.buildkite.com".to_owned(),
            log_hosts: Vec::new(),
            pipelines: Vec::new(),
            tell: true,
            green: false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn taken(text: &str) -> Result<DoorConfig, String> {
        DoorConfig::take(&mut toml::from_str(text).unwrap(), |_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_door_that_could_read_no_log_is_refused_at_the_start() {
        for (text, says) in [
            ("[github]\nwebhook-secret = 's'\n", "app-id and private-key"),
            ("[github]\nwebhook-secret = 's'\napp-id = '1'\n", "the private-key of the App"),
            ("[github]\nwebhook-secret = 's'\napp-id = '1'\nprivate-key = 'x'\n", "cannot be read"),
            ("[gitlab]\nwebhook-token = 's'\n", "read_api"),
            ("[buildkite]\nwebhook-token = 's'\n", "read_build_logs"),
            ("[gitlab]\nurl = 'gitlab.example'\n", "write https://HOST"),
            ("[github]\nsecret = 's'\n", "secret"),
        ] {
            let error = taken(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        let config = taken("[github]\nwebhook-secret = 's'\ntoken = 'ghp_1'\n").unwrap();
        assert!(!format!("{config:?}").contains("ghp_1"));
    }
}
