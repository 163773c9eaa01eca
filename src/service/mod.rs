//! App: what all ways into the service share: the engine, the history, the redactor, the limits. `intake` makes a stored report of bytes.

mod config;
mod intake;
mod scans;

use std::sync::{Arc, PoisonError, RwLock};

pub use config::Config;
pub use intake::{IntakeError, Taken};

use crate::engine::Engine;
use crate::redact::Redactor;
use crate::store::Store;
use scans::Scans;

/// What a running service holds; shared by all requests.
#[derive(Debug)]
pub struct App {
    /// The history.
    pub store: Store,
    /// What the operator chose.
    pub config: Config,
    engine: RwLock<Arc<Engine>>,
    redactor: Redactor,
    scans: Scans,
}

impl App {
    /// A service with these parts.
    pub fn new(engine: Engine, redactor: Redactor, store: Store, config: Config) -> App {
        let scans = Scans::new(config.scans, config.waiting);
        App { store, engine: RwLock::new(Arc::new(engine)), redactor, scans, config }
    }

    /// The engine of this moment; a reload gives later requests another one.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives later requests another engine.
    pub fn set_engine(&self, engine: Engine) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(engine);
    }
}

/// Now, in milliseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
