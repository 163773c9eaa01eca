//! The real program in temporary folders: what it prints where, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const RED: &str = "error: undefined variable 'cargo'\n\n       at /home/ada/flake.nix:41:22:\n";
const GREEN: &str = "INFO: Build completed successfully, 12 total actions\n";
const STRANGE: &str = "the gizmo is out of order\n";

/// A rule of a pack that knows `marker`.
fn rule(title: &str, marker: &str) -> String {
    format!(
        "title = \"{title}\"\nwhy = \"It is so.\"\nrole = \"cause\"\nverdict = \"fix-code\"\n\
         [signature]\nanchor = \"{marker}\"\n\
         [[fix]]\ntitle = \"Mend it\"\nkind = \"command\"\nbody = \"mend\"\n\
         [[example]]\nsource = \"a test\"\nlog = \"{marker}\\n\"\nevidence = \"{marker}\"\n\
         [[counter]]\nlog = \"nothing\"\n"
    )
}

struct Run {
    status: i32,
    out: String,
    err: String,
}

fn whyred(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whyred"));
    command.current_dir(dir).stdin(Stdio::null());
    for variable in ["WHYRED_RULES", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
        command.env_remove(variable);
    }
    command
}

fn ended(output: Output) -> Run {
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(dir: &Path, args: &[&str]) -> Run {
    ended(whyred(dir).args(args).output().unwrap())
}

fn piped(dir: &Path, args: &[&str], input: &[u8]) -> Run {
    let mut child =
        whyred(dir).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read its input is no failure of the test.
    let _ = stdin.write_all(input);
    drop(stdin);
    ended(child.wait_with_output().unwrap())
}

/// A folder with a red, a green and a strange log.
fn logs() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("red.log", RED), ("green.log", GREEN), ("strange.log", STRANGE)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_cause_is_status_0_none_is_1() {
    let dir = logs();
    let red = run(dir.path(), &["red.log"]);
    assert_eq!((red.status, red.err.as_str()), (0, ""));
    assert!(
        red.out.starts_with("error[nix/eval/undefined-variable]: ") && red.out.contains("--> red.log:1\n"),
        "{}",
        red.out
    );
    let green = run(dir.path(), &["diagnose", "green.log"]);
    assert_eq!(
        (green.status, green.out.as_str()),
        (1, "green: green.log shows a build that succeeded; nothing to fix\n")
    );
    let strange = run(dir.path(), &["strange.log"]);
    assert!(strange.status == 1 && strange.out.contains("no known cause in strange.log (1 line)"), "{}", strange.out);
    assert_eq!(run(dir.path(), &["strange.log", "red.log"]).status, 0);
}

#[test]
fn standard_input_is_read_with_and_without_its_name() {
    let dir = logs();
    for args in [&[][..], &["-"], &["diagnose"], &["diagnose", "-"]] {
        let red = piped(dir.path(), args, RED.as_bytes());
        assert!(red.status == 0 && red.out.contains("--> stdin:1\n"), "{args:?}: {}", red.out);
    }
    let empty = piped(dir.path(), &[], b"");
    assert!(
        empty.status == 1 && empty.out.contains("stdin is empty") && empty.out.contains("2>&1 | whyred"),
        "{}",
        empty.out
    );
    let twice = piped(dir.path(), &["-", "-"], RED.as_bytes());
    assert!(twice.status == 2 && twice.err.contains("named twice"), "{}", twice.err);
}

#[test]
fn json_is_an_object_for_one_file_and_an_array_for_several() {
    let dir = logs();
    let one: Value = serde_json::from_str(&run(dir.path(), &["--format", "json", "red.log"]).out).unwrap();
    assert_eq!(one["schema"], "whyred.report/1");
    assert_eq!(one["diagnoses"][0]["rule"], "nix/eval/undefined-variable");
    let several: Value =
        serde_json::from_str(&run(dir.path(), &["--format=json", "red.log", "green.log"]).out).unwrap();
    assert_eq!((&several[0]["log"]["name"], &several[1]["verdict"]), (&"red.log".into(), &"green".into()));
    let none = run(dir.path(), &["--format=json", "no.log", "never.log"]);
    assert_eq!((none.status, none.out.as_str()), (2, "[]\n"));
    let before: Value = serde_json::from_str(&run(dir.path(), &["-f", "json", "diagnose", "red.log"]).out).unwrap();
    assert_eq!(before["log"]["name"], "red.log");
}

#[test]
fn jsonl_keeps_the_order_and_leaves_out_what_cannot_be_read() {
    let dir = logs();
    fs::create_dir(dir.path().join("folder")).unwrap();
    let all =
        run(dir.path(), &["diagnose", "--format", "jsonl", "strange.log", "no.log", "red.log", "folder", "green.log"]);
    let names: Vec<String> = all
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["log"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["strange.log", "red.log", "green.log"]);
    assert_eq!(all.status, 2);
    let told: Vec<&str> = all.err.lines().collect();
    assert_eq!(told.len(), 2, "{}", all.err);
    assert!(told[0].starts_with("whyred: no.log: ") && told[1].starts_with("whyred: folder: "), "{}", all.err);
}

#[test]
fn compressed_logs_are_read() {
    let dir = logs();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(RED.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    fs::write(dir.path().join("red.log.gz"), &gz).unwrap();
    for red in [run(dir.path(), &["red.log.gz"]), piped(dir.path(), &[], &gz)] {
        assert!(red.status == 0 && red.out.starts_with("error[nix/eval/undefined-variable]"), "{}{}", red.out, red.err);
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let dir = logs();
    let coloured = |set: &[(&str, &str)], args: &[&str]| {
        let output = whyred(dir.path())
            .env("TERM", "xterm")
            .envs(set.iter().copied())
            .args(args)
            .arg("red.log")
            .output()
            .unwrap();
        ended(output).out.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "a pipe");
    assert!(coloured(&[], &["--color", "always"]));
    assert!(coloured(&[("NO_COLOR", "1")], &["--color=always"]), "the command line has the last word");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}

#[test]
fn columns_are_kept() {
    let dir = logs();
    for columns in ["40", "60", "100"] {
        let output = whyred(dir.path()).env("COLUMNS", columns).arg("strange.log").output().unwrap();
        let wide: usize = columns.parse().unwrap();
        let text = ended(output).out;
        assert!(text.lines().all(|line| line.chars().count() <= wide), "{columns}: {text}");
    }
}

#[test]
fn packs_add_rules_and_override_by_id() {
    let dir = logs();
    put(dir.path(), "pack/acme/gizmo.toml", &rule("The gizmo is broken", "gizmo is out of order"));
    put(dir.path(), "other/nix/eval/undefined-variable.toml", &rule("Ours now", "undefined variable"));
    let title = |args: &[&str]| run(dir.path(), args).out.lines().next().unwrap_or_default().to_owned();
    assert_eq!(title(&["--rules", "pack", "strange.log"]), "error[acme/gizmo]: The gizmo is broken");
    assert_eq!(title(&["diagnose", "strange.log", "--rules", "pack"]), "error[acme/gizmo]: The gizmo is broken");
    assert_eq!(title(&["--rules=pack", "--rules=other", "red.log"]), "error[nix/eval/undefined-variable]: Ours now");
    let output = whyred(dir.path()).env("WHYRED_RULES", "pack:other").arg("red.log").output().unwrap();
    assert!(ended(output).out.contains(": Ours now"));
    assert!(run(dir.path(), &["--rules", "pack", "rules", "list"]).out.contains("acme/gizmo"));
}

#[test]
fn a_bad_pack_is_told_with_file_and_line() {
    let dir = logs();
    put(dir.path(), "pack/a.toml", &rule("A", "gizmo is out of order").replace("\"cause\"", "\"reason\""));
    put(dir.path(), "pack/b.toml", "title = ");
    let bad = run(dir.path(), &["--rules", "pack", "red.log"]);
    assert_eq!((bad.status, bad.out.as_str()), (2, ""));
    let told: Vec<&str> = bad.err.lines().collect();
    assert!(told[0].starts_with("pack/a.toml:3: ") && told[1].starts_with("pack/b.toml:1: "), "{}", bad.err);
    let missing = run(dir.path(), &["--rules", "nowhere", "red.log"]);
    assert!(missing.status == 2 && missing.err.starts_with("nowhere: "), "{}", missing.err);
}

#[test]
fn what_cannot_be_understood_is_status_2() {
    let dir = logs();
    for args in [
        &["--format", "xml", "red.log"][..],
        &["--nonsense"],
        &["--format=json", "rules", "list"],
        &["rules"],
        &["completions", "tcl"],
    ] {
        let wrong = run(dir.path(), args);
        assert!(wrong.status == 2 && !wrong.err.is_empty() && wrong.out.is_empty(), "{args:?}: {}", wrong.err);
    }
    let help = run(dir.path(), &["--help"]);
    assert!(help.status == 0 && help.out.contains("2>&1 | whyred") && help.out.contains("WHYRED_RULES"));
    assert!(run(dir.path(), &["--version"]).out.starts_with("whyred "));
}

#[test]
fn nobody_reading_is_no_failure() {
    let dir = logs();
    let mut child = whyred(dir.path())
        .args(["rules", "list", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!((ended.status, ended.err.as_str()), (0, ""));
}

#[cfg(unix)]
#[test]
fn run_passes_output_and_status_on() {
    let dir = logs();
    let red = run(dir.path(), &["run", "--", "sh", "-c", "echo building; cat red.log >&2; exit 7"]);
    assert_eq!((red.status, red.out.as_str()), (7, "building\n"));
    assert!(red.err.starts_with(RED), "{}", red.err);
    assert!(red.err.contains("error[nix/eval/undefined-variable]: ") && red.err.contains("--> output:"), "{}", red.err);
    let fine = run(dir.path(), &["run", "sh", "-c", "printf 'no line feed'; echo aside >&2"]);
    assert_eq!((fine.status, fine.out.as_str(), fine.err.as_str()), (0, "no line feed", "aside\n"));
    let killed = run(dir.path(), &["run", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(killed.status, 128 + 9);
    let missing = run(dir.path(), &["run", "--", "no-such-command-here"]);
    assert!(missing.status == 127 && missing.err.contains("no-such-command-here"), "{}", missing.err);
    let much = run(dir.path(), &["run", "--", "sh", "-c", "seq 1 200000; exit 1"]);
    assert_eq!((much.status, much.out.lines().count()), (1, 200_000));
}

#[test]
fn rules_are_listed() {
    let dir = logs();
    let id = "nix/eval/undefined-variable";
    let text = run(dir.path(), &["rules", "list"]);
    assert!(text.status == 0 && text.out.lines().any(|line| line.split(' ').next() == Some(id)), "{}", text.out);
    let json: Value = serde_json::from_str(&run(dir.path(), &["rules", "list", "--format", "json"]).out).unwrap();
    assert!(json.as_array().unwrap().iter().any(|rule| rule["id"] == id && rule["role"] == "cause"));
    let markdown = run(dir.path(), &["rules", "list", "--format", "markdown"]).out;
    assert!(
        markdown.starts_with("# All rules\n\n| area | rules | ") && markdown.contains("\n## nix/eval\n\n| rule | ")
    );
    assert!(markdown.contains(&format!("| [undefined-variable]({id}.toml) | ")));
}

#[test]
fn rules_are_shown_and_explained() {
    let dir = logs();
    let id = "nix/eval/undefined-variable";
    let shown = run(dir.path(), &["rules", "show", id]);
    assert!(
        shown.status == 0 && shown.out.contains("[signature]\nanchor = ") && shown.out.contains("[[example]]"),
        "{}",
        shown.out
    );
    put(dir.path(), "pack/nix/eval/undefined-variable.toml", &shown.out);
    assert_eq!(run(dir.path(), &["--rules", "pack", "red.log"]).status, 0, "what is shown can be used");
    let explained = run(dir.path(), &["rules", "explain", id]);
    assert!(
        explained.status == 0 && explained.out.starts_with("# ") && explained.out.contains("\n## What to do\n"),
        "{}",
        explained.out
    );
    for command in ["show", "explain"] {
        let wrong = run(dir.path(), &["rules", command, "nix/eval/undefined-variabel"]);
        assert!(wrong.status == 2 && wrong.err.contains(&format!("did you mean {id}")), "{}", wrong.err);
    }
    let far = run(dir.path(), &["rules", "show", "qqqqqqqqqqqqqqqqqqqqq"]);
    assert!(far.status == 2 && far.err.contains("rules list"), "{}", far.err);
}

#[test]
fn a_new_rule_passes_its_check_and_is_never_overwritten() {
    let dir = logs();
    let new = run(dir.path(), &["rules", "new", "acme/gizmo", "--dir", "pack"]);
    assert_eq!((new.status, new.out.as_str()), (0, "pack/acme/gizmo.toml\n"));
    let check = run(dir.path(), &["rules", "check", "pack"]);
    assert_eq!((check.status, check.out.as_str()), (0, "1 rule, 0 problems\n"));
    let again = run(dir.path(), &["rules", "new", "--dir=pack", "acme/gizmo"]);
    assert!(again.status == 2 && again.err.contains("is there already"), "{}", again.err);
    for id in ["../up", "Acme/Gizmo", "a//b"] {
        let wrong = run(dir.path(), &["rules", "new", id]);
        assert!(wrong.status == 2 && wrong.err.contains("no rule id"), "{id}: {}", wrong.err);
    }
    assert!(
        run(dir.path(), &["rules", "new", "acme/other"]).status == 0
            && dir.path().join("rules/acme/other.toml").exists()
    );
}

#[test]
fn check_tells_problems_with_file_and_line_and_goes_on() {
    let dir = logs();
    put(dir.path(), "pack/good.toml", &rule("Good", "gizmo is out of order"));
    put(dir.path(), "pack/broken.toml", &rule("B", "widget is out of order").replace("\"cause\"", "\"reason\""));
    put(
        dir.path(),
        "pack/silent.toml",
        &rule("S", "flange is out of order").replace("log = \"nothing\"", "log = \"a flange is out of order\""),
    );
    let check = run(dir.path(), &["rules", "check", "pack"]);
    assert_eq!(check.status, 1, "{}", check.out);
    let told: Vec<&str> = check.out.lines().collect();
    assert_eq!(told.len(), 3, "{}", check.out);
    assert!(
        told[0].starts_with("pack/broken.toml:3: ")
            && told[1].starts_with("pack/silent.toml:")
            && told[1].contains("counter-example"),
        "{}",
        check.out
    );
    assert_eq!(told[2], "2 rules, 2 problems");
    let missing = run(dir.path(), &["rules", "check", "nowhere"]);
    assert!(missing.status == 2 && missing.err.contains("nowhere"), "{}", missing.err);
}

#[test]
fn completions_and_manual_pages() {
    let dir = logs();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = run(dir.path(), &["completions", shell]);
        assert!(completions.status == 0 && completions.out.contains("whyred"), "{shell}");
    }
    assert!(run(dir.path(), &["man"]).out.contains(".TH whyred 1"));
    assert_eq!(run(dir.path(), &["man", "--dir", "man1"]).status, 0);
    assert!(dir.path().join("man1/whyred.1").exists() && dir.path().join("man1/whyred-rules-check.1").exists());
}

#[test]
fn the_examples_are_understood() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let wanted = [
        ("bazel-in-nix-unknown-host.log", "bazel/fetch/unknown-host"),
        ("bazel-visibility.log", "bazel/analysis/not-visible"),
        ("nix-hash-mismatch.log", "nix/fetch/hash-mismatch"),
    ];
    for (log, rule) in wanted {
        let red = run(&examples, &[log]);
        assert!(red.status == 0 && red.out.starts_with(&format!("error[{rule}]: ")), "{log}: {}", red.out);
    }
}

#[test]
fn nix_events_are_read_as_what_nix_would_have_shown() {
    let dir = TempDir::new().unwrap();
    let mut log = String::new();
    for n in 0..40_000 {
        log += &format!("@nix {{\"action\":\"result\",\"fields\":[{n},40000,1,0],\"id\":4,\"type\":105}}\n");
    }
    let drv = "/nix/store/vyj3yhywcl4zgb1i39x4yqj5vsnh69m1-app-1.0.drv";
    log += &format!(
        "@nix {{\"action\":\"start\",\"fields\":[\"{drv}\"],\"id\":9,\"level\":3,\"text\":\"building '{drv}'\",\"type\":105}}\n"
    );
    log += "@nix {\"action\":\"result\",\"fields\":[\"\\u001b[1mmain.c:7:10: \\u001b[31mfatal error: \\u001b[0mzlib.h: No such file or directory\"],\"id\":9,\"type\":101}\n";
    log += &format!(
        "@nix {{\"action\":\"msg\",\"level\":0,\"msg\":\"error: builder for '{drv}' failed with exit code 1;\\n       last 1 log lines:\"}}\n"
    );
    fs::write(dir.path().join("nix.log"), &log).unwrap();
    let from_file = run(dir.path(), &["diagnose", "--format", "json", "nix.log"]);
    let from_pipe = piped(dir.path(), &["diagnose", "--format", "json"], log.as_bytes());
    for told in [&from_file, &from_pipe] {
        let report: Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!(report["log"]["format"], "nix-internal-json");
        assert_eq!(
            (report["log"]["lines"].as_u64(), report["log"]["bytes"].as_u64()),
            (Some(40_003), Some(log.len() as u64))
        );
        assert_eq!(report["diagnoses"][0]["evidence"][0]["line"], 40_002);
        assert!(report["diagnoses"][0]["title"].as_str().unwrap().contains("zlib.h"), "{}", told.out);
        assert_eq!(report["derivations"][0]["line"], 40_003);
        assert_eq!(report["derivations"][0]["name"], "app-1.0");
    }
}

#[test]
fn documents_for_ci_name_the_place_in_the_checkout() {
    let dir = TempDir::new().unwrap();
    let chain = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bazel-in-nix-unknown-host.log");

    let sarif: Value = serde_json::from_str(&run(dir.path(), &["--format", "sarif", chain, "-"]).out).unwrap();
    assert_eq!((&sarif["version"], sarif["runs"].as_array().unwrap().len()), (&Value::from("2.1.0"), 2));
    let found = &sarif["runs"][0]["results"][0];
    let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
    assert_eq!(found["ruleId"], rules[found["ruleIndex"].as_u64().unwrap() as usize]["id"]);
    let place = &found["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "WORKSPACE");
    assert!(place["region"]["startLine"].as_u64().unwrap() > 0);

    let gitlab: Value = serde_json::from_str(&run(dir.path(), &["--format", "gitlab", chain]).out).unwrap();
    assert_eq!((&gitlab[0]["location"]["path"], gitlab.as_array().unwrap().len()), (&Value::from("WORKSPACE"), 1));
    assert_eq!(run(dir.path(), &["--format", "gitlab", "-"]).out, "[]\n");
}

#[test]
fn no_line_of_a_log_becomes_a_command_or_markup() {
    let dir = TempDir::new().unwrap();
    let hostile =
        "error: undefined variable 'a<b&\"c'\n\n       at /home/ada/flake.nix:41:22:\n::add-mask::x\n%0A\x1b[31m";
    let github = piped(dir.path(), &["--format", "github"], hostile.as_bytes()).out;
    assert_eq!(github.lines().filter(|line| line.starts_with("::error ")).count(), github.lines().count());
    assert!(!github.is_empty());
    let junit = piped(dir.path(), &["--format", "junit"], hostile.as_bytes()).out;
    assert!(junit.contains("a&lt;b&amp;&quot;c") && !junit.contains('\x1b'), "{junit}");
    assert!(junit.contains("tests=\"1\" failures=\"1\""), "{junit}");
    let green = piped(dir.path(), &["--format", "junit"], GREEN.as_bytes()).out;
    assert!(green.contains("tests=\"1\" failures=\"0\"") && !green.contains("<failure"), "{green}");
}
