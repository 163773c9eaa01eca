//! Prefix: what CI systems, journals and Nix put before the message of a line. Prefixes come in any number and nesting:
//! GitHub's time, then `envoy> `, then `       > `, then Bazel's message.

/// Longest name of a derivation: what a store path may hold.
const LONGEST_NAME: usize = 211;
/// How far the two tabs of `gh run view --log` (`job TAB step TAB time`) are looked for, in bytes.
const JOB_AND_STEP: usize = 256;
/// How lines of Google Cloud Build begin.
const STEP: &str = "Step #";
/// The words with which Bazel starts its own messages.
const SEVERITIES: [&str; 7] = ["ERROR:", "WARNING:", "INFO:", "DEBUG:", "FAILED:", "FATAL:", "FAIL:"];
/// GitHub's workflow commands whose text is a message.
const COMMANDS: [&str; 5] = ["error", "warning", "notice", "debug", "group"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The message of a line, and the name in the innermost `name> ` before it. Blanks before the message stay,
/// but for the one that belongs to a prefix.
pub(super) fn strip(text: &str) -> (&str, Option<&str>) {
    let (mut rest, mut derivation) = (text, None);
    loop {
        let Some((after, name)) = strip_one(rest) else { return (rest, derivation) };
        rest = after;
        derivation = name.or(derivation);
    }
}

/// Does a message start with one of Bazel's severity words?
pub(super) fn is_severity(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'E' | b'W' | b'I' | b'D' | b'F'))
        && SEVERITIES.iter().any(|word| text.starts_with(word))
}

/// One prefix off. The first byte tells which ones can be meant.
fn strip_one(text: &str) -> Option<(&str, Option<&str>)> {
    let unnamed = |rest| Some((rest, None));
    match text.as_bytes().first()? {
        b' ' | b'\t' | b'>' => nix_tail(text).and_then(unnamed),
        b'[' => bracketed_time(text).or_else(|| progress(text)).and_then(unnamed),
        b'(' => bazel_time(text).and_then(unnamed),
        b'<' => journal_level(text).and_then(unnamed),
        b'#' => github_marker(text).or_else(|| buildx(text)).and_then(unnamed),
        b':' => github_command(text).and_then(unnamed),
        b'S' if text.starts_with(STEP) => cloud_build(text).and_then(unnamed),
        0xef => text.strip_prefix('\u{feff}').and_then(unnamed),
        // The frame of nix-output-monitor.
        0xe2 => text.strip_prefix('┃').map(|rest| rest.strip_prefix(' ').unwrap_or(rest)).and_then(unnamed),
        first => {
            let time = || if first.is_ascii_digit() { time(text).or_else(|| clock(text)) } else { journal(text) };
            time().and_then(unnamed).or_else(|| nix_name(text))
        }
    }
    .or_else(|| gh_job_and_step(text).and_then(unnamed))
}

/// `envoy> `, `envoy (post)> `, or `envoy>` alone: the output of a Nix builder, as `nix build -L` shows it.
fn nix_name(text: &str) -> Option<(&str, Option<&str>)> {
    let length =
        text.bytes().take(LONGEST_NAME + 1).take_while(|b| b.is_ascii_alphanumeric() || b"+._?=-".contains(b)).count();
    let (name, rest) = text.split_at_checked(length)?;
    let rest = quoted(rest.strip_prefix(" (post)").unwrap_or(rest))?;
    // `foo-> bar`, `a=> b` and `1> ` are something else.
    let is_name = length <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && !name.ends_with(['-', '='])
        && name.contains(|c: char| c.is_ascii_alphabetic());
    is_name.then_some((rest, Some(name)))
}

/// `       > `: the last lines of a builder's log in Nix's own error, or in that of rules_nixpkgs.
fn nix_tail(text: &str) -> Option<&str> {
    quoted(text.trim_start_matches([' ', '\t']))
}

/// `> message`, or `>` at the end of a line.
fn quoted(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('>')?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

/// `2026-01-02T03:04:05.1234567Z ` of GitHub, and GitLab's with a stream after it: `…Z 00O `, `…Z 01E+`.
fn time(text: &str) -> Option<&str> {
    let rest = iso_time(text)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let rest = rest.strip_prefix(' ')?;
    let bytes = rest.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hex(0) && hex(1) && matches!(bytes.get(2), Some(b'E' | b'O')) && matches!(bytes.get(3), None | Some(b' ' | b'+'))
    {
        return Some(rest.get(4..).unwrap_or_default());
    }
    Some(rest)
}

/// `2026-01-02T03:04:05Z`, with or without a fraction, with a zone.
fn iso_time(text: &str) -> Option<&str> {
    let rest = fraction(shape(text, "9999-99-99T99:99:99")?);
    rest.strip_prefix('Z').or_else(|| ["+99:99", "-99:99", "+9999", "-9999"].iter().find_map(|zone| shape(rest, zone)))
}

/// `03:04:05 ` of Jenkins' Timestamper, with one blank or two.
fn clock(text: &str) -> Option<&str> {
    let rest = fraction(shape(text, "99:99:99")?).strip_prefix(' ')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// `[2026-01-02T03:04:05.123Z] ` of Jenkins and Buildkite; `[2026-01-02 03:04:05] ` and `[2026/01/02 03:04:05.123] ` of others.
fn bracketed_time(text: &str) -> Option<&str> {
    let time = text.strip_prefix('[')?;
    let local = || ["9999-99-99 99:99:99", "9999/99/99 99:99:99"].iter().find_map(|time_shape| shape(time, time_shape));
    let rest = iso_time(time).or_else(|| local().map(fraction))?.strip_prefix(']')?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

/// `(03:04:05) ` of Bazel's `--show_timestamps`.
fn bazel_time(text: &str) -> Option<&str> {
    fraction(shape(text, "(99:99:99")?).strip_prefix(") ")
}

/// Bazel's `[12 / 345] ` before a message on the same line.
fn progress(text: &str) -> Option<&str> {
    let number = |text| digits(text, |b| b.is_ascii_digit() || b == b',');
    let rest = number(number(text.strip_prefix('[')?)?.strip_prefix(" / ")?)?.strip_prefix("] ")?;
    is_severity(rest).then_some(rest)
}

/// `<3>`: a level of the journal, which builders print under `IN_SYSTEMD=1`.
fn journal_level(text: &str) -> Option<&str> {
    match text.as_bytes() {
        [b'<', b'0'..=b'7', b'>', ..] => text.get(3..),
        _ => None,
    }
}

/// `Nov 22 10:00:00 host unit[123]: ` of journalctl and syslog.
fn journal(text: &str) -> Option<&str> {
    let rest = MONTHS.iter().find_map(|month| text.strip_prefix(month))?;
    let rest = shape(rest, " 99 99:99:99 ")
        .or_else(|| shape(rest, "  9 99:99:99 "))
        .or_else(|| shape(rest, " 9 99:99:99 "))?;
    let (_host, rest) = rest.split_once(' ')?;
    let (unit, rest) = rest.split_once("]: ").or_else(|| rest.strip_suffix("]:").map(|unit| (unit, "")))?;
    let (unit, process) = unit.split_once('[')?;
    let is_unit =
        !unit.is_empty() && !unit.contains(' ') && !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
    is_unit.then_some(rest)
}

/// `##[error]`, `##[group]`: markers in GitHub's raw logs.
fn github_marker(text: &str) -> Option<&str> {
    digits(text.strip_prefix("##[")?, |b| b.is_ascii_lowercase() || b == b'-')?.strip_prefix(']')
}

/// `::error file=a,line=1::message`: a workflow command, as the step printed it.
fn github_command(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("::")?;
    let rest = COMMANDS.iter().find_map(|command| rest.strip_prefix(command))?;
    if rest.starts_with(' ') { rest.split_once("::").map(|(_, message)| message) } else { rest.strip_prefix("::") }
}

/// `#12 3.456 `: step and seconds of `docker build`.
fn buildx(text: &str) -> Option<&str> {
    let digit = |b: u8| b.is_ascii_digit();
    let rest = digits(text.strip_prefix('#')?, digit)?.strip_prefix(' ')?;
    let rest = digits(digits(rest, digit)?.strip_prefix('.')?, digit)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

/// `build TAB Run bazel TAB 2026-…Z `: job and step, as `gh run view --log` prints them. The time comes off next.
fn gh_job_and_step(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let near = bytes.get(..JOB_AND_STEP.min(bytes.len()))?;
    let mut tabs = memchr::memchr_iter(b'\t', near);
    let (_, second) = (tabs.next()?, tabs.next()?);
    let rest = text.get(second + 1..)?;
    let rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
    iso_time(rest).is_some().then_some(rest)
}

/// `Step #1: ` or `Step #1 - "build": ` of Google Cloud Build.
fn cloud_build(text: &str) -> Option<&str> {
    let rest = digits(text.strip_prefix(STEP)?, |b| b.is_ascii_digit())?;
    let rest = match rest.strip_prefix(" - \"") {
        Some(named) => named.split_once('"')?.1,
        None => rest,
    };
    let rest = rest.strip_prefix(':')?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

/// What follows a text of this shape, where `9` stands for any digit.
fn shape<'t>(text: &'t str, shape: &str) -> Option<&'t str> {
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'9' { byte.is_ascii_digit() } else { byte == wanted };
    let (head, rest) = text.split_at_checked(shape.len())?;
    head.bytes().zip(shape.bytes()).all(fits).then_some(rest)
}

/// What follows the fraction of a second, if there is one.
fn fraction(text: &str) -> &str {
    let after = |mark| digits(text.strip_prefix(mark)?, |b: u8| b.is_ascii_digit());
    after('.').or_else(|| after(',')).unwrap_or(text)
}

/// What follows one or more ASCII characters of a kind.
fn digits(text: &str, kind: impl Fn(u8) -> bool) -> Option<&str> {
    let length = text.bytes().take_while(|b| b.is_ascii() && kind(*b)).count();
    if length == 0 { None } else { text.get(length..) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn gives(text: &str, rest: &str, derivation: Option<&str>) {
        assert_eq!(strip(text), (rest, derivation), "{text:?}");
    }

    #[test]
    fn ci_systems() {
        for prefix in [
            "2026-01-02T03:04:05.1234567Z ",
            "\u{feff}2026-01-02T03:04:05.1234567Z ",
            "build\tRun bazel\t2026-01-02T03:04:05.1234567Z ",
            "build (x86, 1)\tUNKNOWN STEP\t\u{feff}2026-01-02T03:04:05.1234567Z ",
            "2026-01-02T03:04:05.1234567Z ##[error]",
            "##[group]",
            "::error file=a.bzl,line=3::",
            "::warning::",
            "2026-01-02T03:04:05.123456Z 00O ",
            "2026-01-02T03:04:05.123456Z 01E ",
            "2026-01-02T03:04:05.123456Z 00O+",
            "[2026-01-02T03:04:05.123Z] ",
            "[2026-01-02T03:04:05Z] ",
            "03:04:05 ",
            "03:04:05.678  ",
            "<3>",
            "<7>",
            "Nov 22 10:00:00 host nix-daemon[123]: ",
            "Nov  2 10:00:00 host bazel.service[1]: ",
            "2026-01-02T03:04:05+0000 ",
            "2026-01-02T03:04:05,123-03:00 ",
            "#12 3.456 ",
            "Step #1: ",
            "Step #12 - \"build and test\": ",
            "[2026-01-02 03:04:05] ",
            "[2026/01/02 03:04:05.123] ",
            "(03:04:05) ",
            "(03:04:05.123) ",
            "[12 / 345] ",
            "[1,234 / 5,678] ",
            "2026-01-02T03:04:05.1234567Z (03:04:05) [12 / 345] ",
        ] {
            gives(&format!("{prefix}ERROR: x"), "ERROR: x", None);
        }
        gives("2026-01-02T03:04:05.1234567Z   indented", "  indented", None);
        gives("2026-01-02T03:04:05.1234567Z", "", None);
        gives("2026-01-02T03:04:05.123456Z 00O", "", None);
        gives("##[endgroup]", "", None);
    }

    #[test]
    fn nix() {
        gives("envoy> Running phase: buildPhase", "Running phase: buildPhase", Some("envoy"));
        gives("envoy-deps.tar.gz>   foo", "  foo", Some("envoy-deps.tar.gz"));
        gives("python3.11-ruza (post)> x", "x", Some("python3.11-ruza"));
        gives("hello>", "", Some("hello"));
        gives("       > error: x", "error: x", None);
        gives("       >   4 | x", "  4 | x", None);
        gives("       >", "", None);
        gives("> Error in fail", "Error in fail", None);
        gives("outer> inner>        > > deep", "deep", Some("inner"));
        gives("2026-01-02T03:04:05.1Z envoy> (03:04:05) ERROR: x", "ERROR: x", Some("envoy"));
        gives(&format!("{}> x", "a".repeat(211)), "x", Some("a".repeat(211).as_str()));
        gives(&format!("{}> x", "a".repeat(212)), &format!("{}> x", "a".repeat(212)), None);
    }

    #[test]
    fn what_only_looks_like_a_prefix() {
        for text in [
            "",
            "ERROR: x",
            "  indented",
            "foo -> bar",
            "=> error",
            "==> Starting build",
            "-> x",
            ".-> x",
            "foo-> bar",
            "a=> b",
            "1> x",
            "<p> x",
            "<html>",
            "<root> x",
            "<3 you>",
            "bash-5.2# make",
            "user@host> ls",
            "C:\\src> dir",
            "+> added",
            ">= 3",
            ">>> print(1)",
            "       >= 3",
            "std::vector<int> x",
            "[12 / 345] Compiling a.cc",
            "[12 / 345 ERROR: x",
            "#12 ERROR: process",
            "Step #1 is next",
            "Step 1/7 : FROM scratch",
            "[2026-01-02] x",
            "#include <a.h>",
            "## [error]",
            "::std::string x",
            "2026-01-02 03:04:05 x",
            "2026/01/02 03:04:05 Downloading",
            "12:34 x",
            "1:2:3: error: x",
            "(1:2) x",
            "Nov 22 10:00:00 host x: ERROR: y",
            "Nov ember",
            "a\tb\tc",
            "│ > x",
        ] {
            gives(text, text, None);
        }
    }
}
