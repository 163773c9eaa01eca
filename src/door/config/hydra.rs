//! Hydra: whose builds are explained: `[hydra]`.

use serde::{Deserialize, Deserializer};

use super::Secret;
use crate::service::hydra::Hydra as Client;

/// A Hydra.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hydra {
    /// Where it is, as people see it: `https://hydra.example`. Logs are fetched from there.
    #[serde(deserialize_with = "address")]
    pub url: String,
    /// Hosts with private addresses where it keeps logs; public ones need not be named.
    pub log_hosts: Vec<String>,
    /// Whether green builds are read, too, so that it is known when a job is green again.
    pub green: bool,
    /// The last part of the address that its SlackNotification posts to; `WHYRED_HYDRA_TOKEN`.
    pub token: Secret,
}

impl Hydra {
    /// Who asks it; none where it is not told.
    pub(in crate::door) fn client(&self) -> Option<Client> {
        Client::at(&self.url, &self.log_hosts).ok()
    }
}

/// An address that can be asked.
fn address<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    Client::at(&text, &[]).map(|_| text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_address_is_refused_at_the_start() {
        let hydra: Hydra = toml::from_str("url = 'https://hydra.example'\ngreen = true\n").unwrap();
        assert!(hydra.client().is_some() && Hydra::default().client().is_none());
        let error = toml::from_str::<Hydra>("url = 'hydra.example'\n").unwrap_err().to_string();
        assert!(error.contains("write https://HOST"), "{error}");
    }
}
