//! Client: what a request says of who sent it: the address, the token, whether a page of ours made it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, header};

use crate::service::App;
use crate::web::COOKIE;

/// The address of who asks: the proxy's word where it is trusted, else the connection's.
pub(super) fn address(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    // What the nearest proxy added stands last; what stands before it anybody may have written.
    let told = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let told = told.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    if app.config.trust_proxy { told.or(peer) } else { peer }
}

/// The token that a request shows, and whether it came as a cookie.
pub(super) fn token(headers: &HeaderMap) -> Option<(String, bool)> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(shown) = shown {
        let (scheme, token) = shown.split_once(' ').unwrap_or(("", shown));
        // git, curl -u and older scripts know no other scheme than Basic; the user's name is of no interest there.
        return scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| (token.trim().to_owned(), false))
            .or(Some((String::new(), false)));
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| (token.to_owned(), true))
}

/// Whether another site's page made this request.
pub(super) fn is_foreign(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let ours = text("host").into_iter().chain(text("x-forwarded-host").filter(|_| app.config.trust_proxy));
    let base = app.config.base_url.split_once("://").map(|(_, host)| host);
    !ours.chain(base).any(|ours| ours.eq_ignore_ascii_case(host))
}

/// Whether the host that was asked for is this machine or the operator's name for it: a page of elsewhere cannot come in by
/// giving its own name this machine's address.
pub(super) fn is_host_known(app: &App, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let base = app.config.base_url.split_once("://").map(|(_, host)| host);
    bare.parse::<IpAddr>().is_ok()
        || bare.eq_ignore_ascii_case("localhost")
        || bare.to_ascii_lowercase().ends_with(".localhost")
        || base.is_some_and(|base| base.eq_ignore_ascii_case(host) || base.eq_ignore_ascii_case(name))
}
