//! Fields: what a sender tells of a log, wherever it stands: in the address, in JSON, in a form. Bounded, and checked once.

use axum::http::Uri;
use url::form_urlencoded;

use super::Problem;
use crate::store::Submission;

/// Names that a sender may use.
pub(super) const NAMES: [&str; 6] = ["name", "project", "job", "build_url", "revision", "branch"];
/// What a name of the sender's own begins with.
const METADATA: &str = "metadata.";
/// Longest value, in bytes; of an address.
const LONGEST: usize = 256;
const LONGEST_URL: usize = 2048;
const LONGEST_KEY: usize = 64;
const LONGEST_VALUE: usize = 1024;
/// Most names of the sender's own.
const MOST_METADATA: usize = 32;
/// What a log is called of which nothing is told.
const NAMELESS: &str = "log";

/// What the address tells.
///
/// # Errors
/// The first name that is none.
pub(super) fn of_query(uri: &Uri) -> Result<Submission, Problem> {
    let mut submission = Submission::default();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        set(&mut submission, &name, value.into_owned())?;
    }
    Ok(submission)
}

/// Writes one field down.
///
/// # Errors
/// That there is no such field.
pub(super) fn set(submission: &mut Submission, name: &str, value: String) -> Result<(), Problem> {
    let field = match name {
        "name" => &mut submission.name,
        "project" => &mut submission.project,
        "job" => &mut submission.job,
        "build_url" => &mut submission.build_url,
        "revision" => &mut submission.revision,
        "branch" => &mut submission.branch,
        own => {
            let Some(key) = own.strip_prefix(METADATA).filter(|key| !key.is_empty()) else {
                let names = NAMES.join(", ");
                return Err(Problem::bad(format!(
                    "there is no field {:?}; the fields are {names}, and {METADATA}NAME for others",
                    cut(own)
                )));
            };
            submission.metadata.insert(key.to_owned(), value);
            return Ok(());
        }
    };
    *field = value;
    Ok(())
}

/// The same with a name, if every field is short and plain.
///
/// # Errors
/// The first field that is not.
pub(super) fn checked(mut submission: Submission) -> Result<Submission, Problem> {
    if submission.name.is_empty() {
        submission.name = NAMELESS.to_owned();
    }
    for (name, value) in NAMES.into_iter().zip(values(&submission)) {
        short(name, value, if name == "build_url" { LONGEST_URL } else { LONGEST })?;
    }
    let url = &submission.build_url;
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Problem::bad("build_url must begin with https:// or http://"));
    }
    if submission.metadata.len() > MOST_METADATA {
        return Err(Problem::bad(format!("metadata may have {MOST_METADATA} names at most")));
    }
    for (key, value) in &submission.metadata {
        short("a name in metadata", key, LONGEST_KEY)?;
        short("a value in metadata", value, LONGEST_VALUE)?;
    }
    Ok(submission)
}

/// What a client calls its request.
///
/// # Errors
/// That it is too long or not plain.
pub(super) fn request_key(header: Option<&axum::http::HeaderValue>) -> Result<Option<String>, Problem> {
    let Some(value) = header else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= LONGEST);
    let key = text.ok_or_else(|| {
        Problem::bad(format!("Idempotency-Key must be 1 to {LONGEST} printable ASCII characters; a UUID is fine"))
    })?;
    Ok(Some(key.to_owned()))
}

/// That a value is short and has no control characters.
///
/// # Errors
/// What is wrong with it.
pub(super) fn short(what: &str, value: &str, longest: usize) -> Result<(), Problem> {
    if value.len() > longest {
        return Err(Problem::bad(format!("{what} is longer than {longest} bytes")));
    }
    if value.chars().any(char::is_control) {
        return Err(Problem::bad(format!("{what} holds control characters; leave them out")));
    }
    Ok(())
}

fn values(submission: &Submission) -> [&str; 6] {
    let Submission { name, project, job, build_url, revision, branch, metadata: _ } = submission;
    [name, project, job, build_url, revision, branch]
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(query: &str) -> Result<Submission, Problem> {
        of_query(&format!("/?{query}").parse().unwrap()).and_then(checked)
    }

    #[test]
    fn fields_are_read_and_bounded() {
        let read_well = read("project=envoy&job=linux%20x86&metadata.runner=7").unwrap();
        assert_eq!((&*read_well.project, &*read_well.job, &*read_well.name), ("envoy", "linux x86", NAMELESS));
        assert_eq!(read_well.metadata.get("runner").unwrap(), "7");
        for (query, word) in [
            ("projekt=envoy", "projekt"),
            ("metadata.=1", "metadata"),
            ("build_url=javascript:alert(1)", "https://"),
            ("name=a%00b", "control"),
            (&*format!("branch={}", "b".repeat(300)), "branch"),
        ] {
            let problem = read(query).unwrap_err();
            assert!(problem.status == 400 && problem.detail.contains(word), "{query}: {}", problem.detail);
        }
    }
}
