//! App: what all ways into the service share: the engine, the history, the redactor, the limits. `intake` makes a stored report of bytes,
//! `access` says who may do what, `rates` how often; `fetch` gets logs from elsewhere, `page` and `hydra` find them there; `meters` counts; `rediagnosis`, `replay` and `trial` try rules on logs.

pub mod access;
mod arriving;
mod config;
pub mod fetch;
pub mod hydra;
mod intake;
pub mod meters;
mod page;
pub mod rates;
mod rediagnosis;
mod replay;
mod scans;
mod trial;

use std::sync::{Arc, PoisonError, RwLock};

pub use config::Config;
pub use intake::{FormError, IntakeError, Taken};
pub use replay::{Replay, Replayed, Said};
pub use trial::{Matched, Trial, Tried};

use crate::engine::Engine;
use crate::redact::Redactor;
use crate::store::Store;
use access::Access;
use fetch::Fetcher;
use rates::Rates;
use scans::Scans;

/// What a running service holds; shared by all requests.
#[derive(Debug)]
pub struct App {
    /// The history.
    pub store: Store,
    /// What the operator chose.
    pub config: Config,
    /// Who may do what.
    pub access: Access,
    /// How often.
    pub rates: Rates,
    engine: RwLock<Arc<Engine>>,
    redactor: Redactor,
    scans: Scans,
    fetcher: Fetcher,
}

impl App {
    /// A service with these parts, open to everybody.
    pub fn new(engine: Engine, redactor: Redactor, store: Store, config: Config) -> App {
        App {
            store,
            access: Access::default(),
            rates: Rates::new(&config),
            engine: RwLock::new(Arc::new(engine)),
            redactor,
            scans: Scans::new(&config),
            fetcher: Fetcher::named(config.explain_hosts.clone(), config.explain_private),
            config,
        }
    }

    /// The same, with these doors.
    #[must_use]
    pub fn with_access(self, access: Access) -> App {
        App { access, ..self }
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
