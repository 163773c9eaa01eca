//! Frame: one place in a `.bzl`, `WORKSPACE` or `MODULE.bazel` file, read from `PATH:LINE:COL: in FUNCTION`.

use serde::{Deserialize, Serialize};

/// One call on the way to a repository.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct Frame {
    /// Last component of `path`.
    pub file: String,
    /// The path as the log spells it.
    pub path: String,
    /// 1-based line in the file; none for `<builtin>`.
    pub line: Option<u64>,
    /// 1-based column in the line.
    pub column: Option<u64>,
    /// The function that calls, or `<toplevel>`; Bazel before 3.0 does not tell it.
    pub function: Option<String>,
    /// The external repository that holds the file; none for the user's own files.
    pub repository: Option<String>,
}

/// Where a repository rule is defined.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub struct DefinedAt {
    /// Last component of `path`.
    pub file: String,
    /// The path as the log spells it.
    pub path: String,
    /// 1-based line in the file.
    pub line: Option<u64>,
    /// 1-based column in the line.
    pub column: Option<u64>,
    /// The external repository that holds the file; none for the user's own files.
    pub repository: Option<String>,
}

impl Frame {
    /// Reads `PATH:LINE:COL: in FUNCTION`, `PATH:LINE: in FUNCTION` or `<builtin>: in <toplevel>`.
    pub(super) fn read(text: &str) -> Option<Frame> {
        let (place, function) = text.trim().rsplit_once(": in ")?;
        let function = function.trim();
        if function.is_empty() || function.contains(char::is_whitespace) {
            return None;
        }
        let frame = Frame { function: Some(function.to_owned()), ..Frame::place(place) };
        (frame.line.is_some() || frame.path.starts_with('<')).then_some(frame)
    }

    /// Reads `PATH:LINE:COL`, with or without the numbers.
    pub(super) fn place(text: &str) -> Frame {
        let (path, last) = number_after(text.trim());
        let (path, first) = if last.is_some() { number_after(path) } else { (path, None) };
        let (line, column) = if first.is_some() { (first, last) } else { (last, None) };
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
        let repository = external(path).map(str::to_owned);
        Frame { file, path: path.to_owned(), line, column, function: None, repository }
    }
}

impl From<Frame> for DefinedAt {
    fn from(frame: Frame) -> Self {
        let Frame { file, path, line, column, function: _, repository } = frame;
        DefinedAt { file, path, line, column, repository }
    }
}

/// The external repository that a path lies in: `NAME` of `…/external/NAME/…`.
pub(super) fn external(path: &str) -> Option<&str> {
    let rest = match path.strip_prefix("external/") {
        Some(rest) => rest,
        None => path.split_once("/external/")?.1,
    };
    let (name, _) = rest.split_once('/')?;
    (!name.is_empty()).then_some(name)
}

/// Splits `TEXT:NUMBER`; the whole text and `None` where no number ends it.
fn number_after(text: &str) -> (&str, Option<u64>) {
    match text.rsplit_once(':') {
        Some((before, number)) if number.bytes().all(|b| b.is_ascii_digit()) => match number.parse() {
            Ok(n) => (before, Some(n)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form() {
        let f = Frame::read("  /build/.cache/x/external/envoy_api/bazel/repositories.bzl:27:26: in api_dependencies")
            .unwrap();
        assert_eq!((f.file.as_str(), f.line, f.column), ("repositories.bzl", Some(27), Some(26)));
        assert_eq!(f.function.as_deref(), Some("api_dependencies"));
        assert_eq!(f.repository.as_deref(), Some("envoy_api"));
        let f = Frame::read("/home/dev/ws/WORKSPACE:9: in <toplevel>").unwrap();
        assert_eq!((f.file.as_str(), f.line, f.column, f.repository), ("WORKSPACE", Some(9), None, None));
        let f = Frame::read("<builtin>: in <toplevel>").unwrap();
        assert_eq!((f.path.as_str(), f.line), ("<builtin>", None));
        let f = Frame::read("C:/users/dev/ws/WORKSPACE:9:23: in <toplevel>").unwrap();
        assert_eq!((f.path.as_str(), f.line, f.column), ("C:/users/dev/ws/WORKSPACE", Some(9), Some(23)));
    }

    #[test]
    fn what_is_no_frame() {
        assert_eq!(Frame::read("Analyzing: target //:t (1 packages loaded)"), None);
        assert_eq!(Frame::read("note: in foo bar"), None);
        assert_eq!(Frame::read("INFO: in x"), None);
        assert_eq!(Frame::read(""), None);
    }
}
