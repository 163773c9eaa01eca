//! Build: a build as a Hydra tells it: in the JSON of its pages, of its lists, and of the file that a RunCommand reads.

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::store::Submission;

/// A build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// Its number.
    #[serde(alias = "build")]
    pub id: u64,
    /// Whether it has ended.
    #[serde(deserialize_with = "truth")]
    pub finished: bool,
    /// How, as Hydra numbers it.
    #[serde(alias = "buildStatus", deserialize_with = "or_default")]
    pub buildstatus: Option<i64>,
    /// The project.
    #[serde(deserialize_with = "or_default")]
    pub project: String,
    /// The jobset of the project.
    #[serde(deserialize_with = "or_default")]
    pub jobset: String,
    /// The job of the jobset.
    #[serde(deserialize_with = "or_default")]
    pub job: String,
    /// What it builds: `hello-2.12`.
    #[serde(alias = "nixName", deserialize_with = "or_default")]
    pub nixname: String,
    /// For which system: `x86_64-linux`.
    #[serde(deserialize_with = "or_default")]
    pub system: String,
    /// The derivation.
    #[serde(alias = "drvPath", deserialize_with = "or_default")]
    pub drvpath: String,
    /// When it ended, in seconds since 1970.
    #[serde(alias = "stopTime", deserialize_with = "or_default")]
    pub stoptime: Option<i64>,
}

/// How a build, or a step of one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is green.
    Green,
    /// It is red, and its own log says why.
    Red,
    /// It is red, because something that it needs is.
    Dependency,
    /// Hydra could not build it: there may be no log, but a message.
    Aborted,
    /// People stopped it.
    Cancelled,
    /// It has not ended, or never will by itself.
    Open,
}

impl Build {
    /// How it ended.
    pub fn ending(&self) -> Ending {
        match self.buildstatus.filter(|_| self.finished) {
            None | Some(13 | 100) => Ending::Open,
            Some(0) => Ending::Green,
            Some(2) => Ending::Dependency,
            Some(4) => Ending::Cancelled,
            Some(3 | 9) => Ending::Aborted,
            Some(_) => Ending::Red,
        }
    }

    /// The same in words.
    pub fn status(&self) -> &'static str {
        match self.buildstatus.filter(|_| self.finished) {
            None | Some(13 | 100) => "not finished",
            Some(0) => "succeeded",
            Some(2) => "dependency failed",
            Some(3) => "aborted",
            Some(4) => "cancelled",
            Some(6) => "failed with output",
            Some(7) => "timed out",
            Some(8) => "cached failure",
            Some(9) => "unsupported system type",
            Some(10) => "log limit exceeded",
            Some(11) => "output limit exceeded",
            Some(12) => "not deterministic",
            Some(_) => "failed",
        }
    }

    /// The job with its jobset, which Hydra writes so: `trunk:hello.x86_64-linux`. What fails in one jobset may be fine in another.
    pub fn full_job(&self) -> String {
        format!("{}:{}", self.jobset, self.job)
    }

    /// What is told of its log. `hydra` is where its page is; `dependency` what failed in its place.
    pub fn submission(&self, hydra: Option<&Url>, dependency: Option<&str>) -> Submission {
        let plain = |text: &str| text.replace(char::is_control, "");
        let facts = [
            ("hydra.build", self.id.to_string()),
            ("hydra.status", self.status().to_owned()),
            ("hydra.drv", self.drvpath.clone()),
            ("nixname", self.nixname.clone()),
            ("system", self.system.clone()),
            ("dependency", dependency.unwrap_or_default().to_owned()),
            ("door", "hydra".to_owned()),
        ];
        Submission {
            name: plain(dependency.unwrap_or(&self.nixname)),
            project: plain(&self.project),
            job: plain(&self.full_job()),
            build_url: hydra.map(|hydra| self.page(hydra)).unwrap_or_default(),
            metadata: facts
                .into_iter()
                .filter(|(_, fact)| !fact.is_empty())
                .map(|(name, fact)| (name.to_owned(), plain(&fact)))
                .collect(),
            ..Submission::default()
        }
    }

    /// The address of its page.
    pub fn page(&self, hydra: &Url) -> String {
        format!("{}/build/{}", hydra.as_str().trim_end_matches('/'), self.id)
    }

    /// A name for this ending of this build: a build that is started again ends anew.
    pub fn key(&self) -> String {
        format!("hydra:{}:{}:{}", self.id, self.buildstatus.unwrap_or(-1), self.stoptime.unwrap_or(0))
    }
}

/// Hydra writes truth as 0 and 1, and as false and true.
fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Truth {
        Word(bool),
        Number(i64),
        None(()),
    }
    Ok(match Truth::deserialize(from)? {
        Truth::Word(word) => word,
        Truth::Number(number) => number != 0,
        Truth::None(()) => false,
    })
}

pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_build_in_both_shapes() {
        let page = r#"{"id":174159159,"finished":1,"buildstatus":1,"project":"nixpkgs","jobset":"trunk","job":"spidermonkey_91.i686-linux",
            "nixname":"spidermonkey-91.8.0","system":"i686-linux","drvpath":"/nix/store/0i2-x.drv","stoptime":1649871129,"priority":100,
            "releasename":null,"jobsetevals":[1756743],"buildproducts":{},"buildmetrics":{},"buildoutputs":{"out":{"path":"/nix/store/a-x"}}}"#;
        let hook = r#"{"event":"buildFinished","build":174159159,"finished":true,"buildStatus":1,"project":"nixpkgs","jobset":"trunk",
            "job":"spidermonkey_91.i686-linux","nixName":"spidermonkey-91.8.0","system":"i686-linux","drvPath":"/nix/store/0i2-x.drv",
            "stopTime":1649871129,"homepage":null,"description":"","license":null,"outputs":[],"products":[],"metrics":[]}"#;
        let (page, hook): (Build, Build) = (serde_json::from_str(page).unwrap(), serde_json::from_str(hook).unwrap());
        assert_eq!(page, hook);
        assert_eq!((page.ending(), page.status()), (Ending::Red, "failed"));
        let told = page.submission(Some(&Url::parse("https://hydra.nixos.org").unwrap()), None);
        assert_eq!((told.project.as_str(), told.job.as_str()), ("nixpkgs", "trunk:spidermonkey_91.i686-linux"));
        assert_eq!(told.build_url, "https://hydra.nixos.org/build/174159159");
        assert!(!told.metadata.contains_key("dependency"));
    }

    #[test]
    fn endings() {
        let of = |status: &str| -> Build {
            serde_json::from_str(&format!(r#"{{"finished":1,"buildstatus":{status}}}"#)).unwrap()
        };
        let endings: Vec<Ending> =
            ["null", "0", "1", "2", "3", "4", "7", "99"].map(|status| of(status).ending()).into();
        use Ending::{Aborted, Cancelled, Dependency, Green, Open, Red};
        assert_eq!(endings, [Open, Green, Red, Dependency, Aborted, Cancelled, Red, Red]);
        assert_eq!(Build { buildstatus: Some(1), ..Build::default() }.ending(), Open);
    }
}
