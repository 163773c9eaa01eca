//! Mention: what one error or warning of Bazel says of an external repository: its name, that it could not be fetched,
//! from where it was to come, and who needs it. Joined with the chains in `repository.rs`.

use super::chain::repository_name;
use super::frame::external;
use super::{Frame, Marker};
use crate::log::Place;

/// How many lines of a long message are searched for the part that follows.
const REST: usize = 40;

/// What one line says of one repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mention {
    /// `None` where the line has only the URL.
    pub(super) name: Option<String>,
    /// The line says that it is missing or could not be fetched.
    pub(super) failed: bool,
    pub(super) urls: Vec<String>,
    /// The repository rule.
    pub(super) rule: Option<String>,
    /// The call that made the repository: the only frame where no chain is printed.
    pub(super) frame: Option<Frame>,
    /// The target that depends on it.
    pub(super) wanted_by: Option<String>,
    /// The requested target whose analysis failed: who wants it, where nothing nearer is told.
    pub(super) requested: Option<String>,
}

impl Mention {
    /// What the line of `place` says of repositories; empty where it says nothing.
    pub(super) fn read(marker: Marker, place: &Place<'_>) -> Vec<Mention> {
        let line = place.line();
        let text = &*line.text;
        match marker {
            Marker::NoSuchPackage => no_such_package(text, place),
            Marker::FetchError => one(fetch_error(text)),
            Marker::FetchingRule => one(fetching(text)),
            Marker::FailedToFetch => one(failed_to_fetch(text)),
            Marker::DownloadError => one(download_error(text)),
            Marker::DownloadWarning => one(download_warning(text)),
            Marker::Git => one(git(text, place)),
            Marker::FetchDisabled => one(fetch_disabled(text)),
            _ => Vec::new(),
        }
    }

    fn failed(name: &str) -> Option<Mention> {
        Some(Mention { name: Some(repository_name(name)?.to_owned()), failed: true, ..Mention::default() })
    }
}

fn one(mention: Option<Mention>) -> Vec<Mention> {
    mention.into_iter().collect()
}

/// `An error occurred during the fetch of repository 'N':`.
fn fetch_error(text: &str) -> Option<Mention> {
    let (_, rest) = text.split_once("the fetch of repository ")?;
    match rest.strip_prefix('\'') {
        Some(quoted) => Mention::failed(quoted.split_once('\'')?.0),
        None => Mention::failed(up_to(rest, &[':', ' '])),
    }
}

/// `PLACE: fetching R rule //external:N: …`, `fetching R rule @@N//: …`, `fetching R rule //:N: …`, `fetching N: …`.
fn fetching(text: &str) -> Option<Mention> {
    let (before, rest) = text.split_once("fetching ")?;
    let frame = before.trim_end().strip_suffix(':').and_then(last_word).map(Frame::place).filter(|f| f.line.is_some());
    let (name, rule) = match rest.split_once(" rule ") {
        Some((rule, label)) if !rule.contains(' ') => {
            let name = label.strip_prefix("//external:").or_else(|| label.strip_prefix("//:")).unwrap_or(label);
            (up_to(name, &[':', ' ', '/']), Some(rule.to_owned()))
        }
        _ => (rest.split_once(": ")?.0, None),
    };
    Some(Mention { rule, frame, ..Mention::failed(name)? })
}

/// `T depends on L in repository N which failed to fetch`.
fn failed_to_fetch(text: &str) -> Option<Mention> {
    let (before, _) = text.split_once(" which failed to fetch")?;
    let (before, name) = before.rsplit_once(" in repository ")?;
    let wanted_by = before.rsplit_once(" depends on ").and_then(|(t, _)| last_word(t));
    Some(Mention { wanted_by: wanted_by.map(str::to_owned), ..Mention::failed(name)? })
}

/// `no such package '@N//P': …`, several of them where one hides in another.
fn no_such_package(text: &str, place: &Place<'_>) -> Vec<Mention> {
    const KEY: &str = "no such package '@";
    let requested = text.split_once("Analysis of target '").and_then(|(_, t)| Some(t.split_once('\'')?.0.to_owned()));
    let wanted_by = referenced_by(text).or_else(|| referenced_below(place));
    // Then the repository is there, and only a package in it is missing. At its root nothing was fetched at all.
    let only_package = text.contains("BUILD file not found") && !text.contains("directory ''");
    text.match_indices(KEY)
        .filter_map(|(at, _)| {
            let name = up_to(text.get(at + KEY.len()..)?.trim_start_matches('@'), &['/', '\'']);
            let mention = Mention::failed(name)?;
            let (wanted_by, requested) = (wanted_by.clone(), requested.clone());
            Some(Mention { failed: !only_package, wanted_by, requested, ..mention })
        })
        .take(8)
        .collect()
}

/// `Error downloading [U1, U2] to PATH/external/N/temp…`.
fn download_error(text: &str) -> Option<Mention> {
    let (_, rest) = text.split_once("Error downloading [")?;
    let (urls, rest) = rest.split_once(']')?;
    let urls = urls.split(", ").filter(|u| !u.is_empty()).map(str::to_owned).collect();
    let path = rest.strip_prefix(" to ").unwrap_or("");
    let name = external(path.split(": ").next().unwrap_or(path)).map(str::to_owned);
    Some(Mention { failed: name.is_some(), name, urls, ..Mention::default() })
}

/// `Download from U failed: …`. The next mirror may have worked.
fn download_warning(text: &str) -> Option<Mention> {
    let (_, rest) = text.split_once("Download from ")?;
    let (url, _) = rest.split_once(" failed")?;
    (!url.contains(' ')).then(|| Mention { urls: vec![url.to_owned()], ..Mention::default() })
}

/// `error running 'git …' while working with @N:`, and below it what git says: `unable to access 'U': …`.
fn git(text: &str, place: &Place<'_>) -> Option<Mention> {
    let Some((_, url)) = text.split_once("unable to access '") else {
        return git_repository(text).and_then(Mention::failed);
    };
    let url = url.split_once('\'')?.0.to_owned();
    let above = place.lines_above().take(8).find_map(|p| git_repository(&p.line().text).map(str::to_owned));
    let mention = above.as_deref().and_then(Mention::failed).unwrap_or_default();
    Some(Mention { urls: vec![url], ..mention })
}

fn git_repository(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("while working with @")?;
    Some(up_to(rest.trim_start_matches('@'), &[':', ' ']))
}

/// `External repository N not found and fetching repositories is disabled`, `… is not up-to-date and fetching is disabled`.
fn fetch_disabled(text: &str) -> Option<Mention> {
    let (_, rest) = text.split_once("repository ")?;
    let mention = Mention::failed(up_to(rest, &[' ']))?;
    Some(Mention { failed: text.contains(" not found "), ..mention })
}

/// `… and referenced by 'T'`.
fn referenced_by(text: &str) -> Option<String> {
    Some(text.split_once("and referenced by '")?.1.split_once('\'')?.0.to_owned())
}

/// The same in the lines below, up to the next message.
fn referenced_below(place: &Place<'_>) -> Option<String> {
    for below in place.lines_below().take(REST) {
        let line = below.line();
        if ["ERROR:", "WARNING:", "INFO:", "FAILED:", "DEBUG:", "Loading:"].iter().any(|s| line.text.starts_with(s)) {
            return None;
        }
        if let Some(target) = referenced_by(&line.text) {
            return Some(target);
        }
    }
    None
}

fn up_to<'t>(text: &'t str, ends: &[char]) -> &'t str {
    text.split(ends).next().unwrap_or(text)
}

fn last_word(text: &str) -> Option<&str> {
    text.split_whitespace().next_back()
}
