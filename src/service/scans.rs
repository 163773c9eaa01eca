//! Scans: how many logs are read at the same time, and how many may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded queue in front of a bounded number of scans.
#[derive(Debug)]
pub(super) struct Scans {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// The queue is full.
#[derive(Debug)]
pub(super) struct Full;

impl Scans {
    pub(super) fn new(scans: usize, most_waiting: usize) -> Scans {
        Scans { turns: Arc::new(Semaphore::new(scans)), waiting: AtomicUsize::new(0), most_waiting }
    }

    /// Waits for a turn, which lasts until what is given is dropped.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = Place::take(&self.waiting, self.most_waiting).ok_or(Full)?;
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
        let scans = Arc::new(Scans::new(1, 1));
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
