//! DeliveriesPage: what could not be done at peers, with what whoever runs the service can do about it, and what is still to be done.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use serde::Deserialize;

use super::address;
use super::frame::Frame;
use super::moment::Moment;
use super::web_error::WebError;
use crate::service::{App, now};
use crate::store::Outgoing;

/// Deliveries on a page.
const PAGE: usize = 50;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// `waiting`, or dead letters.
    state: String,
    /// Numbers below this one.
    before: Option<i64>,
}

#[derive(Template, WebTemplate)]
#[template(path = "deliveries.html")]
pub(super) struct DeliveriesPage {
    frame: Frame,
    is_waiting: bool,
    waiting: i64,
    dead: i64,
    rows: Vec<(Outgoing, Moment)>,
    next: Option<String>,
}

/// GET /deliveries
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
) -> Result<DeliveriesPage, WebError> {
    let is_waiting = wanted.state == "waiting";
    let state = if is_waiting { "waiting" } else { "dead" };
    let (waiting, dead) = app.store.outbox_size().await?;
    let mut rows = app.store.outgoing(state, wanted.before, PAGE as i64 + 1).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|last| {
        let state = if is_waiting { "waiting" } else { "" };
        address::with("/deliveries", &[("state", state), ("before", &last.number.to_string())])
    });
    let now = now();
    let rows = rows.into_iter().map(|one| (one.clone(), Moment::of(one.made_at, now))).collect();
    Ok(DeliveriesPage { frame: Frame::of(&app, ""), is_waiting, waiting, dead, rows, next })
}

/// POST /deliveries/retry: all dead letters
pub(super) async fn retry_all(State(app): State<Arc<App>>) -> Result<Redirect, WebError> {
    app.store.send_all_again(now()).await?;
    Ok(Redirect::to("/deliveries"))
}

/// POST /deliveries/{number}/retry
pub(super) async fn retry(State(app): State<Arc<App>>, Path(number): Path<i64>) -> Result<Redirect, WebError> {
    if app.store.send_again(number, now()).await? { Ok(Redirect::to("/deliveries")) } else { Err(none()) }
}

/// POST /deliveries/{number}/drop
pub(super) async fn give_up(State(app): State<Arc<App>>, Path(number): Path<i64>) -> Result<Redirect, WebError> {
    if app.store.drop_out(number).await? { Ok(Redirect::to("/deliveries")) } else { Err(none()) }
}

fn none() -> WebError {
    WebError::NotFound("there is no dead letter with this number; it may have been sent meanwhile".to_owned())
}
