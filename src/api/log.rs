//! The log of a report, as it is kept: redacted; some lines of it, or its bytes.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use crate::service::App;
use crate::store::{LogLines, ReportId};

/// Lines that are given where nothing is told, and at most.
const USUAL: u64 = 1000;
const MOST: u64 = 10_000;
/// Bytes that are given at most as lines: a long line counts.
const MOST_BYTES: usize = 4 << 20;
/// Bytes that are read at a time.
const BLOCK: u64 = 1 << 20;

/// Which lines are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The first line, counted from 1 [default: 1]
    #[param(minimum = 1)]
    from: Option<u64>,
    /// The last line; at most 10000 lines are given [default: 1000 lines]
    #[param(minimum = 1)]
    to: Option<u64>,
}

/// A line of a log.
#[derive(Debug, Serialize, ToSchema)]
struct OneLine<'l> {
    /// Its number, counted from 1.
    line: u64,
    /// Its text; bytes that are no UTF-8 are replaced.
    text: &'l str,
}

/// Some lines of a log.
#[derive(Debug, Serialize, ToSchema)]
struct Lines<'l> {
    /// Number of the first line that is given.
    from: u64,
    /// Lines of the whole log.
    of: u64,
    /// In order.
    lines: Vec<OneLine<'l>>,
}

/// Lines of the log
///
/// As JSON; as plain text where that is what the client accepts.
#[utoipa::path(
    get,
    path = "/api/v1/reports/{id}/log",
    tag = "logs",
    params(("id" = String, Path, description = "The report"), Asked),
    responses(
        (status = 200, description = "The lines", content((Lines = "application/json"), (String = "text/plain"))),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn lines(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = ReportId::parse(&id).ok_or_else(Problem::no_report)?;
    let from = asked.from.unwrap_or(1);
    let to = asked.to.unwrap_or_else(|| from.saturating_add(USUAL - 1));
    if from == 0 || to < from {
        return Err(Problem::bad("lines are counted from 1, and `to` is not before `from`"));
    }
    let to = to.min(from.saturating_add(MOST - 1));
    let LogLines { first, of, mut text } = app.store.log_lines(&id, from, to).await?.ok_or_else(Problem::no_report)?;
    text.truncate(MOST_BYTES);
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/plain") && !accept.contains("application/json") {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response());
    }
    let text = String::from_utf8_lossy(&text);
    let lines = text.split_terminator('\n').zip(first..).map(|(text, line)| OneLine { line, text }).collect();
    Ok(Json(Lines { from: first, of, lines }).into_response())
}

/// The whole log, or a part of it
#[utoipa::path(
    get,
    path = "/api/v1/reports/{id}/raw",
    tag = "logs",
    params(
        ("id" = String, Path, description = "The report"),
        ("Range" = Option<String>, Header, description = "bytes=FROM-TO, bytes=FROM- or bytes=-LAST")
    ),
    responses(
        (status = 200, description = "The log", body = String, content_type = "text/plain"),
        (status = 206, description = "The part that was asked for", body = String, content_type = "text/plain", headers(("Content-Range" = String))),
        (status = 404, description = "There is no such report", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The log is smaller", body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn raw(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = ReportId::parse(&id).ok_or_else(Problem::no_report)?;
    let size = app.store.log_size(&id).await?.ok_or_else(Problem::no_report)?;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = asked.and_then(|asked| read_range(asked, size));
    let kind = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        // A log never changes, but it may be forgotten.
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::ETAG, format!("\"{id}\"")),
    ];
    match range {
        Some(None) => {
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the log has {size} bytes"));
            Ok(([(header::CONTENT_RANGE, format!("bytes */{size}"))], problem).into_response())
        }
        Some(Some(part)) => {
            let (from, to) = (*part.start(), *part.end());
            let told = [
                (header::CONTENT_RANGE, format!("bytes {from}-{to}/{size}")),
                (header::CONTENT_LENGTH, (to - from + 1).to_string()),
            ];
            Ok((StatusCode::PARTIAL_CONTENT, kind, told, body(app, id, from, to + 1)).into_response())
        }
        None => Ok((kind, [(header::CONTENT_LENGTH, size.to_string())], body(app, id, 0, size)).into_response()),
    }
}

/// The bytes from `from` up to, without, `end`, block by block.
fn body(app: Arc<App>, id: ReportId, from: u64, end: u64) -> Body {
    Body::from_stream(stream::try_unfold((app, id, from), move |(app, id, at)| async move {
        if at >= end {
            return Ok(None);
        }
        let until = end.min(at + BLOCK);
        let block = app.store.log_bytes(&id, at..until).await.map_err(io::Error::other)?;
        match block.filter(|block| !block.is_empty()) {
            Some(block) => {
                let next = at + block.len() as u64;
                Ok(Some((Bytes::from(block), (app, id, next))))
            }
            None => Err(io::Error::other("the log was forgotten while it was read")),
        }
    }))
}

/// The bytes that a `Range` asks for: none where it is not understood and so ignored, none within where the log is smaller.
fn read_range(text: &str, size: u64) -> Option<Option<RangeInclusive<u64>>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    if to.contains(',') {
        return None;
    }
    let last = size.checked_sub(1);
    if from.is_empty() {
        let count: u64 = to.parse().ok()?;
        return Some(last.filter(|_| count > 0).map(|last| size.saturating_sub(count)..=last));
    }
    let from: u64 = from.parse().ok()?;
    let to: u64 = if to.is_empty() { u64::MAX } else { to.parse().ok()? };
    if to < from {
        return None;
    }
    Some(last.filter(|last| from <= *last).map(|last| from..=to.min(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_wants() {
        for (text, wanted) in [
            ("bytes=0-0", Some(Some(0..=0))),
            ("bytes=5-", Some(Some(5..=9))),
            ("bytes=-3", Some(Some(7..=9))),
            ("bytes=-30", Some(Some(0..=9))),
            ("bytes=2-99", Some(Some(2..=9))),
            ("bytes=10-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=3-2", None),
            ("bytes=0-1,4-5", None),
            ("lines=0-1", None),
            ("bytes=x-", None),
        ] {
            assert_eq!(read_range(text, 10), wanted, "{text}");
        }
        assert_eq!(read_range("bytes=0-", 0), Some(None));
    }
}
