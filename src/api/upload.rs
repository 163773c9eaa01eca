//! Upload: a log as it comes in a request: as the body itself, in a multipart form, in JSON, or in a browser's plain form.
//! Only JSON and plain forms are held in memory; everything else streams.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::{Stream, TryStreamExt, stream};
use http_body_util::Limited;
use multer::{Field, Multipart};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::{ReaderStream, StreamReader};
use url::form_urlencoded;
use utoipa::ToSchema;

use super::{Problem, fields};
use crate::service::{App, FormError, Taken};
use crate::store::Submission;

/// Most bytes of a log in JSON or in a plain form: these are held in memory.
pub(super) const MOST_HELD: u64 = 16 << 20;
/// Bytes that tell a form from a log.
const HEAD: usize = 2048;
/// Longest field of a form that is no log, in bytes.
const LONGEST_FIELD: usize = 4096;

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// A log and what is told of it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogInJson {
    /// The log.
    #[schema(required, value_type = String)]
    log: Option<String>,
    /// What to call the log; at most 256 bytes, as all of these.
    name: String,
    /// The project that was built.
    project: String,
    /// The job of the project.
    job: String,
    /// The page of the build, at most 2048 bytes.
    build_url: String,
    /// The commit.
    revision: String,
    /// The branch.
    branch: String,
    /// Anything else: at most 32 names of 64 bytes with values of 1024.
    metadata: std::collections::BTreeMap<String, String>,
}

/// Takes the log of a request in, whatever its form. `name` is what to call a log of which the request tells no name.
///
/// # Errors
/// Why not, for the client.
pub(super) async fn take(app: &Arc<App>, request: Request, name: &str) -> Result<Taken, Problem> {
    let (parts, body) = request.into_parts();
    let mut submission = fields::of_query(&parts.uri)?;
    if submission.name.is_empty() {
        name.clone_into(&mut submission.name);
    }
    let key = fields::request_key(parts.headers.get("idempotency-key"))?;
    let most = app.config.most_sent;
    let told: Option<u64> =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|told| told > most) {
        return Err(crate::service::IntakeError::TooLarge(most).into());
    }
    let body = decoded(&parts.headers, Body::new(Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX))))?;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (submission, body) = match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "multipart/form-data" => of_multipart(submission, kind, body).await?,
        "application/json" => of_json(app, submission, body).await?,
        "application/x-www-form-urlencoded" => of_form(app, submission, body).await?,
        _ => (submission, body),
    };
    Ok(app.take(fields::checked(submission)?, key, body).await?)
}

/// A body with its Content-Encoding undone.
fn decoded(headers: &HeaderMap, body: Body) -> Result<Reader, Problem> {
    let body = StreamReader::new(TryStreamExt::map_err(body.into_data_stream(), io::Error::other));
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let encoding = encodings.next().map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let encoding = if encodings.next().is_some() { Some("several".to_owned()) } else { encoding };
    Ok(match encoding.as_deref() {
        None | Some("" | "identity") => Box::pin(body),
        Some("gzip" | "x-gzip") => {
            let mut decoder = GzipDecoder::new(body);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Some("zstd") => {
            let mut decoder = ZstdDecoder::new(body);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Some("br") => Box::pin(BrotliDecoder::new(body)),
        Some(_) => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this Content-Encoding is not known here; use gzip, zstd or br, or none",
            ));
        }
    })
}

/// The file of a multipart form; fields stand before it.
async fn of_multipart(mut submission: Submission, kind: &str, body: Reader) -> Result<(Submission, Reader), Problem> {
    let boundary = multer::parse_boundary(kind).map_err(|error| Problem::bad(format!("the form: {error}")))?;
    let mut form = Multipart::new(ReaderStream::with_capacity(body, 64 * 1024), boundary);
    while let Some(mut field) = form.next_field().await.map_err(|error| form_problem(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        if file.is_some() || name == "log" || name == "file" {
            // A browser sends the field of a file that nobody chose.
            if name == "file" && file.as_deref() == Some("") {
                continue;
            }
            let file = file.unwrap_or_default();
            let last = file.rsplit(['/', '\\']).next().unwrap_or_default();
            if submission.name.is_empty() {
                last[..last.floor_char_boundary(200)].clone_into(&mut submission.name);
            }
            // In a browser's form the text box stands before the file; where it is empty, the file is meant.
            if name == "log" && last.is_empty() {
                let mut first = Some(Bytes::new());
                while first.as_ref().is_some_and(Bytes::is_empty) {
                    first = field.chunk().await.map_err(|error| form_problem(&error))?;
                }
                let Some(first) = first else { continue };
                return Ok((submission, file_of(form, field, first)));
            }
            return Ok((submission, file_of(form, field, Bytes::new())));
        }
        let mut value = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| form_problem(&error))? {
            if value.len() + chunk.len() > LONGEST_FIELD {
                return Err(Problem::bad(format!("the field {name:?} is longer than {LONGEST_FIELD} bytes")));
            }
            value.extend_from_slice(&chunk);
        }
        let value = String::from_utf8(value).map_err(|_| Problem::bad(format!("the field {name:?} is not UTF-8")))?;
        fields::set(&mut submission, &name, value)?;
    }
    Err(Problem::bad("the form holds no log; send it as the field `file` or `log`"))
}

/// The bytes of a form's file. What follows it must be nothing.
fn file_of(form: Multipart<'static>, field: Field<'static>, first: Bytes) -> Reader {
    let rest = stream::try_unfold(Some((form, field)), async |state| {
        let Some((mut form, mut field)) = state else { return Ok(None) };
        match field.chunk().await.map_err(form_error)? {
            Some(chunk) => Ok(Some((chunk, Some((form, field))))),
            None => {
                drop(field);
                match form.next_field().await.map_err(form_error)? {
                    Some(after) if after.name() != Some("file") || after.file_name().is_some_and(|n| !n.is_empty()) => {
                        let why = "the fields of a form must stand before its log, which is one";
                        Err(io::Error::other(FormError(why.to_owned())))
                    }
                    _ => Ok(None),
                }
            }
        }
    });
    let first = stream::iter((!first.is_empty()).then_some(Ok::<_, io::Error>(first)));
    let all: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> =
        Box::pin(futures_util::StreamExt::chain(first, rest));
    Box::pin(StreamReader::new(all))
}

/// An error of a form on its way through a reader; one of the body beneath keeps what it is.
fn form_error(error: multer::Error) -> io::Error {
    match error {
        multer::Error::StreamReadFailed(inner) => match inner.downcast::<io::Error>() {
            Ok(io) => *io,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(FormError(format!("the form: {other}"))),
    }
}

fn form_problem(error: &multer::Error) -> Problem {
    Problem::bad(format!("the form: {error}"))
}

/// The log in a JSON object.
async fn of_json(app: &App, told: Submission, body: Reader) -> Result<(Submission, Reader), Problem> {
    let bytes = held(app, body, MOST_HELD).await?;
    let json: LogInJson = serde_json::from_slice(&bytes).map_err(|error| {
        let problem = json_problem(&error);
        Problem {
            detail: format!("{}; a log that is JSON itself needs another Content-Type", problem.detail),
            ..problem
        }
    })?;
    let Some(log) = json.log else {
        let why = "the JSON has no `log`; a log that is JSON itself needs another Content-Type";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    };
    let or = |here: String, there: String| if here.is_empty() { there } else { here };
    let submission = Submission {
        name: or(json.name, told.name),
        project: or(json.project, told.project),
        job: or(json.job, told.job),
        build_url: or(json.build_url, told.build_url),
        revision: or(json.revision, told.revision),
        branch: or(json.branch, told.branch),
        metadata: told.metadata.into_iter().chain(json.metadata).collect(),
    };
    Ok((submission, Box::pin(io::Cursor::new(log.into_bytes()))))
}

/// What curl's --data-binary calls a form is a log, unless it really is a form.
async fn of_form(app: &App, mut submission: Submission, mut body: Reader) -> Result<(Submission, Reader), Problem> {
    let mut head = Vec::new();
    let mut start = (&mut body).take(HEAD as u64);
    start.read_to_end(&mut head).await.map_err(|error| app.broken_off(&error))?;
    let plain = |byte: &u8| byte.is_ascii_graphic();
    let known = |name: &str| head.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
    if !head.iter().all(plain) || !fields::NAMES.into_iter().chain(["log"]).any(known) {
        return Ok((submission, Box::pin(io::Cursor::new(head).chain(body))));
    }
    // Each byte may be written as three.
    let bytes = held(app, Box::pin(io::Cursor::new(head).chain(body)), 3 * MOST_HELD).await?;
    let mut log = None;
    for (name, value) in form_urlencoded::parse(&bytes) {
        match &*name {
            "log" => log = Some(value.into_owned()),
            name => fields::set(&mut submission, name, value.into_owned())?,
        }
    }
    let log = log.ok_or_else(|| Problem::bad("the form holds no log; send it as the field `log`"))?;
    Ok((submission, Box::pin(io::Cursor::new(log.into_bytes()))))
}

async fn held(app: &App, body: Reader, most: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    body.take(most + 1).read_to_end(&mut bytes).await.map_err(|error| app.broken_off(&error))?;
    if bytes.len() as u64 > most {
        let why =
            format!("the body is larger than {most} bytes, the limit of this form; send the log itself as the body");
        return Err(Problem::too_large(most, why));
    }
    Ok(bytes)
}

/// A small JSON body.
///
/// # Errors
/// That it is none, or too large.
pub(super) async fn json<T: DeserializeOwned>(request: Request, most: u64) -> Result<T, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        let why = "the body must be JSON, with the Content-Type application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let limited = Limited::new(request.into_body(), usize::try_from(most).unwrap_or(usize::MAX));
    let collected = http_body_util::BodyExt::collect(limited).await;
    let bytes = collected.map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
        true => Problem::too_large(most, format!("the body is larger than {most} bytes, the limit here")),
        false => Problem::bad(format!("the body could not be read to its end: {error}")),
    })?;
    serde_json::from_slice(&bytes.to_bytes()).map_err(|error| json_problem(&error))
}

fn json_problem(error: &serde_json::Error) -> Problem {
    let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    Problem::new(status, format!("the JSON: {error}"))
}
