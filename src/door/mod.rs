//! Doors: chats, CI systems, Hydra, agents. Each proves who it is in its own way (`signed`), is answered at once, and told the rest later
//! (`queue`, `peer`; `outbox` where it must survive a restart). A door that is not configured is not there.

mod ask;
mod badge;
mod chat;
mod ci;
mod config;
mod fetch;
mod hydra;
mod llms;
mod mcp;
mod news;
mod notify;
mod outbox;
mod peer;
mod prow;
mod queue;
mod signed;
mod slack;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

pub use config::{
    Badge, Buildkite, Channel, Command, ConfigError, Discord, DoorConfig, Email, Github, Gitlab, Hook, Hydra, Interest,
    Matrix, Mattermost, Patience, Pattern, Secret, Sink, Slack, Teams, Tls, Token, Webhook, Zulip,
};

use crate::service::hydra::Hydra as HydraClient;
use crate::service::{App, IntakeError, now};
use crate::store::StoreError;
pub use mcp::Mcp;
use notify::Resting;
use peer::Peer;
use queue::Queue;

/// Most bytes of a request.
const MOST_BODY: usize = 1 << 20;
/// How long the store may take before a request is told to come again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a request may not come again, in milliseconds; signatures are refused long before.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// All doors of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doors {
    app: Arc<App>,
    config: Arc<DoorConfig>,
    peer: Peer,
    queue: Queue,
    /// Something was put into the outbox.
    put: Arc<Notify>,
    /// The Hydra that is configured.
    hydra: Option<Arc<HydraClient>>,
    resting: Resting,
}

impl Doors {
    /// The doors of this service.
    ///
    /// # Errors
    /// That no secure connection can be made on this machine.
    pub fn new(app: Arc<App>, config: DoorConfig) -> Result<Doors, reqwest::Error> {
        let peer = Peer::new(config.patience)?;
        Ok(Doors {
            app,
            hydra: config.hydra.client().map(Arc::new),
            config: Arc::new(config),
            peer,
            queue: Queue::new(),
            put: Arc::new(Notify::new()),
            resting: Resting::default(),
        })
    }

    /// The routes, which check by themselves who asks.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .merge(slack::router())
            .merge(chat::router())
            .merge(ci::router())
            .route("/hooks/slack-compatible/{token}", post(hydra::look_alike))
            .route("/prow/{token}", post(prow::highlight))
            .route("/badge/{file}", get(badge::show))
            .route("/llms.txt", get(llms::show))
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .with_state(self.clone())
    }

    /// The routes of those who show one of whyred's own tokens: to stand behind the check of tokens.
    pub fn hooks<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route("/hooks/hydra", post(hydra::finished))
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }

    /// Does what is to be done beside the answering, for ever: the outbox, and channels that are told of jobs that change.
    pub async fn watch(self) {
        tokio::join!(outbox::work(self.clone()), slack::watch(self));
    }

    /// Refuses a signature that was here before. To be asked once it is known to be right, so that nobody else can fill the memory.
    async fn not_replayed(&self, proof: &str) -> Result<(), Refusal> {
        let key =
            Sha256::digest(proof.as_bytes()).iter().fold("proof:".to_owned(), |key, byte| key + &format!("{byte:02x}"));
        if self.first_time(&key).await? { Ok(()) } else { Err(Refusal::Unproven) }
    }

    /// Whether something that must count once is new. Who waits for the answer has three seconds in all.
    async fn first_time(&self, key: &str) -> Result<bool, Refusal> {
        let asked = self.app.store.first_time(key, now(), REMEMBERED);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Refusal::Busy),
        }
    }
}

/// Why a door does not open.
#[derive(Debug)]
enum Refusal {
    /// It is not configured.
    Shut,
    /// Wrong signature, stale or replayed.
    Unproven,
    /// The request is none that is known.
    Unreadable(&'static str),
    /// The log cannot be taken; why, in one sentence.
    TooLarge(String),
    /// The log broke off; why, in one sentence.
    BrokenOff(String),
    /// Too much work.
    Busy,
    /// Something is wrong inside; it is logged already.
    Broken,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        tracing::error!(%error, "the store failed");
        Refusal::Broken
    }
}

impl From<IntakeError> for Refusal {
    fn from(error: IntakeError) -> Refusal {
        match error {
            IntakeError::TooLarge(_) => Refusal::TooLarge(error.to_string()),
            IntakeError::Body(why) => Refusal::BrokenOff(why),
            IntakeError::Busy => Refusal::Busy,
            IntakeError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, sentence) = match &self {
            Refusal::TooLarge(why) => (StatusCode::PAYLOAD_TOO_LARGE, why.as_str()),
            Refusal::BrokenOff(why) => (StatusCode::BAD_REQUEST, why.as_str()),
            Refusal::Shut => (StatusCode::NOT_FOUND, "this door is not configured; see docs/integrations"),
            Refusal::Unproven => (StatusCode::UNAUTHORIZED, "the signature is wrong, too old, or was used before"),
            Refusal::Unreadable(sentence) => (StatusCode::BAD_REQUEST, *sentence),
            Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "too much is asked at once; try again in a minute"),
            Refusal::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "something is wrong inside whyred; its log says what")
            }
        };
        (status, format!("{sentence}\n")).into_response()
    }
}

/// A header as text; empty where there is none.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
