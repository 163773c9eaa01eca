//! Watch: a channel is told when a job turns red for a new cause, and in the same thread when it is green again.
//! What is to be told stands in the store, so that a restart, a second replica or a Slack that is down loses nothing.

use std::collections::HashSet;

use crate::door::Doors;
use crate::door::news::{News, State};
use crate::door::peer::PeerError;
use crate::service::now;
use crate::store::{ReportId, StoreError, Telling};

/// Reports that came so long ago are looked at again, in milliseconds: some are stored later than others that came later.
const OVERLAP: i64 = 60 * 1000;
/// How long one replica may take for a message, in milliseconds.
const LEASE: i64 = 5 * 60 * 1000;
/// The name of the position.
const WATCHER: &str = "slack";

/// Looks at the history, for ever.
pub(crate) async fn watch(doors: Doors) {
    let slack = &doors.config.slack;
    if slack.channels.is_empty() || slack.bot_token.is_empty() {
        return;
    }
    let mut noted = Noted::default();
    loop {
        if let Err(error) = doors.look(&mut noted).await {
            tracing::error!(%error, "Slack's channels could not be told");
        }
        tokio::time::sleep(doors.config.patience.watch_every).await;
    }
}

/// What this process has noted of late, so that what is looked at again costs nothing: reports, and when they came.
type Noted = HashSet<(String, i64)>;

impl Doors {
    /// Notes what changed, then tells it.
    async fn look(&self, noted: &mut Noted) -> Result<(), StoreError> {
        let store = &self.app.store;
        let position = store.position(WATCHER, now()).await?;
        let mut after = position - OVERLAP;
        noted.retain(|(_, seen_at)| *seen_at > after);
        loop {
            let changes = store.changes_after(after).await?;
            let Some(last) = changes.last().map(|change| change.seen_at) else { break };
            for change in changes {
                if noted.contains(&(change.id.clone(), change.seen_at)) {
                    continue;
                }
                let wants = |channel: &&crate::door::Channel| channel.wants(&change.project, &change.job);
                for channel in self.config.slack.channels.iter().filter(wants) {
                    store.note_change(&channel.id, &change).await?;
                }
                noted.insert((change.id, change.seen_at));
            }
            if last > position {
                store.set_position(WATCHER, last).await?;
            }
            after = last;
        }
        for telling in store.tellings(now(), LEASE).await? {
            // Where Slack takes nothing, the others wait until their lease ends.
            if !self.tell(&telling).await? {
                break;
            }
        }
        Ok(())
    }

    /// Tells it; false where Slack takes nothing now.
    async fn tell(&self, telling: &Telling) -> Result<bool, StoreError> {
        let stored = match ReportId::parse(&telling.report) {
            Some(id) => self.app.store.stored(&id).await?,
            None => None,
        };
        // A report that was deleted is not told of.
        let Some(stored) = stored else {
            self.app.store.told(telling, &telling.ts).await?;
            return Ok(true);
        };
        let state = match telling.pending.as_str() {
            "green" => State::Green,
            "again" => State::Again,
            _ => State::Red,
        };
        let build_url = stored.submission.build_url.clone();
        let message = super::news::message(&News::of(state, stored, &build_url, &self.app.config.base_url));
        match self.post(&telling.channel, &telling.ts, &message).await {
            Ok(ts) => {
                self.app.store.told(telling, &ts).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, channel = telling.channel, tries = telling.tries, "Slack did not take a message");
                self.app.store.not_told(telling, now()).await?;
                Ok(!matches!(error, PeerError::Down | PeerError::Refused(..)))
            }
        }
    }
}
