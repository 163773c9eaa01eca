//! Sample: reports and logs as stories need them.

use std::io::Write;

use serde_json::json;
use whyred::report::Report;
use whyred::store::{LogPacker, NewReport, PackedLog, Saved, Store, Submission};

/// A day in the middle of time, in days since 1970.
pub(crate) const DAY: i64 = 20_000;
/// Its first millisecond.
pub(crate) const NOON: i64 = DAY * 86_400_000 + 43_200_000;

/// A report to be made.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) project: &'static str,
    pub(crate) job: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) tool: &'static str,
    /// Rule and subject of each cause.
    pub(crate) causes: Vec<(&'static str, String)>,
    pub(crate) repositories: Vec<&'static str>,
    pub(crate) derivations: Vec<&'static str>,
    pub(crate) host: &'static str,
    pub(crate) text: String,
    pub(crate) made_at: i64,
    pub(crate) request_key: Option<String>,
}

impl Sample {
    /// A failed download; `text` is the log.
    pub(crate) fn new(text: impl Into<String>) -> Sample {
        Sample {
            project: "envoy",
            job: "linux",
            verdict: "fix-build",
            tool: "bazel",
            causes: vec![("bazel/fetch/unknown-host", "com_google_googleapis".to_owned())],
            repositories: vec!["com_google_googleapis"],
            derivations: vec![],
            host: "github.com",
            text: text.into(),
            made_at: NOON,
            request_key: None,
        }
    }

    /// What is said of it.
    pub(crate) fn report(&self) -> Report {
        let diagnoses = self.causes.iter().map(|(rule, subject)| {
            json!({
                "rule": rule, "title": format!("{subject} cannot be had"), "why": "Because.", "generic": false, "subject": subject,
                "confidence": "high", "verdict": self.verdict, "occurrences": 1, "victims": [], "consequences": [], "fixes": [],
                "references": [], "captures": {"url": format!("https://{}/a.tar.gz", self.host)},
                "evidence": [{"line": 1, "end_line": 1, "text": self.text.lines().next().unwrap_or_default()}],
            })
        });
        let repositories = self.repositories.iter().map(|name| {
            json!({"name": name, "rule": null, "status": "failed", "line": 1, "frames": [], "defined_at": null, "module": null,
                "urls": [], "wanted_by": [], "diagnosis": 0})
        });
        let derivations = self.derivations.iter().map(|name| {
            json!({"drv": format!("/nix/store/x-{name}.drv"), "name": name, "status": "failed", "line": 1, "reason": null,
                "phase": null, "wanted_by": [], "diagnosis": null})
        });
        let report = json!({
            "schema": "whyred.report/1", "rules_version": "1", "verdict": self.verdict, "unexplained": [],
            "log": {"name": "build.log", "bytes": self.text.len(), "lines": self.text.lines().count(), "format": "text",
                "tools": [{"name": self.tool, "version": null}], "outcome": "failed"},
            "diagnoses": diagnoses.collect::<Vec<_>>(),
            "repositories": repositories.collect::<Vec<_>>(),
            "derivations": derivations.collect::<Vec<_>>(),
        });
        serde_json::from_value(report).unwrap()
    }

    /// As it is handed to the store.
    pub(crate) fn new_report(&self) -> NewReport {
        let submission = Submission {
            name: "build.log".to_owned(),
            project: self.project.to_owned(),
            job: self.job.to_owned(),
            build_url: "https://ci.example/1".to_owned(),
            revision: "c0ffee".to_owned(),
            branch: "main".to_owned(),
            metadata: [("runner".to_owned(), "7".to_owned())].into(),
        };
        NewReport {
            submission,
            request_key: self.request_key.clone(),
            report: self.report(),
            log: packed(self.text.as_bytes()),
            hidden: 3,
            made_at: self.made_at,
        }
    }

    /// Saves it.
    pub(crate) async fn save(&self, store: &Store) -> Saved {
        store.save(self.new_report()).await.unwrap()
    }
}

/// A log, packed.
pub(crate) fn packed(text: &[u8]) -> PackedLog {
    let mut packer = LogPacker::new().unwrap();
    text.chunks(10_007).for_each(|part| packer.write_all(part).unwrap());
    packer.finish().unwrap()
}

/// A log that zstd cannot make much of.
pub(crate) fn noise(lines: usize) -> String {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state
    };
    (1..=lines).map(|i| format!("{i} {:016x}{:016x}\n", next(), next())).collect()
}
