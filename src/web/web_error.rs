//! WebError: why a page cannot be shown. A person gets a page with ways on, a script one sentence; what is wrong inside is logged
//! with the request's id, which alone is shown.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::frame::Frame;
use crate::service::IntakeError;
use crate::store::StoreError;

/// Seconds after which a busy service may be asked again.
const AGAIN_IN: &str = "5";

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    /// There is no such thing: what it is, as a sentence.
    #[error("{0}")]
    NotFound(String),
    /// What was sent cannot be used: why, and what to send instead.
    #[error("{0}")]
    BadRequest(String),
    /// A form holds too many bytes; what the limit is.
    #[error("{0}")]
    TooLarge(String),
    /// A log was not taken in.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The history cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else that is wrong inside.
    #[error("{0}")]
    Inside(String),
}

/// What an answer carries until `tell` makes a page of it.
#[derive(Clone, Debug)]
struct Told {
    /// For the client.
    words: String,
    /// For the log alone.
    inside: Option<String>,
}

impl WebError {
    fn status(&self) -> StatusCode {
        match self {
            WebError::NotFound(_) => StatusCode::NOT_FOUND,
            WebError::BadRequest(_) | WebError::Intake(IntakeError::Body(_)) => StatusCode::BAD_REQUEST,
            WebError::TooLarge(_) | WebError::Intake(IntakeError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            WebError::Intake(IntakeError::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            WebError::Intake(IntakeError::Store(_)) | WebError::Store(_) | WebError::Inside(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let status = self.status();
        let inside = status.is_server_error().then(|| self.to_string());
        let words = match status {
            StatusCode::INTERNAL_SERVER_ERROR => "something is wrong inside whyred; its log says what".to_owned(),
            _ => self.to_string(),
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Told { words, inside });
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    title: &'static str,
    words: String,
    request_id: String,
}

/// Middleware: an error without a body of its own becomes a page for browsers, and a sentence for all others.
pub(super) async fn tell(request: Request, next: Next) -> Response {
    let wants_page = header_text(&request, "accept").contains("text/html");
    let request_id = header_text(&request, "x-request-id").to_owned();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let told = match response.extensions().get::<Told>().cloned() {
        Some(told) => told,
        None if is_page(&response) => return response,
        // What the framework refuses, in its own words.
        None => Told { words: plain_words(response, status).await, inside: None },
    };
    if let Some(inside) = &told.inside {
        tracing::error!(%request_id, %path, status = status.as_u16(), "{inside}");
    }
    let mut response = if wants_page {
        page(status, &told.words, &request_id)
    } else {
        (status, format!("{}\n", told.words)).into_response()
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN_IN));
    }
    response
}

/// The page of an error; `words` are for the client.
pub fn page(status: StatusCode, words: &str, request_id: &str) -> Response {
    let page = ErrorPage {
        frame: Frame::plain(),
        status: status.as_u16(),
        title: title(status),
        words: sentence(words),
        request_id: request_id.to_owned(),
    };
    (status, Html(page.render().unwrap_or_default())).into_response()
}

/// GET of anything else.
pub(super) async fn no_such_page() -> WebError {
    WebError::NotFound("there is no such page".to_owned())
}

fn header_text<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Longest refusal of the framework that is shown, in bytes.
const LONGEST_REFUSAL: usize = 4 * 1024;

async fn plain_words(response: Response, status: StatusCode) -> String {
    let body = axum::body::to_bytes(response.into_body(), LONGEST_REFUSAL).await.unwrap_or_default();
    match std::str::from_utf8(&body) {
        Ok(words) if !words.trim().is_empty() && !status.is_server_error() => words.trim().to_owned(),
        _ => status.canonical_reason().unwrap_or("this did not work").to_lowercase(),
    }
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/html") || kind.contains("json")
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::PAYLOAD_TOO_LARGE => "Too large",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "Too busy just now",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Not for everybody",
        status if status.is_server_error() => "That went wrong on this side",
        _ => "That cannot be used",
    }
}

/// With a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let dot = if words.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{dot}", chars.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str, accept: &str) -> (StatusCode, String) {
        let broken = || async { WebError::Inside("the disk is on fire".to_owned()) };
        let router = Router::new().route("/broken", get(broken)).fallback(no_such_page).layer(from_fn(tell));
        let request = Request::get(path).header("accept", accept).header("x-request-id", "r-7");
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_person_gets_a_page_and_a_script_a_sentence() {
        let (status, page) = ask("/nowhere", "text/html").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(page.contains("<h1") && page.contains("There is no such page."), "{page}");
        assert_eq!(ask("/nowhere", "*/*").await, (StatusCode::NOT_FOUND, "there is no such page\n".to_owned()));
    }

    #[tokio::test]
    async fn what_is_wrong_inside_stays_inside() {
        let (status, page) = ask("/broken", "text/html").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.contains("r-7") && !page.contains("fire"), "{page}");
    }
}
