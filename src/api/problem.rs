//! Problem: an error as RFC 9457 wants it. What is wrong inside is logged, never shown.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::IntakeError;
use crate::store::StoreError;

/// Seconds after which a busy service may be asked again.
const AGAIN_IN: u64 = 5;

/// An error, told to the client (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem this is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do about it.
    pub detail: String,
    /// The request: `urn:whyred:request:` and its id, which stands in the log of the service and in the header X-Request-Id.
    pub instance: String,
    /// The limit that was passed, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Seconds after which to ask again.
    #[serde(skip)]
    pub again_in: Option<u64>,
}

impl Problem {
    /// A problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or_default();
        let again_in = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(AGAIN_IN);
        let kind = "about:blank";
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            limit: None,
            again_in,
        }
    }

    /// Something is wrong inside; the log of the service says what.
    pub fn internal() -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong inside whyred; its log says what")
    }

    /// There is no such report.
    pub fn no_report() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "there is no such report; it may have been deleted")
    }

    /// A request that cannot be understood.
    pub fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Too many bytes.
    pub fn too_large(limit: u64, detail: impl Into<String>) -> Problem {
        Problem { limit: Some(limit), ..Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail) }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.again_in {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // Whoever knows the request writes the answer anew with its id.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Problem {
        let detail = error.to_string();
        match error {
            IntakeError::TooLarge(limit) => Problem::too_large(limit, detail),
            IntakeError::Busy => Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail),
            IntakeError::Body(_) => Problem::bad(detail),
            IntakeError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        tracing::error!(%error, "the store failed");
        Problem::internal()
    }
}
