//! LoginPage: a browser shows its token once and keeps it in a cookie that no script can read.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::frame::Frame;
use super::web_error::WebError;
use crate::service::App;
use crate::service::access::Scope;

/// The cookie's name.
pub const COOKIE: &str = "whyred";
/// How long a browser keeps it, in seconds: 30 days.
const KEPT: u32 = 30 * 24 * 60 * 60;

#[derive(Template, WebTemplate)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    next: String,
    problem: Option<&'static str>,
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

/// A token, and where to go with it.
#[derive(Deserialize)]
pub(super) struct Shown {
    token: String,
    #[serde(default)]
    next: String,
}

/// GET /login
pub(super) async fn show(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    LoginPage { frame: Frame::of(&app, ""), next: local(&asked.next), problem: None }.into_response()
}

/// POST /login
pub(super) async fn enter(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Result<Response, WebError> {
    let next = local(&shown.next);
    let token = shown.token.trim();
    let known = app.caller(Some(token)).await?.is_some_and(|caller| caller.may(Scope::Read));
    // What a cookie cannot hold is no token.
    if !known || !token.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)) {
        let problem = Some("This token is not known here, or may not read.");
        let page = LoginPage { frame: Frame::of(&app, ""), next, problem };
        return Ok((StatusCode::FORBIDDEN, page).into_response());
    }
    let proto = headers.get("x-forwarded-proto").and_then(|proto| proto.to_str().ok());
    let is_secure = app.config.base_url.starts_with("https:") || (app.config.trust_proxy && proto == Some("https"));
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={KEPT}; HttpOnly; SameSite=Lax{secure}");
    Ok(with_cookie(Redirect::to(&next).into_response(), &cookie))
}

/// POST /logout
pub(super) async fn leave() -> Response {
    let cookie = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    with_cookie(Redirect::to("/login").into_response(), &cookie)
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// A place here: another site's address would lead people astray.
fn local(next: &str) -> String {
    let here = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if here { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(local("/r/abc?x=1"), "/r/abc?x=1");
        for elsewhere in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/\r\nx", "evil"] {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
    }
}
