//! Command: `/whyred URL|text|permalink|help`.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::api::place_of;
use super::{message, plain, whisper};
use crate::door::ask::Ask;
use crate::door::{Doors, Refusal};

/// POST /slack/commands
pub(super) async fn command(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    doors.admit_slack(&headers, &body).await?;
    let fields: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let ask = Ask::of(&plain(field("text")));
    if ask == Ask::Help {
        return Ok(Json(whisper(&format!("{} Type `/whyred ADDRESS`.", doors.help()))).into_response());
    }
    let response_url = doors.response_url(field("response_url"))?;
    let channel = field("channel_id").to_owned();
    let Some(place) = doors.queue.place() else {
        return Ok(Json(whisper("Too much is asked at once; try again in a minute.")).into_response());
    };
    let work = doors.clone();
    place.run(async move {
        let linked = if let Ask::At(address) = &ask { place_of(address) } else { None };
        let answer = match linked {
            Some(place) => work.linked(&place, &channel).await,
            None => work.answer(ask, "slack").await,
        };
        work.respond(response_url, &message(&answer)).await;
    });
    Ok(Json(whisper("Reading the log…")).into_response())
}
