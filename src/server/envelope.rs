//! Envelope: what is around every answer: the request's id, its line in the log, its place in the counts, the headers that keep pages
//! safe; and every error under /api becomes a problem document. Nothing of a body or a token is logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use rand::distr::{Alphanumeric, SampleString};
use tracing::Instrument;

use crate::api::Problem;
use crate::service::{App, meters};

/// Where a request's id stands, in the request and in its answer.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// Letters and digits of an id.
const ID: usize = 16;
/// Longest words of a refusal that are passed on, in bytes.
const LONGEST_REFUSAL: usize = 4096;

/// Pages load nothing from elsewhere, run no inline script, send forms nowhere else, and stand in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Middleware: headers that keep pages safe, where an answer has none of its own.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Middleware: everything else.
pub(super) async fn wrap(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = Alphanumeric.sample_string(&mut rand::rng(), ID);
    if let Ok(value) = HeaderValue::from_str(&id) {
        // What a client calls its request is not ours to log.
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let asked = Asked::of(&request);
    // The pattern, not the path: a path may hold what only its owner should know.
    let span = tracing::info_span!("request", id, method = %asked.method, route = asked.route);
    let begun = Instant::now();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let _entered = span.enter();
    let response = answered.unwrap_or_else(|_| {
        tracing::error!("a request panicked; what it said stands above");
        Problem::internal().into_response()
    });
    drop(_entered);
    let mut response = asked.refused(&app, response, &id).instrument(span.clone()).await;
    let _entered = span.enter();
    let (status, seconds) = (response.status().as_u16(), begun.elapsed().as_secs_f64());
    meters::request(asked.known_method(), &asked.route, status, seconds);
    tracing::info!(status, seconds, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What is remembered of a request.
struct Asked {
    method: Method,
    path: String,
    route: String,
    wants_page: bool,
    wants_json: bool,
}

impl Asked {
    fn of(request: &Request) -> Asked {
        let accepts = |kind| accepts(request.headers(), kind);
        let route = request.extensions().get::<MatchedPath>();
        Asked {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: route.map_or("other", MatchedPath::as_str).to_owned(),
            wants_page: accepts("text/html"),
            wants_json: accepts("application/json") || accepts("application/problem+json"),
        }
    }

    /// An answer whose error, if it is one, is told as this client can read it.
    async fn refused(&self, app: &App, response: Response, id: &str) -> Response {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return response;
        }
        let problem = match response.extensions().get::<Problem>() {
            Some(problem) => problem.clone(),
            None if self.in_api() => return self.told(app, words(status), response, id).await,
            None => return response,
        };
        let problem = Problem { instance: format!("urn:whyred:request:{id}"), ..problem };
        self.written(app, problem, response.headers(), id).await
    }

    /// What the framework refuses.
    async fn told(&self, app: &App, otherwise: String, response: Response, id: &str) -> Response {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, LONGEST_REFUSAL).await.unwrap_or_default();
        let said = String::from_utf8_lossy(&body);
        let ours = parts.status.is_server_error() || parts.status == StatusCode::NOT_FOUND || said.contains('<');
        let detail = if said.trim().is_empty() || ours { otherwise } else { said.trim().to_owned() };
        let problem = Problem { instance: format!("urn:whyred:request:{id}"), ..Problem::new(parts.status, detail) };
        self.written(app, problem, &parts.headers, id).await
    }

    /// A problem as this client can read it, with the headers of the answer that it stands for.
    async fn written(&self, app: &App, problem: Problem, old: &HeaderMap, id: &str) -> Response {
        let mut response = match self.in_api() || self.wants_json {
            true => problem.into_response(),
            false if self.wants_page => self.page(app, &problem, id).await,
            false => {
                let words = format!("whyred: {}\n", problem.detail);
                let plain = (problem.status(), Body::from(words)).into_response();
                let mut with_headers = problem.into_response();
                *with_headers.body_mut() = plain.into_body();
                with_headers
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                with_headers.headers_mut().remove(header::CONTENT_LENGTH);
                with_headers
            }
        };
        for (name, value) in old {
            if ![header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING].contains(name) {
                response.headers_mut().entry(name).or_insert_with(|| value.clone());
            }
        }
        response.extensions_mut().clear();
        response
    }
}

impl Asked {
    /// The method's name; one for all that clients invent.
    fn known_method(&self) -> &str {
        let known =
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
        if known.contains(&self.method) { self.method.as_str() } else { "other" }
    }

    fn in_api(&self) -> bool {
        self.path.starts_with("/api/")
    }

    /// The page of a problem: the home page again where its form was not taken.
    async fn page(&self, app: &App, problem: &Problem, id: &str) -> Response {
        match self.path == "/" && self.method == Method::POST {
            true => crate::web::refused(app, problem.status(), &problem.detail).await,
            false => crate::web::error_page(problem.status(), &problem.detail, id),
        }
    }
}

fn words(status: StatusCode) -> String {
    match status {
        StatusCode::NOT_FOUND => "there is nothing here; /openapi.json says what there is".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "this method cannot be used here; the header Allow says which can".to_owned(),
        _ => status.canonical_reason().unwrap_or("this did not work").to_lowercase(),
    }
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains(kind)))
}
