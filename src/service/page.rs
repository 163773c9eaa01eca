//! Page: people give the address of a build's page, not of its log. `Page::of` knows by the address alone what stands there; `find` asks for
//! the log behind it, where one more question leads to it. What no page is known for is taken as the address of a log.

use std::io::Cursor;

use serde::Deserialize;
use url::Url;

use super::fetch::{FetchError, Fetched, Fetcher};
use super::hydra::Hydra;

/// What stands at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    /// A log.
    Log(Url),
    /// A build of the Hydra at this address.
    HydraBuild(Url, u64),
    /// A jobset of the Hydra at this address.
    HydraJobset(Url, String, String),
    /// A build of nixbot: where its failures are listed, and under which address its logs are.
    Nixbot { failures: Url, logs: Url },
    /// A build of buildbot, as its API calls it.
    Buildbot(Url),
}

/// What nixbot tells of a build that failed.
#[derive(Deserialize)]
struct Failures {
    error: Option<String>,
    failures: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    attr: String,
    status: String,
    error: Option<String>,
    log_tail: Option<String>,
}

/// What buildbot tells of a build.
#[derive(Deserialize)]
struct Steps {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    number: u64,
    name: String,
    results: Option<i64>,
}

impl Fetcher {
    /// Begins to fetch the log at an address, or behind the page of a build there.
    ///
    /// # Errors
    /// That its host is not to be asked, what it answers, or that no log is behind it.
    pub async fn find(&self, url: Url) -> Result<Fetched, FetchError> {
        match Page::of(&url) {
            Page::Log(log) => self.log(log).await,
            Page::HydraBuild(base, build) => {
                let hydra = Hydra::with(base, self.clone());
                match hydra.build(build).await {
                    Ok(build) => Ok(hydra.failure(&build).await?.log),
                    // Others than Hydra may have such an address.
                    Err(FetchError::Failed(_)) => self.log(url).await,
                    Err(error) => Err(error),
                }
            }
            Page::HydraJobset(base, project, jobset) => {
                match Hydra::with(base, self.clone()).evaluation(&project, &jobset).await {
                    Ok(evaluation) => match evaluation.log() {
                        Some(log) => Ok(said(&format!("{project}:{jobset}"), log)),
                        None => {
                            Err(FetchError::Absent("this jobset could be evaluated; give a build of it".to_owned()))
                        }
                    },
                    Err(FetchError::Failed(_)) => self.log(url).await,
                    Err(error) => Err(error),
                }
            }
            Page::Nixbot { failures, logs } => self.nixbot(failures, logs).await,
            Page::Buildbot(build) => self.buildbot(build).await,
        }
    }

    async fn nixbot(&self, failures: Url, logs: Url) -> Result<Fetched, FetchError> {
        let mut told: Failures = self.json(failures).await?;
        // What failed by itself comes before what failed with it, and what was built before what was not.
        told.failures.sort_by_key(|failure| (failure.status != "failed", failure.log_tail.is_none()));
        let Some(first) = told.failures.into_iter().next() else {
            return match told.error {
                Some(error) => Ok(said("build", error)),
                None => Err(FetchError::Absent("nothing failed in this build".to_owned())),
            };
        };
        if first.log_tail.is_none()
            && let Some(error) = first.error.or(told.error)
        {
            return Ok(said(&first.attr, error));
        }
        let log = self.log(with(&logs, &first.attr.split('/').collect::<Vec<_>>())).await?;
        Ok(Fetched { name: first.attr, ..log })
    }

    async fn buildbot(&self, build: Url) -> Result<Fetched, FetchError> {
        const FAILURE: i64 = 2;
        const EXCEPTION: i64 = 4;
        let told: Steps = self.json(with(&build, &["steps"])).await?;
        let failed = told.steps.into_iter().find(|step| matches!(step.results, Some(FAILURE | EXCEPTION)));
        let Some(step) = failed else {
            return Err(FetchError::Absent("no step of this build failed".to_owned()));
        };
        let number = step.number.to_string();
        let log = self.log(with(&build, &["steps", &number, "logs", "stdio", "raw"])).await?;
        Ok(Fetched { name: step.name, ..log })
    }
}

impl Page {
    /// What stands at this address, as far as it tells.
    fn of(url: &Url) -> Page {
        Page::known(url).unwrap_or_else(|| Page::Log(url.clone()))
    }

    fn known(url: &Url) -> Option<Page> {
        if let Some(route) = url.fragment().and_then(|fragment| fragment.strip_prefix('/')) {
            return buildbot(&with(&bare(url), &["api", "v2"]), &route.split('/').collect::<Vec<_>>());
        }
        let path: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
        // A service may live below a path of its own.
        (0..path.len()).find_map(|at| {
            let (before, rest) = path.split_at(at);
            let base = with(&root(url), before);
            match rest {
                ["api", "v2", rest @ ..] => buildbot(&with(&base, &["api", "v2"]), rest),
                ["build", number, rest @ ..] if is_number(number) => hydra(&base, number, rest),
                ["jobset", project, jobset] | ["jobset", project, jobset, "errors"] => {
                    Some(Page::HydraJobset(base, (*project).to_owned(), (*jobset).to_owned()))
                }
                ["repos", _, ..] => nixbot(&base, rest),
                ["-", "jobs", number] | ["-", "jobs", number, _] if is_number(number) => {
                    Some(Page::Log(with(&base, &["-", "jobs", number, "raw"])))
                }
                ["job", ..] => jenkins(&base, rest),
                _ => None,
            }
        })
    }
}

/// `/build/N…` of a Hydra.
fn hydra(base: &Url, build: &str, rest: &[&str]) -> Option<Page> {
    let log = |parts: &[&str]| Some(Page::Log(with(&with(base, &["build", build]), parts)));
    match rest {
        [] => Some(Page::HydraBuild(base.clone(), build.parse().ok()?)),
        ["log"] | ["log", "raw" | "tail"] => log(&["log", "raw"]),
        ["nixlog", step] | ["nixlog", step, "raw" | "tail"] if is_number(step) => log(&["nixlog", step, "raw"]),
        ["step", step] | ["step", step, "log"] | ["step", step, "log", "raw" | "tail"] if is_number(step) => {
            log(&["step", step, "log", "raw"])
        }
        _ => None,
    }
}

/// `/repos/FORGE/OWNER/NAME/builds/N…` of nixbot; an owner may have several parts.
fn nixbot(base: &Url, path: &[&str]) -> Option<Page> {
    let at = path.iter().rposition(|part| *part == "builds").filter(|at| *at >= 4)?;
    let (build, rest) = (&path[..at + 2], path.get(at + 2..)?);
    if !is_number(build.last()?) {
        return None;
    }
    let log = |parts: &[&str]| Some(Page::Log(with(&with(&with(base, build), &["logs"]), parts)));
    match rest {
        [] => {
            let mut failures = with(&with(&with(base, &["api"]), build), &["failures"]);
            failures.set_query(Some("tail=1"));
            Some(Page::Nixbot { failures, logs: with(&with(base, build), &["logs", "raw"]) })
        }
        ["logs", "raw", ..] => None,
        ["logs", attr @ .., "drv", number] if is_number(number) => log(&[attr, &["drv", number, "raw"]].concat()),
        ["logs", .., "raw" | "stream"] => None,
        ["logs", attr @ ..] if !attr.is_empty() => log(&[&["raw"], attr].concat()),
        _ => None,
    }
}

/// What stands below `/api/v2` of buildbot, also where a page names it behind `#`.
fn buildbot(api: &Url, path: &[&str]) -> Option<Page> {
    match path {
        ["builders", builder, "builds", build] if is_number(build) => {
            Some(Page::Buildbot(with(api, &["builders", builder, "builds", build])))
        }
        ["builders", _, "builds", build, "steps", _, "logs", _] if is_number(build) => {
            Some(Page::Log(with(&with(api, path), &["raw"])))
        }
        ["logs", log] if is_number(log) => Some(Page::Log(with(&with(api, path), &["raw"]))),
        _ => None,
    }
}

/// `/job/NAME/N…` of Jenkins; folders are jobs, too.
fn jenkins(base: &Url, path: &[&str]) -> Option<Page> {
    let jobs = path.chunks(2).take_while(|pair| matches!(pair, ["job", _])).count() * 2;
    let (build, rest) = path.get(jobs..)?.split_first()?;
    let known = is_number(build) || (build.starts_with("last") && build.ends_with("Build"));
    let page = matches!(rest, [] | ["console" | "consoleFull" | "consoleText"]);
    (known && page).then(|| Page::Log(with(&with(base, &path[..=jobs]), &["consoleText"])))
}

/// The address with these parts behind its path.
fn with(base: &Url, parts: &[&str]) -> Url {
    let mut address = base.clone();
    if let Ok(mut path) = address.path_segments_mut() {
        path.pop_if_empty();
        for part in parts {
            // Parts of a path are written as they shall be sent.
            path.push(&percent_decoded(part));
        }
    }
    address
}

fn root(url: &Url) -> Url {
    let mut root = bare(url);
    root.set_path("/");
    root
}

fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare
}

fn percent_decoded(part: &str) -> String {
    // A plus is no space in a path.
    let pair = format!("{}=", part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a service says where it has no log.
fn said(name: &str, log: String) -> Fetched {
    Fetched { name: name.to_owned(), body: Box::pin(Cursor::new(log.into_bytes())) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn is(address: &str) -> String {
        match Page::of(&Url::parse(address).unwrap()) {
            Page::Log(url) => url.to_string(),
            Page::HydraBuild(base, build) => format!("hydra {base} {build}"),
            Page::HydraJobset(base, project, jobset) => format!("jobset {base} {project} {jobset}"),
            Page::Nixbot { failures, logs } => format!("nixbot {failures} {logs}"),
            Page::Buildbot(build) => format!("buildbot {build}"),
        }
    }

    #[test]
    fn pages_and_the_logs_behind_them() {
        let table = [
            ("https://hydra.nixos.org/build/123", "hydra https://hydra.nixos.org/ 123"),
            ("https://hydra.nixos.org/build/123#tabs-buildsteps", "hydra https://hydra.nixos.org/ 123"),
            ("https://ci.example/hydra/build/123/", "hydra https://ci.example/hydra 123"),
            ("https://hydra.nixos.org/build/123/log", "https://hydra.nixos.org/build/123/log/raw"),
            ("https://hydra.nixos.org/build/123/nixlog/7/tail", "https://hydra.nixos.org/build/123/nixlog/7/raw"),
            ("https://hydra.nixos.org/build/123/step/7", "https://hydra.nixos.org/build/123/step/7/log/raw"),
            ("https://hydra.nixos.org/build/123/download/1", "https://hydra.nixos.org/build/123/download/1"),
            ("https://hydra.nixos.org/log/abc-x.drv", "https://hydra.nixos.org/log/abc-x.drv"),
            (
                "https://hydra.nixos.org/jobset/nixpkgs/trunk#tabs-errors",
                "jobset https://hydra.nixos.org/ nixpkgs trunk",
            ),
            (
                "https://hydra.nixos.org/job/nixpkgs/trunk/hello/latest",
                "https://hydra.nixos.org/job/nixpkgs/trunk/hello/latest",
            ),
            (
                "https://nixbot.example/repos/github/Mic92/dotfiles/builds/12",
                "nixbot https://nixbot.example/api/repos/github/Mic92/dotfiles/builds/12/failures?tail=1 \
                 https://nixbot.example/repos/github/Mic92/dotfiles/builds/12/logs/raw",
            ),
            (
                "https://nixbot.example/repos/gitlab/a/b/c/builds/12/logs/x86_64-linux.foo",
                "https://nixbot.example/repos/gitlab/a/b/c/builds/12/logs/raw/x86_64-linux.foo",
            ),
            (
                "https://nixbot.example/repos/github/a/b/builds/12/logs/x.y/drv/3",
                "https://nixbot.example/repos/github/a/b/builds/12/logs/x.y/drv/3/raw",
            ),
            (
                "https://nixbot.example/repos/github/a/b/builds/12/logs/raw/x.y?tail=5",
                "https://nixbot.example/repos/github/a/b/builds/12/logs/raw/x.y?tail=5",
            ),
            (
                "https://buildbot.example/#/builders/3/builds/12",
                "buildbot https://buildbot.example/api/v2/builders/3/builds/12",
            ),
            (
                "https://ci.example/buildbot/#/builders/3/builds/12/steps/4/logs/stdio",
                "https://ci.example/buildbot/api/v2/builders/3/builds/12/steps/4/logs/stdio/raw",
            ),
            ("https://buildbot.example/api/v2/logs/55", "https://buildbot.example/api/v2/logs/55/raw"),
            ("https://buildbot.example/api/v2/logs/55/raw", "https://buildbot.example/api/v2/logs/55/raw"),
            (
                "https://hercules-ci.com/api/v1/accounts/1f/derivations/abc-x.drv/log?logId=2",
                "https://hercules-ci.com/api/v1/accounts/1f/derivations/abc-x.drv/log?logId=2",
            ),
            ("https://gitlab.com/a/b/c/-/jobs/99", "https://gitlab.com/a/b/c/-/jobs/99/raw"),
            ("https://gitlab.com/a/b/-/jobs/99/raw?x=1", "https://gitlab.com/a/b/-/jobs/99/raw"),
            ("https://jenkins.example/job/envoy/7/", "https://jenkins.example/job/envoy/7/consoleText"),
            (
                "https://ci.example/jenkins/job/org/job/a%20b/job/main/lastFailedBuild/console",
                "https://ci.example/jenkins/job/org/job/a%20b/job/main/lastFailedBuild/consoleText",
            ),
            ("https://jenkins.example/job/envoy/7/testReport", "https://jenkins.example/job/envoy/7/testReport"),
            ("https://ci.example/1/log?x=a+b", "https://ci.example/1/log?x=a+b"),
            ("https://ci.example/", "https://ci.example/"),
        ];
        for (address, wanted) in table {
            assert_eq!(is(address), wanted, "{address}");
        }
    }

    #[test]
    fn nothing_leads_to_another_host() {
        for address in [
            "https://ci.example//evil.example/build/1",
            "https://ci.example/%2F%2Fevil.example/build/1/log",
            "https://ci.example/x/..%2F..%2Fy/job/a/1",
            "https://ci.example/job/..%2f/1",
            "https://ci.example/#//evil.example/builders/1/builds/2",
            "https://ci.example/repos/a/b/c/builds/1/logs/%2e%2e/x",
        ] {
            let found = Page::of(&Url::parse(address).unwrap());
            let (Page::Log(url) | Page::HydraBuild(url, _) | Page::Buildbot(url)) = found else { panic!("{address}") };
            assert_eq!(url.host_str(), Some("ci.example"), "{address}");
        }
    }
}
