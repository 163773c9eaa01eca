//! Peer: how chats and CI systems are asked: with a time limit, without redirects, and again where they are busy or down.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use rand::RngExt;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use url::Url;

use super::config::Patience;
use crate::service::fetch::asked_to_wait;

/// Longest wait that a peer may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Most bytes of an answer that is read whole.
const MOST_ANSWER: usize = 1 << 20;

/// Asks peers.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    client: Client,
    patience: Patience,
}

/// Why a peer did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    /// It could not be reached.
    #[error("it cannot be reached")]
    Down,
    /// It answered with another status than success; how long it asks to wait.
    #[error("it answers {0}")]
    Refused(StatusCode, Option<Duration>),
    /// It says what is wrong.
    #[error("it answers {0:?}")]
    Told(String),
    /// Its answer is none that is known.
    #[error("its answer cannot be read")]
    Unreadable,
}

impl PeerError {
    /// Whether the same may be taken later.
    pub(super) fn passes(&self) -> bool {
        match self {
            PeerError::Down => true,
            // Some say so with 403.
            PeerError::Refused(_, Some(_)) => true,
            PeerError::Refused(status, _) => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            PeerError::Told(_) | PeerError::Unreadable => false,
        }
    }

    /// How long the peer asks to wait.
    pub(super) fn after(&self) -> Option<Duration> {
        if let PeerError::Refused(_, after) = self { *after } else { None }
    }
}

impl Peer {
    /// One that is this patient.
    pub(super) fn new(patience: Patience) -> Result<Peer, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("whyred/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(patience.timeout)
            .read_timeout(patience.timeout)
            .build()?;
        Ok(Peer { client, patience })
    }

    /// Where requests begin.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request, again where the peer is busy (429), broken (5xx) or not there. What comes back has a status of success.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, PeerError> {
        let mut wait = self.patience.first_wait;
        for left in (0..self.patience.tries).rev() {
            let error = match self.once(request.try_clone().ok_or(PeerError::Unreadable)?).await {
                Err(error) if error.passes() => error,
                ended => return ended,
            };
            if left == 0 {
                return Err(error);
            }
            let jitter = rand::rng().random_range(0.8..1.2);
            tokio::time::sleep(error.after().unwrap_or(wait).min(LONGEST_WAIT).mul_f64(jitter)).await;
            wait *= 2;
        }
        Err(PeerError::Down)
    }

    /// Sends a request one time, for work that comes again by itself.
    pub(super) async fn once(&self, request: RequestBuilder) -> Result<Response, PeerError> {
        match tokio::time::timeout(self.patience.timeout, request.send()).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(response),
            Ok(Ok(response)) => Err(PeerError::Refused(response.status(), asked_to_wait(response.headers()))),
            // The error would tell the address, which may hold a secret.
            Ok(Err(_)) | Err(_) => Err(PeerError::Down),
        }
    }

    /// Sends a request and reads the JSON of the answer.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<serde_json::Value, PeerError> {
        let body = whole(self.send(request).await?).await?;
        serde_json::from_slice(&body).map_err(|_| PeerError::Unreadable)
    }

    /// Sends a request one time and reads the JSON of the answer.
    pub(super) async fn json_once(&self, request: RequestBuilder) -> Result<serde_json::Value, PeerError> {
        let body = whole(self.once(request).await?).await?;
        serde_json::from_slice(&body).map_err(|_| PeerError::Unreadable)
    }

    /// Sends a request and gives the body of the answer as it comes.
    pub(super) async fn stream(
        &self,
        request: RequestBuilder,
    ) -> Result<impl AsyncRead + Send + Unpin + use<>, PeerError> {
        let stream = self.send(request).await?.bytes_stream().map_err(std::io::Error::other);
        Ok(StreamReader::new(Box::pin(stream)))
    }
}

/// Whether an address belongs to one of these origins (`https://host` or `https://host:port`), and hides no name or password.
pub(super) fn belongs(address: &Url, origins: &[String]) -> bool {
    let same = |origin: &String| Url::parse(origin).is_ok_and(|origin| origin.origin() == address.origin());
    address.has_host() && address.username().is_empty() && address.password().is_none() && origins.iter().any(same)
}

async fn whole(mut response: Response) -> Result<Bytes, PeerError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| PeerError::Down)? {
        if body.len() + piece.len() > MOST_ANSWER {
            return Err(PeerError::Unreadable);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_these_origins() {
        let origins = ["https://hooks.slack.com".to_owned()];
        let is = |address: &str| Url::parse(address).is_ok_and(|address| belongs(&address, &origins));
        assert!(is("https://hooks.slack.com/commands/T1/2/x") && is("https://hooks.slack.com:443/"));
        let others = [
            "http://hooks.slack.com/",
            "https://hooks.slack.com:8443/",
            "https://hooks.slack.com.evil.example/",
            "https://hooks.slack.com@evil.example/",
            "https://evil.example/hooks.slack.com",
            "https://user@hooks.slack.com/",
            "https://127.0.0.1/",
            "file:///etc/passwd",
            "data:,x",
            "https://hooks.slack.com\\@evil.example/",
        ];
        assert!(others.iter().filter(|other| !other.contains('\\')).all(|other| !is(other)));
        // A backslash is a slash in such an address.
        assert_eq!(Url::parse(others[9]).unwrap().host_str(), Some("hooks.slack.com"));
    }
}
