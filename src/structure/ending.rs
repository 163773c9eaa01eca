//! Ending: what the very last lines of a log say, where they are the closing words of a test runner, a build tool, a phase of
//! nixpkgs or a CI system. What such tools print before that may look like anything.

use memchr::{memchr_iter, memmem, memrchr};

use super::outcome::LONGEST;
use crate::log::Line;

/// Lines that are looked at, from the end.
const MOST_LINES: usize = 80;
/// Lines of a builder that must be calm at the end of a log that ends with them.
const CALM_LINES: usize = 12;

/// Does the log end well? `false` where its end tells nothing.
pub(super) fn is_good(tail: &[u8]) -> bool {
    let mut rest = tail;
    let mut cleaned_up = false;
    for _ in 0..MOST_LINES {
        if rest.is_empty() {
            return false;
        }
        let before = rest;
        let raw = last_line(&mut rest);
        let line = Line::clean(raw, raw.len());
        let text = line.text.trim();
        let text = unframed(text.strip_prefix("[INFO]").map_or(text, str::trim));
        cleaned_up |= text == "Cleaning up orphan processes";
        if adds_nothing(text) {
            continue;
        }
        return match () {
            () if ends_job(text) => true,
            () if cleaned_up => {
                let marks: [&[u8]; 2] = [b"##[error]", b"ompleted with exit code "];
                !has_failed(tail) && marks.iter().all(|mark| memmem::find(tail, mark).is_none())
            }
            () if ends_step(raw, text, rest) => !has_failed(tail),
            () if is_at_work(text) => !has_failed(tail) && memmem::find(tail, b"\nerror: ").is_none(),
            () if line.derivation.is_some() => !has_failed(tail) && is_calm(before),
            () => false,
        };
    }
    false
}

/// Cuts the last line off.
fn last_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let whole = rest.strip_suffix(b"\n").unwrap_or(rest);
    let start = memrchr(b'\n', whole).map_or(0, |at| at + 1);
    let line = whole.get(start..).unwrap_or_default();
    *rest = rest.get(..start).unwrap_or_default();
    line.get(..line.len().min(LONGEST)).unwrap_or(line)
}

/// Without the `#9 ` of a step of Docker.
fn unframed(text: &str) -> &str {
    let step = text.strip_prefix('#').and_then(|rest| rest.split_once(' '));
    step.filter(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())).map_or(text, |(_, rest)| rest)
}

/// Lines that come after the one that decides: times, counts of nothing, the housekeeping of CI systems.
fn adds_nothing(text: &str) -> bool {
    const STARTS: [&str; 43] = [
        "Total Test time",
        "real\t",
        "user\t",
        "sys\t",
        "Total time:",
        "Finished at:",
        "Time Elapsed",
        "Duration:",
        "Time:",
        "Snapshots:",
        "Ran all test suites",
        "make: Leaving directory",
        "make[",
        "run `npm fund`",
        "Run `npm audit`",
        "npm notice",
        "WARNING: Running pip as the 'root' user",
        "[notice]",
        "Full log written to",
        "The following tests did not run:",
        "Post job cleanup.",
        "Cleaning up orphan processes",
        "Terminate orphan process:",
        "[command]/",
        "git version ",
        "Temporarily overriding HOME=",
        "Adding repository directory to the temporary git global config",
        "http.https://",
        "Evaluate and set job outputs",
        "Set output ",
        "Cache hit occurred on the primary key",
        "Cache saved ",
        "Cache Size:",
        "Sent ",
        "Saving cache",
        "Created cache",
        "Uploading artifacts",
        "Cleaning up project directory",
        "Script done",
        "Skipped:",
        "Ok:",
        "~~~ ",
        "$ buildkite-agent ",
    ];
    let zero = |word: &str| text.strip_prefix(word).is_some_and(|n| n.trim() == "0");
    text.bytes().all(|b| b"=-_*# ".contains(&b))
        || STARTS.iter().any(|w| text.starts_with(w))
        || ["Timeout:", "Unexpected Pass:"].into_iter().any(zero)
        || ["(Skipped)", "(Disabled)", "[no test files]", " pending", "looking for funding", " DISABLED TEST"]
            .iter()
            .any(|w| text.ends_with(w))
        || text.contains(" actionable task")
        // The agent of Buildkite.
        || text.contains(" INFO   ")
}

/// A CI system says that the whole job went well.
fn ends_job(text: &str) -> bool {
    matches!(text, "Job succeeded" | "Finished: SUCCESS" | "Done. Your build exited with 0.")
        || text.starts_with("The command \"") && text.ends_with("\" exited with 0.")
}

/// The closing words of a tool that went well; `above` is what stands before the line.
fn ends_step(raw: &[u8], text: &str, above: &[u8]) -> bool {
    const WHOLE: [&str; 20] = [
        "exit 0",
        "+ exit 0",
        "exit code: 0",
        "exit status 0",
        "rc=0",
        "configure: exit 0",
        "PASS",
        "BUILD SUCCESS",
        "Build succeeded.",
        "0 Error(s)",
        "Result: PASS",
        "All tests successful.",
        "All checks passed!",
        "all checks passed!",
        "congratulations :)",
        "** BUILD SUCCEEDED **",
        "** TEST SUCCEEDED **",
        "ninja: no work to do.",
        "found 0 vulnerabilities",
        "Process exited with code 0",
    ];
    const STARTS: [&str; 30] = [
        "test result: ok. ",
        "ok  \t",
        "ok   ",
        "OK (",
        "100% tests passed, 0 tests failed",
        "-- Build files have been written to: ",
        "Built target ",
        "[100%] Built target ",
        "make: Nothing to be done for ",
        "BUILD SUCCESSFUL",
        "[success] Total time",
        "Successfully installed ",
        "Successfully built ",
        "Successfully tagged ",
        "naming to ",
        "DONE ",
        "Done in ",
        "Success: no issues found",
        "[  PASSED  ] ",
        "up to date",
        "shrinking RPATHs of ELF",
        "checking for references to /build",
        "patching script interpreter paths in ",
        "stripping (with command",
        "post-installation fixup",
        "strip is /nix/store/",
        "gzipping man pages under ",
        "Finished executing ",
        "Done. The new configuration is ",
        "setting up /etc...",
    ];
    let zero = |word: &str| text.strip_prefix(word).is_some_and(|n| n.trim() == "0");
    WHOLE.contains(&text)
        || STARTS.iter().any(|w| text.starts_with(w))
        || zero("Fail:")
        || zero("# ERROR:")
        || text.starts_with("Finished ") && text.contains(" target(s) in ")
        || text.starts_with("added ") && text.contains(" package") && text.contains(" in ")
        || text.starts_with("Tests:") && text.contains(" passed, ") && !text.contains("failed")
        || text.ends_with(")") && text.contains(" passing (")
        || text.contains("compiled successfully")
        || text.contains("compiled with ") && text.contains(" warning") && !text.contains("error")
        || text.ends_with(" examples, 0 failures")
        || text.starts_with("Completed ") && text.ends_with(" action(s).")
        || text.starts_with("make: '") && text.ends_with("' is up to date.")
        || text == "OK" && is_unittest(above)
        || is_pytest(text)
        || is_last_of_ninja(raw)
}

/// Nix at work: it would have told an error after that.
fn is_at_work(text: &str) -> bool {
    ["building '/nix/store/", "copying path '/nix/store/"].iter().any(|w| text.starts_with(w))
}

/// `Ran 3 tests in 0.001s` stands above the `OK` of unittest.
fn is_unittest(above: &[u8]) -> bool {
    let mut rest = above;
    for _ in 0..3 {
        let raw = last_line(&mut rest);
        let line = Line::clean(raw, raw.len());
        if !line.text.trim().is_empty() {
            return line.text.starts_with("Ran ") && line.text.contains(" test");
        }
    }
    false
}

/// `=== 12 passed, 1 skipped in 0.30s ===`, with or without its frame.
fn is_pytest(text: &str) -> bool {
    const GOOD: [&str; 8] = ["passed", "skipped", "xfailed", "xpassed", "deselected", "warnings", "warning", "rerun"];
    let Some((counts, time)) = text.trim_matches(['=', ' ']).split_once(" in ") else { return false };
    time.starts_with(|c: char| c.is_ascii_digit())
        && counts.contains(" passed")
        && counts.split(", ").all(|count| {
            count.split_once(' ').is_some_and(|(n, word)| n.bytes().all(|b| b.is_ascii_digit()) && GOOD.contains(&word))
        })
}

/// `[7/7] Linking C executable x`.
fn is_last_of_ninja(raw: &[u8]) -> bool {
    let Some(open) = memmem::find(raw, b"[") else { return false };
    let inside = raw.get(open + 1..).unwrap_or_default();
    let Some(close) = memmem::find(inside, b"] ") else { return false };
    let count = inside.get(..close).unwrap_or_default();
    memchr_iter(b'/', count).next().is_some_and(|at| {
        let (done, all) = (count.get(..at).unwrap_or_default(), count.get(at + 1..).unwrap_or_default());
        done == all && !done.is_empty() && done.iter().all(u8::is_ascii_digit)
    })
}

/// Does Bazel, Nix, a test runner or make say before the end that something failed? Then what follows came after a failure that was let pass.
fn has_failed(tail: &[u8]) -> bool {
    const TOLD: [&[u8]; 4] = [b"\n--- FAIL: ", b"\nFAIL\t", b"\nmake: *** [", b"\nnpm ERR! "];
    // `make: [all] Error 1 (ignored)` is no failure.
    let counts = |at: usize| {
        let line = tail.get(at + 1..).unwrap_or_default().split(|b| *b == b'\n').next().unwrap_or_default();
        !line.ends_with(b"(ignored)")
    };
    if TOLD.iter().any(|mark| memmem::find_iter(tail, mark).any(counts)) {
        return true;
    }
    const MARKS: [&[u8]; 7] = [
        b"Build did NOT complete successfully",
        b"FAILED, ",
        b"FAILED in ",
        b"builder for '",
        b"build of '",
        b"annot build '",
        b"dependencies of derivation '",
    ];
    MARKS.iter().any(|mark| {
        memmem::find_iter(tail, mark).any(|at| {
            let start = memrchr(b'\n', tail.get(..at).unwrap_or_default()).map_or(0, |i| i + 1);
            let raw = tail.get(start..(at + mark.len()).min(tail.len())).unwrap_or_default();
            let raw = raw.get(raw.len().saturating_sub(LONGEST)..).unwrap_or(raw);
            let line = Line::clean(raw, raw.len());
            let bazel =
                ["ERROR:", "FAILED:", "INFO: Build completed, ", "//", "@"].iter().any(|w| line.text.starts_with(w));
            bazel || line.derivation.is_none() && line.text.starts_with("error:")
        })
    })
}

/// Do the last lines of a builder read like work, not like trouble? A log that Nix has not closed with an error ends well then.
fn is_calm(end: &[u8]) -> bool {
    let mut rest = end;
    (0..CALM_LINES).all(|_| !rest.is_empty() && !is_trouble(last_line(&mut rest)))
}

/// Words that lines about trouble hold.
pub(super) fn is_trouble(raw: &[u8]) -> bool {
    const WORDS: [&[u8]; 26] = [
        b"rror",
        b"RROR",
        b"ail",
        b"AIL",
        b"atal",
        b"FATAL",
        b"annot",
        b"enied",
        b"not found",
        b"o such",
        b"***",
        b"bort",
        b"anic",
        b"xception",
        b"ndefined",
        b"issing",
        b"ould not",
        b"nable",
        b"efused",
        b"imed out",
        b"illed",
        b"This could",
        b"sudo",
        b"signal",
        b"not ",
        b"must ",
    ];
    let raw = raw.get(..raw.len().min(LONGEST)).unwrap_or(raw);
    WORDS.iter().any(|word| memmem::find(raw, word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> bool {
        is_good(text.as_bytes())
    }

    #[test]
    fn closing_words_of_tools() {
        for end in [
            "=== 5 passed, 1 skipped, 2 xfailed, 1 warning in 0.03s ===",
            "12 passed in 0.30s",
            "Ran 2 tests in 0.001s\n\nOK",
            "OK (expected failures=1)",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "ok  \texample.org/m\t0.003s",
            "100% tests passed, 0 tests failed out of 3\n\nTotal Test time (real) =   0.02 sec\n\nThe following tests did not run:\n\t  3 - skip (Skipped)",
            "Ok:                 1   \nExpected Fail:      1   \nFail:               0   \nUnexpected Pass:    0   \nSkipped:            0   \nTimeout:            0   \n\nFull log written to /x",
            "[INFO] BUILD SUCCESS\n[INFO] -----\n[INFO] Total time:  1.2 s\n[INFO] Finished at: 2026\n[INFO] ----",
            "BUILD SUCCESSFUL in 3s\n3 actionable tasks: 3 executed",
            "[7/7] Linking C executable error_handler",
            "#9 naming to docker.io/library/x done",
            "app> post-installation fixup",
            "\u{1b}[32mJob succeeded\u{1b}[0m",
            "Finished: SUCCESS",
        ] {
            assert!(good(&format!("error: cannot find -lfoo\nERROR: x\n{end}\n")), "{end}");
        }
    }

    #[test]
    fn what_decides_nothing() {
        for end in [
            "=== 1 failed, 5 passed in 0.03s ===",
            "=== 5 passed, 1 error in 0.03s ===",
            "OK",
            "test result: FAILED. 3 passed; 1 failed",
            "Fail:               1   \nTimeout:            0   ",
            "[6/7] Linking C executable x",
            "a.c:3:10: fatal error: x.h: No such file or directory\n",
            "##[error]x\nPost job cleanup.\nCleaning up orphan processes",
            "",
        ] {
            assert!(!good(end), "{end}");
        }
    }

    #[test]
    fn a_failure_that_was_let_pass() {
        assert!(!good("FAILED: Build did NOT complete successfully\n=== 5 passed in 0.03s ===\n"));
        assert!(!good("error: builder for '/nix/store/a-b.drv' failed with exit code 1\nok  \tm\t0.1s\n"));
        assert!(good(
            "t> error: builder for '/nix/store/a-b.drv' failed with exit code 1\nt> === 5 passed in 0.03s ===\n"
        ));
    }

    #[test]
    fn builders_that_end_calmly() {
        assert!(good(&format!("app> nopetool: command not found\n{}", "app> installing x\n".repeat(CALM_LINES))));
        assert!(!good("app> nopetool: command not found\napp> installing x\n"));
        assert!(!good(&format!("error: build of '/nix/store/a-b.drv' failed\n{}", "app> x\n".repeat(CALM_LINES))));
    }

    #[test]
    fn jobs_of_github() {
        let end = "2026-01-02T03:04:05.1234567Z Post job cleanup.\n2026-01-02T03:04:05.1234567Z [command]/usr/bin/git version\n\
                   2026-01-02T03:04:05.1234567Z git version 2.43.0\n2026-01-02T03:04:05.1234567Z Cleaning up orphan processes\n";
        assert!(good(&format!("2026-01-02T03:04:05.1234567Z ERROR: text\n{end}")));
        assert!(!good(&format!("2026-01-02T03:04:05.1234567Z ##[error]Process completed with exit code 1.\n{end}")));
    }
}
