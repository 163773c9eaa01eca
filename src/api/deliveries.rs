//! Deliveries: what is still to be done at peers (messages, logs to be fetched, answers), and what could not be done, which whoever
//! runs the service sends again or gives up.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use crate::service::{App, now};
use crate::store::Outgoing;

/// Deliveries on a page.
const PAGE: usize = 50;

/// Which deliveries are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Those that could not be made, or those that are still to be made
    #[serde(default)]
    #[param(inline, required = false)]
    state: Which,
    /// Only those whose number is lower: `next` of the page before
    before: Option<i64>,
}

/// Which deliveries.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Dead,
    Waiting,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deliveries {
    /// Newest first, at most 50.
    deliveries: Vec<DeliveryEntry>,
    /// What to give as `before` for the next page; null on the last one.
    next: Option<i64>,
}

/// Something that is to be done at a peer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryEntry {
    /// Its name.
    number: i64,
    /// Which work: `report` finds out who is to be told, `deliver` tells one sink; doors of CI systems have their own.
    kind: String,
    /// In words.
    what: String,
    /// `waiting` or `dead`.
    state: String,
    /// When it was put, in milliseconds since 1970.
    made_at: i64,
    /// Tries that were begun.
    tries: i64,
    /// When it is tried next, in milliseconds since 1970.
    next_at: i64,
    /// Why the last try failed; empty where none did.
    why: String,
}

/// List what could not be done at peers, or is still to be done
#[utoipa::path(
    get,
    path = "/api/v1/deliveries",
    tag = "operation",
    params(Asked),
    responses((status = 200, description = "A page of the list", body = Deliveries))
)]
pub(super) async fn list(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Result<Json<Deliveries>, Problem> {
    let state = match asked.state {
        Which::Dead => "dead",
        Which::Waiting => "waiting",
    };
    let mut found = app.store.outgoing(state, asked.before, PAGE as i64 + 1).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|last| last.number);
    Ok(Json(Deliveries { deliveries: found.into_iter().map(DeliveryEntry::of).collect(), next }))
}

/// Try a dead letter anew
#[utoipa::path(
    post,
    path = "/api/v1/deliveries/{number}/retry",
    tag = "operation",
    params(("number" = i64, Path, description = "The delivery")),
    responses(
        (status = 204, description = "It is tried soon"),
        (status = 404, description = "There is no such dead letter", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn retry(State(app): State<Arc<App>>, Path(number): Path<i64>) -> Result<StatusCode, Problem> {
    if app.store.send_again(number, now()).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}

/// Give a dead letter up
#[utoipa::path(
    delete,
    path = "/api/v1/deliveries/{number}",
    tag = "operation",
    params(("number" = i64, Path, description = "The delivery")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such dead letter", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn give_up(State(app): State<Arc<App>>, Path(number): Path<i64>) -> Result<StatusCode, Problem> {
    if app.store.drop_out(number).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}

fn none() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no dead letter with this number; it may have been sent meanwhile")
}

impl DeliveryEntry {
    fn of(one: Outgoing) -> DeliveryEntry {
        let Outgoing { number, kind, what, state, made_at, tries, next_at, why, .. } = one;
        DeliveryEntry { number, kind, what, state, made_at, tries, next_at, why }
    }
}
