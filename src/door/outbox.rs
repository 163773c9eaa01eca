//! Outbox: work at peers that must survive a restart. A door puts it in and answers; a loop in each replica takes what is due, does it, and
//! says how it went. A peer that is down or busy is asked again, each time later; what cannot succeed is a dead letter at once.

use std::time::Duration;

use rand::RngExt;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::peer::PeerError;
use super::{Doors, Refusal, ci, hydra, notify};
use crate::service::fetch::FetchError;
use crate::service::{IntakeError, now};
use crate::store::{ARRIVAL, NewOutgoing, Outgoing, StoreError};

/// How often a log, or a commit, that is not there is asked for: it may be on its way.
pub(super) const MOST_MISSES: i64 = 5;
/// Pieces of work at the same time.
const WORKERS: usize = 8;
/// Longest time that one may take: a large log may be on its way.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Looks between two times that old entries are forgotten.
const FORGET: u32 = 1000;

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Setback {
    /// It may be done later; not before so long, where the peer says so.
    Later(String, Option<Duration>),
    /// It will never be done.
    Never(String),
}

impl Setback {
    /// A log was not fetched, in the try of this number. `who` has it, for people.
    pub(super) fn of_fetch(who: &str, error: FetchError, tries: i64) -> Setback {
        let why = format!("{who}: {error}");
        match error {
            FetchError::Busy(_, after) => Setback::Later(why, after),
            FetchError::Absent(_) if tries < MOST_MISSES => Setback::Later(why, None),
            FetchError::Absent(_) | FetchError::Refused(_) | FetchError::Failed(_) => Setback::Never(why),
        }
    }

    /// A peer did not do its part. `who` names it, for people.
    pub(super) fn of(who: &str, error: &PeerError) -> Setback {
        let why = format!("{who}: {error}");
        if error.passes() { Setback::Later(why, error.after()) } else { Setback::Never(why) }
    }
}

impl From<IntakeError> for Setback {
    fn from(error: IntakeError) -> Setback {
        match error {
            IntakeError::TooLarge(_) => Setback::Never(error.to_string()),
            error => Setback::Later(error.to_string(), None),
        }
    }
}

impl From<StoreError> for Setback {
    fn from(error: StoreError) -> Setback {
        Setback::Later(format!("the history: {error}"), None)
    }
}

/// What was put into the outbox.
pub(super) fn payload<T: DeserializeOwned>(outgoing: &Outgoing) -> Result<T, Setback> {
    serde_json::from_str(&outgoing.payload)
        .map_err(|error| Setback::Never(format!("another version of whyred put it in: {error}")))
}

impl Doors {
    /// Puts work in, which is done soon. False where the same was put before.
    pub(super) async fn put_out(&self, new: &NewOutgoing) -> Result<bool, Refusal> {
        let put = tokio::time::timeout(super::PATIENCE, self.app.store.put_out(new, now()));
        let new = put.await.map_err(|_| Refusal::Busy)??;
        self.put.notify_one();
        Ok(new)
    }

    /// Does it.
    async fn carry_out(&self, outgoing: &Outgoing) -> Result<(), Setback> {
        match outgoing.kind.as_str() {
            hydra::KIND => hydra::carry_out(self, outgoing).await,
            ci::GITHUB => ci::github(self, outgoing).await,
            ci::GITLAB => ci::gitlab(self, outgoing).await,
            ci::BUILDKITE => ci::buildkite(self, outgoing).await,
            ARRIVAL => self.arrived(outgoing).await,
            notify::DELIVER => self.deliver(outgoing).await,
            // Another version may have put it in.
            kind => Err(Setback::Never(format!("this version knows no work named {kind}"))),
        }
    }

    /// Does it, holds it meanwhile, and says how it went.
    async fn settle(self, outgoing: Outgoing) {
        let lease = self.config.patience.lease;
        let hold = async {
            loop {
                tokio::time::sleep(lease / 3).await;
                if let Err(error) = self.app.store.still_out(&outgoing, now() + lease.as_millis() as i64).await {
                    tracing::warn!(%error, "work in the outbox could not be held");
                }
            }
        };
        let done = tokio::select! {
            done = tokio::time::timeout(LONGEST, self.carry_out(&outgoing)) => done,
            () = hold => return,
        };
        let done = done.unwrap_or_else(|_| Err(Setback::Later("it took too long".to_owned(), None)));
        let store = &self.app.store;
        let noted = match done {
            Ok(()) => store.is_out(&outgoing).await,
            Err(Setback::Later(why, after)) => {
                tracing::warn!(what = outgoing.what, tries = outgoing.tries, why, "it will be tried again");
                store
                    .not_out(
                        &outgoing,
                        &why,
                        Some(now() + wait(self.config.patience.again, outgoing.tries, after).as_millis() as i64),
                    )
                    .await
            }
            Err(Setback::Never(why)) => {
                tracing::error!(what = outgoing.what, why, "it cannot be done; it is a dead letter");
                store.not_out(&outgoing, &why, None).await
            }
        };
        if let Err(error) = noted {
            tracing::error!(%error, "what was done could not be noted; it will be done again");
        }
    }
}

/// Does what is due, for ever.
pub(super) async fn work(doors: Doors) {
    let patience = doors.config.patience;
    let lease = patience.lease.as_millis() as i64;
    let mut busy = JoinSet::new();
    for look in 0u32.. {
        while busy.try_join_next().is_some() {}
        match doors.app.store.take_out(now(), lease, (WORKERS - busy.len()) as i64).await {
            Ok(due) => due.into_iter().for_each(|outgoing| drop(busy.spawn(doors.clone().settle(outgoing)))),
            Err(error) => tracing::error!(%error, "the outbox could not be read"),
        }
        if look % FORGET == 0
            && let Err(error) = doors.app.store.forget_out(now()).await
        {
            tracing::error!(%error, "old work in the outbox could not be forgotten");
        }
        // While all work, nothing more is taken.
        let free = busy.len() < WORKERS;
        tokio::select! {
            () = doors.put.notified(), if free => {}
            Some(_) = busy.join_next() => {}
            () = tokio::time::sleep(patience.watch_every) => {}
        }
    }
}

/// How long to wait after so many tries: twice as long each time, a little more or less, so that not all come back at once.
fn wait(first: Duration, tries: i64, asked: Option<Duration>) -> Duration {
    let doubled = first * (1 << (tries.clamp(1, 12) - 1));
    doubled.max(asked.unwrap_or_default()).min(LONGEST_WAIT).mul_f64(rand::rng().random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let about = |tries, asked, seconds: f64| {
            let waited = wait(Duration::from_secs(5), tries, asked).as_secs_f64();
            assert!((seconds * 0.89..seconds * 1.11).contains(&waited), "{tries}: {waited}");
        };
        about(1, None, 5.0);
        about(2, None, 10.0);
        about(5, None, 80.0);
        about(16, None, 3600.0);
        about(1, Some(Duration::from_secs(30)), 30.0);
        about(1, Some(Duration::from_secs(86_400)), 3600.0);
    }
}
