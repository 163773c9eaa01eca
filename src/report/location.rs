//! Location: the file of the checkout that a diagnosis is about, where the log tells one that can be trusted to be there.

use super::{LogFacts, Report};

/// A place in the checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Relative to the checkout, with slashes.
    pub path: String,
    /// 1-based, where the log tells it.
    pub line: Option<u64>,
    /// 1-based, where the log tells it.
    pub column: Option<u64>,
}

/// Folders that hold a checkout: what follows them, after so many further folders, is a path in it.
const CHECKOUTS: [(&str, usize); 12] = [
    ("/execroot/", 1),
    ("/build/source/", 0),
    ("/home/runner/work/", 2),
    ("/__w/", 2),
    ("/github/workspace/", 0),
    ("/builds/", 2),
    ("/buildkite/builds/", 3),
    ("/jenkins_home/workspace/", 1),
    ("/jenkins/workspace/", 1),
    ("/workspace/", 0),
    ("/codebuild/output/src/", 1),
    ("-source/", 0),
];
/// Folders that are not of the checkout, whatever they are in.
const FOREIGN: [&str; 9] =
    ["external/", "bazel-out/", "bazel-bin/", "bazel-genfiles/", "pkgs/", "lib/", "nixos/", "node_modules/", ".cargo/"];
/// Files of a checkout whose names have no dot.
const NAMES: [&str; 4] = ["WORKSPACE", "BUILD", "Makefile", "Dockerfile"];

impl Location {
    /// Where diagnosis `number` (from 0) says that the failure is: the file that its rule captured, else where the repository at fault
    /// is asked for. None where the file is of the build system, a dependency or the machine.
    pub fn of(report: &Report, number: usize) -> Option<Location> {
        Location::captured(report, number).or_else(|| Location::of_chain(report, number))
    }

    fn of_chain(report: &Report, number: usize) -> Option<Location> {
        let mut repositories = report.repositories.iter().filter(|repository| repository.diagnosis == Some(number));
        let frame = repositories.find_map(|repository| repository.frames.first())?;
        let path = in_checkout(&frame.path).or_else(|| in_checkout(&frame.file))?;
        Some(Location { path, line: frame.line, column: frame.column })
    }

    fn captured(report: &Report, number: usize) -> Option<Location> {
        let captures = &report.diagnoses.get(number)?.captures;
        let captured = |name: &str| captures.get(name).map(String::as_str);
        let (file, line, column) = split(captured("file").or_else(|| captured("path"))?);
        let path = in_checkout(file)?;
        let number = |name: &str| captured(name).and_then(|digits| digits.parse().ok());
        Some(Location { path, line: line.or_else(|| number("line")), column: column.or_else(|| number("column")) })
    }
}

impl LogFacts {
    /// The log as a file of the checkout: no format for CI takes a path from the root, or none.
    pub(super) fn path(&self) -> &str {
        let path = self.name.trim_start_matches(['.', '/', '\\']);
        if path.trim().is_empty() { "log" } else { path }
    }
}

/// `a/b.bzl:3:14` → the file, its line, its column.
fn split(place: &str) -> (&str, Option<u64>, Option<u64>) {
    let cut = |text| -> Option<(&str, u64)> {
        let (before, digits) = str::rsplit_once(text, ':')?;
        Some((before, digits.parse().ok()?))
    };
    match cut(place) {
        None => (place, None, None),
        Some((before, last)) => match cut(before) {
            Some((file, line)) => (file, Some(line), Some(last)),
            None => (before, Some(last), None),
        },
    }
}

fn in_checkout(file: &str) -> Option<String> {
    let mut path = file;
    if file.starts_with('/') {
        let inside = CHECKOUTS.iter().find_map(|(folder, more)| {
            let (_, rest) = file.split_once(folder)?;
            if *more == 0 { Some(rest) } else { rest.splitn(more + 1, '/').nth(*more) }
        });
        path = inside?;
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    let plain = !path.is_empty()
        && (path.contains(['.', '/']) || NAMES.contains(&path))
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+/@=,".contains(&b))
        && !path.starts_with(['/', '@', '-'])
        && !path.split('/').any(|part| part == ".." || part.is_empty());
    (plain && !FOREIGN.iter().any(|foreign| path.starts_with(foreign))).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_checkout() {
        let path = |file: &str| in_checkout(split(file).0);
        for same in ["app/BUILD.bazel", "flake.nix", "WORKSPACE"] {
            assert_eq!(path(same).as_deref(), Some(same));
        }
        assert_eq!(path("./src/a.c").as_deref(), Some("src/a.c"));
        assert_eq!(path("/home/runner/work/envoy/envoy/source/a.cc:3:4").as_deref(), Some("source/a.cc"));
        assert_eq!(path("/build/output/execroot/_main/pkg/BUILD").as_deref(), Some("pkg/BUILD"));
        assert_eq!(path("/nix/store/0qv3-source/flake.nix:12:5").as_deref(), Some("flake.nix"));
        for foreign in [
            "external/foo/BUILD",
            "/usr/include/stdio.h",
            "/nix/store/0qv3-source/pkgs/top-level/all-packages.nix",
            "@repo//:a.bzl",
            "//app:BUILD",
            "../secret.txt",
            "a b.txt",
            "",
            "gcc",
        ] {
            assert_eq!(path(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn line_and_column() {
        assert_eq!(split("a/b.bzl:3:14"), ("a/b.bzl", Some(3), Some(14)));
        assert_eq!(split("a/b.bzl:3"), ("a/b.bzl", Some(3), None));
        assert_eq!(split("a/b.bzl"), ("a/b.bzl", None, None));
    }
}
