//! Hydra: a Hydra as others see it: builds and lists as JSON, steps from the page of a build, logs. The log that says why a build is red is
//! often not its own: `failure` finds the one of the step that failed, also where an earlier build met the failure first.

mod build;
mod steps;

use std::io::Cursor;

use serde::Deserialize;
use url::Url;

pub use build::{Build, Ending};
pub use steps::{Step, steps_of};

use super::fetch::{FetchError, Fetched, Fetcher};

/// Failed steps whose log is asked for.
const MOST_STEPS: usize = 4;
/// Builds that are followed to the one that met a failure first.
const MOST_BUILDS: usize = 3;

/// A Hydra.
#[derive(Clone, Debug)]
pub struct Hydra {
    base: Url,
    fetcher: Fetcher,
}

/// The log that says why a build is red.
pub struct Failure {
    /// The log, or what Hydra itself says where there is none.
    pub log: Fetched,
    /// What failed in the build's place.
    pub dependency: Option<String>,
}

/// Why a jobset could not be evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Evaluation {
    /// What the evaluator says; empty where it is content.
    #[serde(deserialize_with = "build::or_default")]
    pub errormsg: String,
    /// What the fetching of inputs says.
    #[serde(deserialize_with = "build::or_default")]
    pub fetcherrormsg: String,
    /// When, in seconds since 1970.
    #[serde(deserialize_with = "build::or_default")]
    pub errortime: Option<i64>,
}

/// A jobset in the list of a project.
#[derive(Clone, Debug, Deserialize)]
pub struct Jobset {
    /// Its name.
    pub name: String,
    /// What the fetching of inputs says.
    #[serde(default)]
    pub fetcherrormsg: Option<String>,
    /// Whether the evaluator says something; older versions do not tell.
    #[serde(default)]
    pub haserrormsg: Option<bool>,
}

impl Hydra {
    /// The Hydra at this address, which may be private; `also` are further hosts of its logs.
    ///
    /// # Errors
    /// That this is no address of a web service.
    pub fn at(address: &str, also: &[String]) -> Result<Hydra, FetchError> {
        let refused = || FetchError::Refused(format!("{address:?} is no address of a Hydra; write https://HOST"));
        let base = Url::parse(address.trim()).map_err(|_| refused())?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(refused());
        }
        let fetcher = Fetcher::of_peer(&base, also);
        Ok(Hydra::with(base, fetcher))
    }

    /// A Hydra that is asked through this fetcher.
    pub fn with(mut base: Url, fetcher: Fetcher) -> Hydra {
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Hydra { base, fetcher }
    }

    /// Where it is.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The number of the build whose page is at this address, if it is a page of this Hydra.
    pub fn build_at(&self, address: &str) -> Option<u64> {
        let address = Url::parse(address).ok()?;
        let ours =
            address.origin() == self.base.origin() && address.username().is_empty() && address.password().is_none();
        let rest = address.path().strip_prefix(self.base.path()).filter(|_| ours)?;
        rest.strip_prefix("build/")?.split('/').next()?.parse().ok()
    }

    /// A build.
    ///
    /// # Errors
    /// What the Hydra answers.
    pub async fn build(&self, number: u64) -> Result<Build, FetchError> {
        self.fetcher.json(self.address(&["build", &number.to_string()])).await
    }

    /// The builds of a project, or of one jobset, that have finished and have the highest numbers; the highest first.
    ///
    /// # Errors
    /// What the Hydra answers.
    pub async fn latest(&self, project: &str, jobset: Option<&str>, most: usize) -> Result<Vec<Build>, FetchError> {
        let mut address = self.address(&["api", "latestbuilds"]);
        address.query_pairs_mut().append_pair("nr", &most.to_string()).append_pair("project", project);
        if let Some(jobset) = jobset {
            address.query_pairs_mut().append_pair("jobset", jobset);
        }
        self.fetcher.json(address).await
    }

    /// The jobsets of a project.
    ///
    /// # Errors
    /// What the Hydra answers.
    pub async fn jobsets(&self, project: &str) -> Result<Vec<Jobset>, FetchError> {
        let mut address = self.address(&["api", "jobsets"]);
        address.query_pairs_mut().append_pair("project", project);
        self.fetcher.json(address).await
    }

    /// How the last evaluation of a jobset went.
    ///
    /// # Errors
    /// What the Hydra answers.
    pub async fn evaluation(&self, project: &str, jobset: &str) -> Result<Evaluation, FetchError> {
        self.fetcher.json(self.address(&["jobset", project, jobset])).await
    }

    /// The page of a jobset's evaluation errors.
    pub fn evaluation_page(&self, project: &str, jobset: &str) -> String {
        format!("{}#tabs-errors", self.address(&["jobset", project, jobset]))
    }

    /// The steps of a build.
    ///
    /// # Errors
    /// What the Hydra answers.
    pub async fn steps(&self, number: u64) -> Result<Vec<Step>, FetchError> {
        Ok(steps_of(&self.fetcher.page(self.address(&["build", &number.to_string()])).await?))
    }

    /// The log that says how a build ended; where a dependency failed, the dependency's.
    ///
    /// # Errors
    /// `Absent` where there is no such log, else what the Hydra answers.
    pub async fn failure(&self, build: &Build) -> Result<Failure, FetchError> {
        let number = build.id.to_string();
        if build.ending() != Ending::Dependency {
            match self.fetcher.log(self.address(&["build", &number, "log", "raw"])).await {
                Ok(log) => {
                    return Ok(Failure { log: Fetched { name: build.nixname.clone(), ..log }, dependency: None });
                }
                Err(FetchError::Absent(_)) if build.ending() != Ending::Green => {}
                Err(error) => return Err(error),
            }
        }
        self.failed_step(build).await
    }

    /// The log of the step that failed first, here or in the build that met the failure first.
    async fn failed_step(&self, build: &Build) -> Result<Failure, FetchError> {
        let (mut number, mut output) = (build.id, None);
        let mut said = None;
        for _ in 0..MOST_BUILDS {
            let steps = match self.steps(number).await {
                // Old builds are forgotten.
                Err(FetchError::Absent(_)) if number != build.id => break,
                steps => steps?,
            };
            let mut failed: Vec<Step> = steps.into_iter().filter(|step| step.failed).collect();
            // Who was sent here by a step looks for the same; else what failed here comes before what is known to fail.
            failed
                .sort_by_key(|step| (output.as_ref().is_some_and(|output| *output != step.output), step.is_repeated()));
            failed.truncate(MOST_STEPS);
            for step in &failed {
                let name = step.name().unwrap_or("dependency").to_owned();
                // What the build itself made is no dependency of it.
                let dependency = (name != build.nixname).then(|| name.clone());
                match self.fetcher.log(self.step_log(number, step)).await {
                    Ok(log) => return Ok(Failure { log: Fetched { name, ..log }, dependency }),
                    Err(FetchError::Absent(_)) => {}
                    Err(error) => return Err(error),
                }
                if said.is_none() && !step.message.is_empty() {
                    let body = Cursor::new(format!("{}: {}\n", step.status, step.message).into_bytes());
                    said = Some(Failure { log: Fetched { name, body: Box::pin(body) }, dependency });
                }
            }
            let Some((from, of)) = failed.iter().find_map(|step| Some((step.propagated_from?, step.output.clone())))
            else {
                break;
            };
            (number, output) = (from, Some(of));
        }
        said.ok_or_else(|| {
            FetchError::Absent("this Hydra has no log of the build, nor of a step that failed".to_owned())
        })
    }

    /// Versions before April 2026 know this address alone, later ones lead on from it.
    fn step_log(&self, build: u64, step: &Step) -> Url {
        self.address(&["build", &build.to_string(), "nixlog", &step.number.to_string(), "raw"])
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut address = self.base.clone();
        if let Ok(mut parts) = address.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        address
    }
}

impl Jobset {
    /// Whether its last evaluation may have failed.
    pub fn may_have_failed(&self) -> bool {
        self.haserrormsg.unwrap_or(true) || self.fetcherrormsg.as_deref().is_some_and(|why| !why.is_empty())
    }
}

impl Evaluation {
    /// All that it says; nothing where the evaluation went well.
    pub fn log(&self) -> Option<String> {
        let parts = [self.fetcherrormsg.trim(), self.errormsg.trim()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join("\n\n") + "\n")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_stay_within_this_hydra() {
        let hydra = Hydra::at("https://ci.example/hydra", &[]).unwrap();
        assert_eq!(
            hydra.address(&["jobset", "a/../b", "c?d"]).as_str(),
            "https://ci.example/hydra/jobset/a%2F..%2Fb/c%3Fd"
        );
        let number = |address: &str| hydra.build_at(address);
        assert_eq!(number("https://ci.example/hydra/build/123"), Some(123));
        assert_eq!(number("https://ci.example/hydra/build/123/nixlog/1"), Some(123));
        for other in [
            "https://ci.example/build/123",
            "http://ci.example/hydra/build/123",
            "https://ci.example:8443/hydra/build/123",
            "https://ci.example.evil.example/hydra/build/123",
            "https://ci.example@evil.example/hydra/build/123",
            "https://me@ci.example/hydra/build/123",
            "https://ci.example/hydra/build/12x",
            "https://ci.example/hydra/build/-1",
            "https://ci.example/hydra/build/99999999999999999999999",
            "/hydra/build/123",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
        for none in ["", "hydra.example", "ftp://hydra.example", "file:///etc"] {
            assert!(Hydra::at(none, &[]).is_err(), "{none}");
        }
    }
}
