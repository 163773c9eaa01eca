//! Queue: work that a door does after it has answered. Some of it at the same time, some waits, more is refused.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pieces of work at the same time.
const WORKERS: usize = 8;
/// Pieces of work in all.
const PLACES: usize = 256;

/// Bounded background work.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

/// A place in the queue, taken before anything is promised.
#[derive(Debug)]
pub(super) struct Place {
    place: OwnedSemaphorePermit,
    workers: Arc<Semaphore>,
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue { places: Arc::new(Semaphore::new(PLACES)), workers: Arc::new(Semaphore::new(WORKERS)) }
    }

    /// A place; none where the queue is full.
    pub(super) fn place(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { place, workers: Arc::clone(&self.workers) })
    }
}

impl Place {
    /// Does this work when its turn comes.
    pub(super) fn run(self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(async move {
            let _place = self.place;
            let Ok(_turn) = self.workers.acquire_owned().await else { return };
            work.await;
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn it_is_bounded() {
        let queue = Queue::new();
        let mut places: Vec<Place> = (0..PLACES).map(|_| queue.place().unwrap()).collect();
        assert!(queue.place().is_none());
        let (done, wait) = tokio::sync::oneshot::channel();
        places.pop().unwrap().run(async { done.send(()).unwrap() });
        wait.await.unwrap();
        while queue.place().is_none() {
            tokio::task::yield_now().await;
        }
    }
}
