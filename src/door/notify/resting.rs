//! Resting: sinks that kept somebody waiting for nothing. They are left alone for a while, so that the others are told meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Since when sinks rest, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::door) struct Resting(Arc<Mutex<HashMap<String, Instant>>>);

impl Resting {
    /// It kept somebody waiting.
    pub(super) fn begin(&self, sink: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sink.to_owned(), Instant::now());
    }

    /// Whether it did so less than that long ago.
    pub(super) fn rests(&self, sink: &str, long: Duration) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sink).copied();
        since.is_some_and(|since| since.elapsed() < long)
    }
}
