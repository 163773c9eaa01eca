//! Outcome: how the build ended, read backwards from the end of the log: the last line that decides it counts.
//! Words like FAILED in the middle of a good build (a flaky test, a debug print) are never reached.

use std::collections::BTreeSet;

use memchr::{memchr_iter, memmem, memrchr};
use serde::{Deserialize, Serialize};

use super::ending;
use crate::log::Line;

/// Lines that are read, from the end.
const MOST_LINES: usize = 300;
/// Longer lines are read only so far: the word that decides stands at the start.
pub(super) const LONGEST: usize = 400;

/// The line over what a test printed, under `--test_output`, and the one below it.
const TEST_OUTPUT: &[u8] = b"==== Test output for ";
const TEST_END: [u8; 80] = [b'='; 80];

/// What GitHub Actions and others say last.
const EXIT_CODE: &[u8] = b"ompleted with exit code ";

/// How the build ended.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub enum Outcome {
    /// An error ended it.
    Failed,
    /// The tool says so.
    Succeeded,
    /// Nothing decisive stands in the log.
    #[default]
    Unknown,
}

impl Outcome {
    /// As it stands in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Failed => "failed",
            Outcome::Succeeded => "succeeded",
            Outcome::Unknown => "unknown",
        }
    }
}

/// What one line decides.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Good,
    /// The output path that Nix prints: good, if nothing after it speaks of trouble.
    Path,
    Bad,
    /// Bad, unless a success of another build comes after it: a message, not a verdict.
    BadMessage,
    /// A program was started with what was built; how it ended is not told.
    Ran,
    /// Makes a success before it doubtful: something crashed.
    Doubt,
    /// The summary of Bazel begins here.
    Summary,
}

impl Outcome {
    /// Reads the end of a log: at most its last 64 KiB.
    pub(super) fn of(tail: &[u8]) -> Outcome {
        if ending::is_good(tail) {
            return Outcome::Succeeded;
        }
        let mut rest = tail;
        let (mut path, mut good, mut doubt, mut message) = (false, false, false, false);
        // What a test printed, between the lines that Bazel puts around it, decides nothing.
        let mut inside_test = false;
        let exit_code = memmem::Finder::new(EXIT_CODE);
        for _ in 0..MOST_LINES {
            if rest.is_empty() {
                break;
            }
            let start = memrchr(b'\n', rest).map_or(0, |i| i + 1);
            let line = rest.get(start..).unwrap_or_default();
            rest = rest.get(..start.saturating_sub(1)).unwrap_or_default();
            if inside_test {
                inside_test = memmem::find(line, TEST_OUTPUT).is_none();
                continue;
            }
            if line.trim_ascii_end().ends_with(&TEST_END) && memmem::rfind(rest, TEST_OUTPUT).is_some() {
                inside_test = true;
                continue;
            }
            match word(line, &exit_code) {
                Some(Word::Bad) => return Outcome::Failed,
                Some(Word::BadMessage) if !good => return Outcome::Failed,
                Some(Word::BadMessage) => message = true,
                // Only the last path: what follows it, follows those before it too.
                Some(Word::Path) if !path => {
                    let after = tail.get(start + line.len()..).unwrap_or_default();
                    if !after.split(|b| *b == b'\n').any(ending::is_trouble) {
                        return Outcome::Succeeded;
                    }
                    path = true;
                }
                Some(Word::Good) if doubt && !good => return Outcome::Unknown,
                // An error stands between two lines of one summary.
                Some(Word::Good) if message => return Outcome::Failed,
                Some(Word::Good) => good = true,
                Some(Word::Summary) if good => break,
                Some(Word::Ran) if good => return Outcome::Unknown,
                Some(Word::Doubt | Word::Ran) => doubt = true,
                Some(Word::Summary | Word::Path) | None => {}
            }
        }
        match good {
            true if memmem::find(tail, b"Build did NOT complete successfully").is_some() => Outcome::Failed,
            true => Outcome::Succeeded,
            false => Outcome::Unknown,
        }
    }
}

/// The tests that passed: `//a:b   (cached) PASSED in 0.3s`.
pub(super) fn passed(tail: &[u8]) -> BTreeSet<String> {
    memmem::find_iter(tail, b" PASSED in ")
        .filter_map(|at| {
            let start = memrchr(b'\n', tail.get(..at)?).map_or(0, |i| i + 1);
            let line = Line::clean(tail.get(start..at)?, 0);
            let label = line.text.split_whitespace().next()?;
            (label.starts_with("//") || label.starts_with('@')).then(|| label.to_owned())
        })
        .collect()
}

/// What `raw` decides; most lines nothing. Looks at the bytes first: cleaning every line would cost too much.
fn word(raw: &[u8], exit_code: &memmem::Finder<'_>) -> Option<Word> {
    if raw.starts_with(b"@nix ") {
        // The internal JSON of Nix: an error is a message of level 0.
        let error = memmem::find(raw, b"\"level\":0,").is_some() && memmem::find(raw, b"\"action\":\"msg\"").is_some();
        return error.then_some(Word::BadMessage);
    }
    let raw = raw.get(..raw.len().min(LONGEST)).unwrap_or(raw);
    if raw.starts_with(b"/nix/store/") {
        let path = raw.trim_ascii_end();
        return (!path.iter().any(u8::is_ascii_whitespace) && !path.ends_with(b".drv")).then_some(Word::Path);
    }
    if raw.ends_with(b")") && raw.trim_ascii_start().starts_with(b"at ") {
        return Some(Word::Doubt);
    }
    may_decide(raw, exit_code).then(|| decide(raw))?
}

/// Whether a word that can decide stands before one of the first colons, or at the start. Before it may stand colour codes,
/// time stamps (with colons of their own) and prefixes.
fn may_decide(raw: &[u8], exit_code: &memmem::Finder<'_>) -> bool {
    const BEFORE: [&[u8]; 6] = [b"ERROR", b"error", b"INFO", b"FAILED", b"FATAL", b"Finished"];
    const START: [&[u8]; 5] = [b"Executed ", b"[FATAL ", b"Server terminated", b"Another command", b"Internal error"];
    memchr_iter(b':', raw).take(6).any(|at| {
        let before = raw.get(at.saturating_sub(8)..at).unwrap_or_default();
        BEFORE.iter().any(|w| before.ends_with(w))
    }) || START.iter().any(|w| raw.starts_with(w))
        || exit_code.find(raw).is_some()
}

fn decide(raw: &[u8]) -> Option<Word> {
    let line = Line::clean(raw, raw.len());
    let text = match line.text.split_once(") ") {
        // `(05:12:33) ERROR: …` of --show_timestamps.
        Some((stamp, rest)) if stamp.bytes().all(|b| b.is_ascii_digit() || b"(:.".contains(&b)) => rest,
        _ => &line.text,
    };
    if let Some(info) = text.strip_prefix("INFO:") {
        let info = info.trim_start();
        return match () {
            () if info.starts_with("Build completed successfully") => Some(Word::Good),
            () if info.starts_with("All ") && info.contains(" dependencies ") && info.contains("successfully") => {
                Some(Word::Good)
            }
            () if info.starts_with("Build completed, ") && info.contains("FAILED") => Some(Word::Bad),
            () if info.starts_with("Running command line") => Some(Word::Ran),
            () if info.starts_with("Elapsed time") => Some(Word::Summary),
            () => None,
        };
    }
    if text.starts_with("FAILED:") {
        return (text.contains("Build did NOT complete") || line.derivation.is_none()).then_some(Word::Bad);
    }
    if text.starts_with("Executed ") && text.contains(" out of ") && text.contains(" test") {
        return Some(if text.contains("fail") { Word::Bad } else { Word::Good });
    }
    // Whatever a builder prints, Nix has the last word.
    if line.derivation.is_some() {
        return None;
    }
    let starts = |words: &[&str]| words.iter().any(|w| text.starts_with(w));
    let bad =
        starts(&["ERROR:", "FATAL:", "[FATAL ", "Server terminated abruptly", "Internal error thrown during build"])
            || starts(&["Another command (pid="]) && text.contains("Exiting")
            || text.starts_with("error:") && !text.contains("; retrying in ")
            || text.contains("ompleted with exit code ") && !text.contains("exit code 0")
            || text == "Finished: FAILURE";
    bad.then_some(Word::BadMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Outcome {
        Outcome::of(text.as_bytes())
    }

    #[test]
    fn bazel_has_the_last_word() {
        assert_eq!(
            of("ERROR: x\nINFO: Elapsed time: 1s\nINFO: Build completed successfully, 5 total actions\n"),
            Outcome::Succeeded
        );
        assert_eq!(
            of("INFO: Build completed successfully, 1 total action\nERROR: No test targets were found\n"),
            Outcome::Failed
        );
        assert_eq!(
            of("INFO: Elapsed time: 1s\nFAILED: Build did NOT complete successfully (1 packages loaded)\n"),
            Outcome::Failed
        );
        assert_eq!(of("INFO: Build completed, 1 test FAILED, 7 total actions"), Outcome::Failed);
        assert_eq!(of("Executed 2 out of 2 tests: 2 tests pass.\n"), Outcome::Succeeded);
        assert_eq!(of("Executed 2 out of 2 tests: 1 test passes and 1 fails locally.\n"), Outcome::Failed);
    }

    #[test]
    fn an_error_between_two_successes_of_one_build() {
        let log = "INFO: Elapsed time: 1s\nINFO: Build completed successfully, 1 total action\n\
                   ERROR: No test targets were found, yet testing was requested\nINFO: Build completed successfully, 1 total action\n";
        assert_eq!(of(log), Outcome::Failed);
    }

    #[test]
    fn an_earlier_build_that_failed() {
        let log = "FAILED: Build did NOT complete successfully\n$ bazel build //b\nINFO: Elapsed time: 1s\n\
                   INFO: Build completed successfully, 1 total action\n";
        assert_eq!(of(log), Outcome::Failed);
    }

    #[test]
    fn flaky_tests_pass() {
        let log = "FAIL: //:t (see x.log)\nFLAKY: //:t (Summary)\nINFO: Elapsed time: 1s\nINFO: Build completed successfully, 5 total actions\n\
                   //:t  FLAKY, failed in 1 out of 2 in 0.1s\nExecuted 1 out of 1 test: 1 test passes.\nINFO: Build completed successfully\n";
        assert_eq!(of(log), Outcome::Succeeded);
    }

    #[test]
    fn what_a_test_printed() {
        let log = format!(
            "INFO: Build completed successfully, 1 total action\nPASSED: //:t (see x.log)\nINFO: From Testing //:t\n\
             ==================== Test output for //:t:\nERROR: connect: refused\n{}\n\
             //:t  (cached) PASSED in 0.3s\nExecuted 0 out of 1 test: 1 test passes.\n\
             INFO: Build completed successfully, 1 total action\n",
            "=".repeat(80)
        );
        assert_eq!(of(&log), Outcome::Succeeded);
        assert_eq!(of(&log.replace("==== Test output", "==== Other output")), Outcome::Failed);
    }

    #[test]
    fn what_a_run_program_did_is_not_told() {
        let log = "INFO: Build completed successfully, 4 total actions\nINFO: Running command line: bazel-bin/serve\npanic: x\n";
        assert_eq!(of(log), Outcome::Unknown);
        assert_eq!(
            of("INFO: Elapsed time: 1s\nINFO: Running command line: x\nINFO: Build completed successfully\npanic"),
            Outcome::Unknown
        );
        assert_eq!(
            of(
                "INFO: Build completed successfully, 193 total actions\n        at io.grpc.Onyx.onClose(Onyx.java:23)\n"
            ),
            Outcome::Unknown
        );
        assert_eq!(of("ERROR: x\n\tat java.lang.Thread.run(Thread.java:840)\n"), Outcome::Failed);
        assert_eq!(of("(05:12:33) ERROR: Build did NOT complete successfully\n"), Outcome::Failed);
    }

    #[test]
    fn nix() {
        assert_eq!(
            of(
                "building '/nix/store/a-b.drv'...\nERROR: text\n/nix/store/97nd4s1g69yjm64x7rn1wyqiraybi6qa-stable-1.0\n"
            ),
            Outcome::Succeeded
        );
        assert_eq!(of("building\nerror: builder for '/nix/store/a-b.drv' failed with exit code 1\n"), Outcome::Failed);
        assert_eq!(of("app> error: only text\n"), Outcome::Unknown);
        assert_eq!(of("  /nix/store/x-y.drv\n"), Outcome::Unknown);
        assert_eq!(of("warning: error: unable to download 'x': y; retrying in 300 ms\n"), Outcome::Unknown);
        assert_eq!(of(""), Outcome::Unknown);
    }
}
