//! Round: one time of asking a Hydra: what its evaluations say, then each build that has ended since the last time, oldest first. What is
//! told is noted at once, so that whoever is interrupted goes on where it was.

use std::io;
use std::time::Duration;

use super::position::Position;
use crate::cli::service_client::ServiceClient;
use crate::cli::spool::Spool;
use crate::cli::{diagnose, terminal};
use crate::engine::Engine;
use crate::log::Log;
use crate::report::{Brief, Style};
use crate::service::fetch::FetchError;
use crate::service::hydra::{Build, Ending, Hydra};
use crate::store::Submission;

/// Between two builds: nobody shall be hammered.
const PAUSE: Duration = Duration::from_millis(100);
/// Most builds that a Hydra is asked for at once.
const WIDEST: usize = 5000;

/// All that a round needs.
pub(super) struct Round<'a> {
    pub(super) project: &'a str,
    pub(super) jobset: Option<&'a str>,
    pub(super) hydra: Hydra,
    /// Where logs are sent; read here where there is none.
    pub(super) server: Option<ServiceClient>,
    pub(super) engine: Engine,
    pub(super) style: Style,
    /// Finished builds that are looked at.
    pub(super) window: usize,
    /// Failed builds that are told the first time.
    pub(super) last: usize,
    /// Whether jobs that are green again are told.
    pub(super) green: bool,
    pub(super) position: Position,
}

/// Why a round was broken off.
pub(super) enum Setback {
    /// It may be better later; not before so long, where the other side says so.
    Passes(String, Option<Duration>),
    /// It will not be better.
    Ends(anyhow::Error),
}

/// A line for people.
struct Line<'l> {
    red: bool,
    job: &'l str,
    dependency: Option<&'l str>,
    words: &'l str,
    address: &'l str,
}

impl Round<'_> {
    /// Asks, tells, and notes what was told.
    pub(super) async fn run(&mut self) -> Result<(), Setback> {
        for jobset in self.jobsets().await? {
            self.evaluation(&jobset).await?;
        }
        for build in self.unknown().await? {
            self.build(&build).await?;
        }
        self.save()
    }

    /// The jobsets whose last evaluation may have failed.
    async fn jobsets(&self) -> Result<Vec<String>, Setback> {
        match self.jobset {
            Some(jobset) => Ok(vec![jobset.to_owned()]),
            None => {
                let all = self.hydra.jobsets(self.project).await.map_err(|error| self.setback(error))?;
                // What was told must be forgotten once it is well again.
                let worth = |jobset: &str| !self.position.knows_evaluation(jobset, None);
                let worth = all.into_iter().filter(|jobset| jobset.may_have_failed() || worth(&jobset.name));
                Ok(worth.map(|jobset| jobset.name).collect())
            }
        }
    }

    async fn evaluation(&mut self, jobset: &str) -> Result<(), Setback> {
        let evaluation = self.hydra.evaluation(self.project, jobset).await.map_err(|error| self.setback(error))?;
        let says = evaluation.log();
        if self.position.knows_evaluation(jobset, says.as_deref()) {
            return Ok(());
        }
        if let Some(says) = &says {
            let job = format!("{jobset}:evaluation");
            let address = self.hydra.evaluation_page(self.project, jobset);
            let told = Submission {
                name: "evaluation".to_owned(),
                project: self.project.to_owned(),
                job: job.clone(),
                build_url: address,
                metadata: [("door".to_owned(), "hydra".to_owned())].into(),
                ..Submission::default()
            };
            let key = format!("hydra:{}:{job}:{}", self.project, evaluation.errortime.unwrap_or(0));
            let log = Spool::take(told.name.clone(), says.as_bytes()).await.map_err(|error| broken_off(&error))?;
            self.tell(&told, &key, &log, None).await?;
        }
        self.position.tell_evaluation(jobset, says.as_deref());
        self.save()
    }

    /// The builds that have ended since the last time, oldest first.
    async fn unknown(&mut self) -> Result<Vec<Build>, Setback> {
        let mut window = self.window;
        let mut builds = loop {
            let builds =
                self.hydra.latest(self.project, self.jobset, window).await.map_err(|error| self.setback(error))?;
            let gap = !self.position.is_new
                && builds.len() == window
                && !builds.iter().any(|build| self.position.knows(build.id));
            if !gap || window >= WIDEST {
                if gap {
                    terminal::complain("more builds have ended than can be looked at; older ones are left out");
                }
                break builds;
            }
            window = (window * 2).min(WIDEST);
        };
        builds.retain(|build| !self.position.knows(build.id));
        builds.sort_by_key(|build| build.id);
        if self.position.is_new {
            // The first time, all that is older counts as told.
            let failed = builds.iter().filter(|build| explains(build)).count();
            let mut left_out = failed.saturating_sub(self.last);
            for build in &builds {
                if !explains(build) || left_out > 0 {
                    left_out = left_out.saturating_sub(usize::from(explains(build)));
                    self.note(build);
                }
            }
            builds.retain(|build| !self.position.knows(build.id));
            self.save()?;
        }
        Ok(builds)
    }

    async fn build(&mut self, build: &Build) -> Result<(), Setback> {
        let again = build.ending() == Ending::Green && self.position.green(&build.full_job()) && self.green;
        if explains(build) || again {
            self.explain(build).await?;
            self.note(build);
            self.save()?;
            tokio::time::sleep(PAUSE).await;
        } else {
            self.note(build);
        }
        Ok(())
    }

    async fn explain(&self, build: &Build) -> Result<(), Setback> {
        let page = build.page(self.hydra.base());
        let failure = match self.hydra.failure(build).await {
            Ok(failure) => failure,
            Err(error @ FetchError::Busy(..)) => return Err(self.setback(error)),
            Err(error) => {
                let words = format!("{}: {error}", build.status());
                let job = build.full_job();
                let red = build.ending() != Ending::Green;
                return self.print(&Line { red, job: &job, dependency: None, words: &words, address: &page });
            }
        };
        let dependency = failure.dependency.as_deref();
        let told = build.submission(Some(self.hydra.base()), dependency);
        let log = Spool::take(failure.log.name, failure.log.body).await.map_err(|error| broken_off(&error))?;
        self.tell(&told, &build.key(), &log, dependency).await
    }

    /// Sends a log, or reads it here; prints what is said of it.
    async fn tell(&self, told: &Submission, key: &str, log: &Spool, dependency: Option<&str>) -> Result<(), Setback> {
        let unreadable = |error: io::Error| Setback::Ends(error.into());
        let (words, verdict, address) = match &self.server {
            Some(server) => {
                let said =
                    server.send(told, key, log).await.map_err(|error| Setback::Passes(format!("{error:#}"), None))?;
                let words = said.title().map_or_else(|| "no rule knows why it failed".to_owned(), str::to_owned);
                (words, said.verdict, said.permalink)
            }
            None => {
                let report = diagnose::report(&self.engine, Log::stream(&log.name, log.open().map_err(unreadable)?));
                (Brief::of(&report).title, report.verdict, told.build_url.clone())
            }
        };
        // What Hydra calls green may have a log that says nothing of it.
        let red = verdict != "green" && told.metadata.get("hydra.status").is_none_or(|status| status != "succeeded");
        let words = if red { words } else { "green again".to_owned() };
        self.print(&Line { red, job: &told.job, dependency, words: &words, address: &address })
    }

    fn print(&self, line: &Line<'_>) -> Result<(), Setback> {
        let style = &self.style;
        let mark = if line.red { style.bad("red  ") } else { style.good("green") };
        let before = line.dependency.map(|name| format!("{}: ", style.bold(style.line(name)))).unwrap_or_default();
        let (job, words, address) = (style.line(line.job), style.line(line.words), style.line(line.address));
        let text = format!("{mark} {} {before}{words} {}\n", style.name(job), style.dim(address));
        terminal::print(&text).map_err(|error| Setback::Ends(error.into()))
    }

    /// This build is told, or needs not to be.
    fn note(&mut self, build: &Build) {
        if explains(build) {
            self.position.red(&build.full_job());
        }
        self.position.tell(build.id);
    }

    fn save(&mut self) -> Result<(), Setback> {
        self.position.save().map_err(Setback::Ends)
    }

    fn setback(&self, error: FetchError) -> Setback {
        let why = format!("{}: {error}", self.hydra.base());
        match error {
            FetchError::Busy(_, after) => Setback::Passes(why, after),
            FetchError::Absent(_) => Setback::Ends(anyhow::anyhow!("{why}; is there such a project or jobset?")),
            FetchError::Refused(_) | FetchError::Failed(_) => Setback::Ends(anyhow::anyhow!(why)),
        }
    }
}

/// Whether there is something to say of a build.
fn explains(build: &Build) -> bool {
    matches!(build.ending(), Ending::Red | Ending::Dependency | Ending::Aborted)
}

fn broken_off(error: &io::Error) -> Setback {
    Setback::Passes(format!("a log broke off: {error}"), None)
}
