//! Scans: how many logs are on their way in, how many are read at the same time, and how many may wait for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Config;

/// A bounded queue in front of a bounded number of scans.
#[derive(Debug)]
pub(super) struct Scans {
    uploads: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// There is no room now.
#[derive(Debug)]
pub(super) struct Full;

/// The right to something, until it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

impl Scans {
    pub(super) fn new(config: &Config) -> Scans {
        Scans {
            uploads: Arc::new(Semaphore::new(config.uploads)),
            streams: Arc::new(Semaphore::new(config.streams)),
            turns: Arc::new(Semaphore::new(config.scans.max(1))),
            waiting: AtomicUsize::new(0),
            most_waiting: config.waiting,
        }
    }

    /// A log is on its way in.
    pub(super) fn upload(&self) -> Result<Turn, Full> {
        Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| Full)
    }

    /// It is a large one, which is read while it comes.
    pub(super) fn stream(&self) -> Result<Turn, Full> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| Full)
    }

    /// Waits for a turn to read a log.
    pub(super) async fn turn(&self) -> Result<Turn, Full> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = Place::take(&self.waiting, self.most_waiting).ok_or(Full)?;
        self.next_turn().await
    }

    /// The same for a log whose reading has begun: it is not sent away any more.
    pub(super) async fn next_turn(&self) -> Result<Turn, Full> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Full)
    }
}

/// A place in the queue, given back also where the client goes away.
struct Place<'q>(&'q AtomicUsize);

impl<'q> Place<'q> {
    fn take(waiting: &'q AtomicUsize, most: usize) -> Option<Place<'q>> {
        let place = Place(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_so() {
        let scans = Arc::new(Scans::new(&Config { scans: 1, waiting: 1, ..Config::default() }));
        let turn = scans.turn().await.unwrap();
        let waiting = tokio::spawn({
            let scans = Arc::clone(&scans);
            async move { scans.turn().await.is_ok() }
        });
        while scans.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(scans.turn().await.is_err());
        drop(turn);
        assert!(waiting.await.unwrap());
        assert!(scans.turn().await.is_ok());
    }
}
