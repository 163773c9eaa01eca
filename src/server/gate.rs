//! Gate: who may come in: the scope that each way needs, tokens, rates, and pages of other sites, which may do nothing here.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;

use super::client;
use crate::api::Problem;
use crate::service::App;
use crate::service::access::{Caller, Mode, Scope};
use crate::service::rates::Kind;

/// Middleware: lets in who may come in.
pub(super) async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let visit = Visit::of(&app, &request);
    match visit.admitted(&app).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(refusal) => refusal,
    }
}

/// Middleware of doors, which know by themselves who asks: nobody may ask without end.
pub(super) async fn limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let visit = Visit::of(&app, &request);
    let kind = if request.method().is_safe() { Kind::Read } else { Kind::Post };
    match visit.too_often(&app, kind, None) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}

/// What decides.
struct Visit {
    method: Method,
    uri: Uri,
    token: Option<String>,
    address: IpAddr,
    wants_page: bool,
    /// A page of another site made the request, and it shows nothing that such a page could not lend.
    foreign: bool,
    host_known: bool,
}

impl Visit {
    fn of(app: &App, request: &Request) -> Visit {
        let headers = request.headers();
        let shown = client::token(headers);
        // A token in a header was put there by whoever knows it; a cookie, or a place behind a firewall, is lent to every page.
        let lent = shown.as_ref().is_none_or(|(_, cookie)| *cookie);
        Visit {
            method: request.method().clone(),
            uri: request.uri().clone(),
            address: client::address(app, headers, request.extensions()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            wants_page: wants_page(headers),
            foreign: lent && client::is_foreign(app, headers),
            host_known: client::is_host_known(app, headers),
            token: shown.map(|(token, _)| token),
        }
    }

    async fn admitted(&self, app: &App) -> Result<Option<Caller>, Response> {
        if app.access.mode == Mode::Open && !self.host_known {
            let why = "this host name is not known here; name it with --base-url, or set a token";
            return Err(refused(StatusCode::MISDIRECTED_REQUEST, why));
        }
        let safe = matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if !safe && self.foreign {
            return Err(refused(StatusCode::FORBIDDEN, "pages of other sites may not send anything here"));
        }
        let path = self.uri.path();
        let Some(scope) = needed(&self.method, path) else { return Ok(None) };
        let caller = app.caller(self.token.as_deref()).await.map_err(|error| Problem::from(error).into_response())?;
        let named = caller.as_ref().and_then(|caller| caller.token.as_deref());
        let dear = scope == Scope::Ingest || is_dear(&self.method, path);
        if let Some(refusal) = self.too_often(app, if dear { Kind::Post } else { Kind::Read }, named) {
            return Err(refusal);
        }
        match caller {
            Some(caller) if caller.may(scope) => Ok(Some(caller)),
            Some(caller) if caller.token.is_some() => {
                let why = format!("this token may not do that; it needs the scope {}", scope.as_str());
                Err(refused(StatusCode::FORBIDDEN, &why))
            }
            _ if safe && self.wants_page => Err(self.to_sign_in()),
            Some(_) => Err(refused(StatusCode::UNAUTHORIZED, "this needs a token: Authorization: Bearer TOKEN")),
            None => Err(refused(StatusCode::UNAUTHORIZED, "this token is not known here")),
        }
    }

    /// Counts this visit; a refusal where there were too many.
    fn too_often(&self, app: &App, kind: Kind, token: Option<&str>) -> Option<Response> {
        // On an open loopback there is nobody else to be fair to.
        if app.access.mode == Mode::Open {
            return None;
        }
        let wait = app.rates.count(kind, self.address, token).err()?;
        let seconds = wait.as_secs() + 1;
        let why = format!("too many requests; come again in {seconds} s");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, why);
        Some(Problem { again_in: Some(seconds), ..problem }.into_response())
    }

    fn to_sign_in(&self) -> Response {
        let here = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
        Redirect::to(&format!("/login?next={next}")).into_response()
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    Problem::new(status, why).into_response()
}

/// What a way in needs; none where everybody may.
fn needed(method: &Method, path: &str) -> Option<Scope> {
    let free = ["/healthz", "/readyz", "/login", "/logout"];
    if free.contains(&path) || path.starts_with("/static/") {
        return None;
    }
    // Who is told of what is the operator's own business.
    if ["/deliveries", "/api/v1/deliveries"]
        .iter()
        .any(|of| path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    {
        return Some(Scope::Admin);
    }
    let action = path.rsplit('/').next().unwrap_or_default();
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS if path == "/explain" => Some(Scope::Ingest),
        Method::GET | Method::HEAD | Method::OPTIONS => Some(Scope::Read),
        Method::DELETE => Some(Scope::Admin),
        _ if matches!(action, "rediagnose" | "delete") => Some(Scope::Admin),
        _ if action == "feedback" || is_dear(method, path) => Some(Scope::Read),
        _ => Some(Scope::Ingest),
    }
}

/// What costs as much as a log.
fn is_dear(method: &Method, path: &str) -> bool {
    *method == Method::POST && (path == "/api/v1/rules/try" || path == "/mcp" || path.starts_with("/rules/bench"))
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
