//! Notify: who is told of what: `[[notify]]` rules lead reports to `[sinks.NAME]`. What cannot work is refused at the start, in one sentence.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ConfigError, DoorConfig, Sink};

/// Verdicts of reports that something is wrong with.
const VERDICTS: [&str; 5] = ["fix-code", "fix-build", "fix-environment", "retry", "unknown"];

/// A rule: who is told of which reports. What is left out asks for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Interest {
    /// Names of sinks.
    pub to: Vec<String>,
    /// Projects.
    pub projects: Vec<Pattern>,
    /// Jobs.
    pub jobs: Vec<Pattern>,
    /// Rules of causes; one cause of the report is enough.
    pub causes: Vec<Pattern>,
    /// Verdicts.
    pub verdicts: Vec<String>,
    /// Only where no earlier report of the project names the cause.
    pub first_seen: bool,
    /// Also where a job is green again whose report before fits.
    pub green: bool,
}

/// A text in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl DoorConfig {
    /// Whether somebody is to be told of reports.
    pub fn listens(&self) -> bool {
        !self.notify.is_empty()
    }

    /// Checks that every pattern of causes names a rule that there is.
    ///
    /// # Errors
    /// The pattern that names none.
    pub fn check_causes(&self, rules: &[&str]) -> Result<(), ConfigError> {
        let mut patterns = self.notify.iter().flat_map(|rule| &rule.causes);
        match patterns.find(|pattern| !rules.iter().any(|rule| pattern.fits(rule))) {
            None => Ok(()),
            Some(pattern) => Err(ConfigError::Sentence(format!(
                "[[notify]]: no rule is called {:?}; `whyred rules list` names them, and * stands for any characters",
                pattern.0
            ))),
        }
    }

    /// Takes the secrets of sinks from the environment.
    pub(super) fn take_sink_secrets(&mut self, environment: &impl Fn(&str) -> Option<String>) {
        self.sinks.iter_mut().for_each(|(name, sink)| sink.take_secrets(name, environment));
    }

    /// Checks rules and sinks, as far as that needs nobody else.
    pub(super) fn check_notify(&self) -> Result<(), ConfigError> {
        for (name, sink) in &self.sinks {
            sink.check(name).map_err(|why| ConfigError::Sentence(format!("[sinks.{name}] {why}")))?;
        }
        for rule in &self.notify {
            rule.check(&self.sinks).map_err(|why| ConfigError::Sentence(format!("[[notify]]: {why}")))?;
        }
        Ok(())
    }
}

impl Interest {
    /// Whether these are its project and its job.
    pub(in crate::door) fn wants_job(&self, project: &str, job: &str) -> bool {
        one_fits(&self.projects, project) && one_fits(&self.jobs, job)
    }

    /// Whether it asks for this verdict.
    pub(in crate::door) fn wants_verdict(&self, verdict: &str) -> bool {
        self.verdicts.is_empty() || self.verdicts.iter().any(|wanted| wanted == verdict)
    }

    /// Whether it asks for a cause with this rule.
    pub(in crate::door) fn wants_cause(&self, rule: &str) -> bool {
        one_fits(&self.causes, rule)
    }

    fn check(&self, sinks: &BTreeMap<String, Sink>) -> Result<(), String> {
        if self.to.is_empty() {
            return Err("a rule tells nobody; write to = [\"NAME\"] with the name of a sink".to_owned());
        }
        if let Some(name) = self.to.iter().find(|name| !sinks.contains_key(*name)) {
            return Err(format!("there is no sink {name:?}; describe it under [sinks.{name}]"));
        }
        let all = [("projects", &self.projects), ("jobs", &self.jobs), ("causes", &self.causes)];
        if let Some((field, _)) = all.iter().find(|(_, of)| of.iter().any(|pattern| pattern.0.trim().is_empty())) {
            return Err(format!("{field} holds an empty name; leave {field} out to ask for all"));
        }
        match self.verdicts.iter().find(|verdict| !VERDICTS.contains(&verdict.as_str())) {
            Some(verdict) if verdict == "green" => {
                Err("green is no verdict to ask for; write green = true to be told of jobs that are green again"
                    .to_owned())
            }
            Some(verdict) => Err(format!("there is no verdict {verdict:?}; there are {}", VERDICTS.join(", "))),
            None => Ok(()),
        }
    }
}

impl Pattern {
    /// Whether a text fits, whole.
    pub(in crate::door) fn fits(&self, text: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else { return self.0 == text };
        let (middle, tail) = rest.rsplit_once('*').map_or((None, rest), |(middle, tail)| (Some(middle), tail));
        let Some(inner) = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail)) else { return false };
        // The first place is the best: what follows has most room then.
        let mut rest = inner;
        middle.into_iter().flat_map(|middle| middle.split('*')).all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

fn one_fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Tls;
    use super::*;

    fn take(text: &str) -> Result<DoorConfig, String> {
        let mut file: toml::Table = toml::from_str(text).unwrap();
        let environment = |name: &str| match name {
            "WHYRED_SINK_OPS_TEAM_URL" => Some("https://ops.example/hook\n".to_owned()),
            "WHYRED_SINK_MAIL_PASSWORD" => Some("hunter2".to_owned()),
            _ => None,
        };
        let config = DoorConfig::take(&mut file, environment).map_err(|error| error.to_string())?;
        assert!(file.is_empty());
        Ok(config)
    }

    const GOOD: &str = "
        [sinks.ops-team]\nkind = 'webhook'\nsecret = 's3cret'\n
        [sinks.mail]\nkind = 'email'\nserver = 'smtp.example'\nuser = 'u'\nfrom = 'whyred <w@example.com>'\nto = ['a@example.com']\n
        [[notify]]\nto = ['ops-team', 'mail']\nprojects = ['envoy', 'infra/*']\ncauses = ['bazel/fetch/*']\nfirst-seen = true\n";

    #[test]
    fn rules_and_sinks_are_read() {
        let config = take(GOOD).unwrap();
        let rule = &config.notify[0];
        assert!(rule.wants_job("infra/x", "any") && !rule.wants_job("envoyy", "any"));
        assert!(rule.wants_cause("bazel/fetch/unknown-host") && !rule.wants_cause("nix/build"));
        assert!(rule.wants_verdict("retry") && rule.first_seen && !rule.green);
        let Sink::Webhook(hook) = &config.sinks["ops-team"] else { panic!() };
        assert_eq!(hook.url.reveal(), "https://ops.example/hook");
        let Sink::Email(email) = &config.sinks["mail"] else { panic!() };
        assert_eq!(
            (email.place(), email.tls, email.password.reveal()),
            (Some(("smtp.example", 587)), Tls::Starttls, "hunter2")
        );
        assert!(!format!("{config:?}").contains("hunter2") && !format!("{config:?}").contains("s3cret"));
        assert!(config.check_causes(&["bazel/fetch/unknown-host"]).is_ok());
        let error = config.check_causes(&["nix/build"]).unwrap_err().to_string();
        assert!(error.contains("no rule is called \"bazel/fetch/*\""), "{error}");
    }

    #[test]
    fn what_cannot_work_is_refused_in_a_sentence() {
        let mail = "[sinks.m]\nkind = 'email'\nserver = 'smtp.example'\n";
        let cases = [
            ("[[notify]]\nto = ['nobody']\n".to_owned(), "there is no sink \"nobody\""),
            (GOOD.replace("to = ['ops-team', 'mail']", ""), "a rule tells nobody"),
            (GOOD.replace("first-seen", "verdicts = ['red']\nfirst-seen"), "there is no verdict \"red\""),
            (GOOD.replace("first-seen", "verdicts = ['green']\nfirst-seen"), "write green = true"),
            (GOOD.replace("first-seen", "first-sen"), "first-sen"),
            (GOOD.replace("'envoy'", "' '"), "projects holds an empty name"),
            (GOOD.replace("'webhook'", "'pager'"), "unknown variant `pager`"),
            ("[sinks.chat]\nkind = 'slack'\n".to_owned(), "set WHYRED_SINK_CHAT_URL"),
            ("[sinks.chat]\nkind = 'slack'\nurl = 'file:///etc/passwd'\n".to_owned(), "has no address"),
            ("[sinks.z]\nkind = 'zulip'\nurl = 'https://z.example'\n".to_owned(), "needs user, password and channel"),
            (mail.to_owned(), "needs from and to"),
            (format!("{mail}from = 'nobody'\n"), "is no mail address"),
            (mail.replace("smtp.example", "smtp.example:x"), "has no mail server"),
            (GOOD.replace("user = 'u'", ""), "needs both user and password"),
            (GOOD.replace("user = 'u'", "user = 'u'\ntls = 'none'"), "in the clear"),
            (GOOD.replace("[sinks.mail]", "[sinks.'my mail']"), "has no usable name"),
        ];
        for (text, words) in cases {
            let error = take(&text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn stars_stand_for_any_characters() {
        let fits = |pattern: &str, text: &str| Pattern(pattern.to_owned()).fits(text);
        assert!(fits("*", "") && fits("*", "a/b") && fits("a*", "a") && fits("*b", "ab") && fits("a*b*c", "a-b-c"));
        assert!(fits("a*b*b", "abb") && fits("**", "x") && fits("a*a", "aa") && fits("é*", "éa"));
        assert!(
            !fits("a*a", "a") && !fits("a*b*c", "acb") && !fits("a", "ab") && !fits("", "a") && !fits("a*b*b", "ab")
        );
    }
}
