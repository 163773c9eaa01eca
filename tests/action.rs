//! The GitHub Action, run as a runner runs it: its very steps, with a log that tries to be a command.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

#[cfg(feature = "service")]
#[allow(dead_code, unreachable_pub)]
#[path = "common/process.rs"]
mod process;

const ACTION: &str = include_str!("../action.yml");
const LOG: &str = include_str!("../examples/bazel-visibility.log");
/// What a log holds that wants to do harm: commands at the beginning of a line, within one, after a carriage return.
const HOSTILE: &str = "::add-mask::harm\n##[add-mask]harm\nx ##[add-path]/harm\r::set-env name=PATH::/harm\n::stop-commands::harm\n\
    ::error title=harm::harm\n::harm::\n\u{feff}::warning::harm\n$(touch harm) `touch harm` '; touch harm; '\n\
    error: undefined variable 'a'::error::harm\u{2028}::error::harm\r\n\n       at ::error file=flake.nix::harm:41:22:\n\
    ERROR: /home/runner/work/a/a/app/BUILD:3:1: no such package '@harm//': ::error::harm%0A::error::harm ##[add-path]/harm\n";

#[derive(Deserialize)]
struct Action {
    inputs: BTreeMap<String, Input>,
    outputs: BTreeMap<String, Output>,
    runs: Runs,
}

#[derive(Deserialize)]
struct Input {
    description: String,
    #[serde(default)]
    default: String,
}

#[derive(Deserialize)]
struct Output {
    value: String,
}

#[derive(Deserialize)]
struct Runs {
    using: String,
    steps: Vec<Step>,
}

/// A script, or another action.
#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Script {
        id: String,
        shell: String,
        #[serde(default)]
        env: BTreeMap<String, String>,
        run: String,
    },
    Other {
        uses: String,
        r#if: String,
        with: BTreeMap<String, String>,
    },
}

/// What a runner has seen.
#[derive(Debug)]
struct Ran {
    /// Commands, with what stands between the colons and what after them.
    commands: Vec<(String, String)>,
    summary: String,
    outputs: BTreeMap<String, String>,
    printed: String,
    folder: tempfile::TempDir,
}

/// Runs the steps with these inputs on this log.
fn ran(log: Option<&str>, inputs: &[(&str, &str)]) -> Ran {
    let action: Action = serde_saphyr::from_str(ACTION).unwrap();
    assert_eq!(action.runs.using, "composite");
    assert!(action.inputs.values().all(|input| !input.description.is_empty()));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    if let Some(log) = log {
        fs::write(file("build.log"), log).unwrap();
    }
    let mut known: BTreeMap<String, String> = [
        ("github.repository", "octo-org/octo-repo"),
        ("github.job", "linux"),
        ("github.server_url", "https://github.com"),
        ("github.run_id", "17"),
        ("github.sha", "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"),
        ("github.head_ref || github.ref_name", "patch-$(touch harm)"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, input) in &action.inputs {
        let told = inputs.iter().find(|(told, _)| told == name).map(|(_, value)| (*value).to_owned());
        let value = told.unwrap_or_else(|| filled(&input.default, &known));
        known.insert(format!("inputs.{name}"), value);
    }
    let mut ran = Ran {
        commands: Vec::new(),
        summary: String::new(),
        outputs: BTreeMap::new(),
        printed: String::new(),
        folder: tempfile::tempdir().unwrap(),
    };
    let program = PathBuf::from(env!("CARGO_BIN_EXE_whyred"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for step in &action.runs.steps {
        let (id, shell, env, run) = match step {
            Step::Script { id, shell, env, run } => (id, shell, env, run),
            Step::Other { uses, r#if, with } => {
                assert_eq!((uses.as_str(), r#if.as_str()), ("actions/upload-artifact@v4", "inputs.artifact != ''"));
                assert!(with.contains_key("name") && with.contains_key("path"));
                continue;
            }
        };
        assert_eq!(shell, "bash");
        assert!(!run.contains("${{"), "what others write is no part of a script");
        fs::write(file("script"), run).unwrap();
        fs::write(file("output"), "").unwrap();
        let env = env.iter().map(|(name, value)| (name, filled(value, &known)));
        let done = Command::new("bash")
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(file("script"))
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"))
            .env("GITHUB_OUTPUT", file("output"))
            .env("GITHUB_STEP_SUMMARY", file("summary"))
            .env_remove("WHYRED_RULES")
            .envs(env)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let printed = String::from_utf8(done.stdout).unwrap() + &String::from_utf8_lossy(&done.stderr);
        ran.commands.extend(commands(&printed));
        ran.printed += &printed;
        for line in fs::read_to_string(file("output")).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            known.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
    }
    for (name, output) in &action.outputs {
        let expression = output.value.trim_start_matches("${{ ").trim_end_matches(" }}");
        ran.outputs.insert(name.clone(), known.get(expression).cloned().unwrap_or_default());
    }
    ran.summary = fs::read_to_string(file("summary")).unwrap_or_default();
    ran.folder = folder;
    ran
}

/// A value with its expressions filled in.
fn filled(value: &str, known: &BTreeMap<String, String>) -> String {
    let mut parts = value.split("${{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |filled, part| {
        let (expression, rest) = part.split_once("}}").unwrap();
        let value = known.get(expression.trim()).unwrap_or_else(|| panic!("{expression} is not known"));
        filled + value + rest
    })
}

/// The commands that a runner finds: `::name …::…` at the beginning of a line, `##[name …]…` anywhere in it; none after stop-commands until
/// its word. A line ends at each line feed and each carriage return.
fn commands(printed: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut stopped: Option<String> = None;
    for line in printed.split(['\n', '\r']) {
        if let Some(word) = &stopped {
            if line.trim() == format!("::{word}::") {
                stopped = None;
            }
            continue;
        }
        let after = line.trim_start_matches('\u{feff}').trim_start().strip_prefix("::");
        let at_begin = after.and_then(|rest| rest.split_once("::"));
        let within = || line.split_once("##[").and_then(|(_, rest)| rest.split_once(']'));
        let Some((head, data)) = at_begin.or_else(within) else { continue };
        let name = head.split(' ').next().unwrap_or_default();
        if name == "stop-commands" {
            assert!(data.len() >= 32, "{data:?} can be guessed");
            stopped = Some(data.to_owned());
        } else {
            found.push((head.to_owned(), data.to_owned()));
        }
    }
    assert_eq!(stopped, None, "commands are let in again");
    found
}

fn files(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_job_says_why_it_is_red() {
    let ran = ran(Some(LOG), &[("log", "build.log"), ("sarif", "whyred.sarif")]);
    assert!(ran.summary.starts_with("### //ledger/internal:journal is not visible"), "{}", ran.summary);
    assert_eq!(ran.outputs["rule"], "bazel/analysis/not-visible");
    assert_eq!(ran.outputs["verdict"], "fix-build");
    assert_eq!(ran.outputs["report"], "");
    assert!(ran.commands.iter().all(|(head, _)| head.starts_with("error ")), "{:?}", ran.commands);
    assert_eq!(ran.commands.len(), 1);
    assert!(ran.printed.contains("not-visible"), "the text stands in the log of the job");
    assert!(files(ran.folder.path()).contains(&"whyred.sarif".to_owned()));
}

#[test]
fn a_log_commands_nothing() {
    // Also as what proves a cause, and as what is captured of it.
    for log in
        [HOSTILE.to_owned(), format!("{LOG}{HOSTILE}"), LOG.replace("journal", "::error::harm ##[add-path]/harm")]
    {
        let ran = ran(Some(&log), &[("log", "build.log")]);
        for (head, data) in &ran.commands {
            let kind = head.split(' ').next().unwrap();
            assert!(["error", "warning"].contains(&kind) && head.contains("title="), "{head} {data}");
            // As many properties as are meant; nothing of the log is one.
            assert!(!head.contains("title=harm"), "{head}");
        }
        assert!(!files(ran.folder.path()).contains(&"harm".to_owned()), "{:?}", files(ran.folder.path()));
        assert!(ran.summary.len() <= 1 << 20);
        let outside: String = ran.summary.split("```").step_by(2).collect();
        assert!(!outside.contains("<script") && !ran.outputs["rule"].contains("harm"));
    }
}

#[test]
fn without_a_log_the_job_is_no_redder() {
    let ran = ran(None, &[("log", "build.log")]);
    assert_eq!(ran.commands.len(), 1);
    assert!(ran.commands[0].1.contains("tee build.log"), "{:?}", ran.commands);
}

#[cfg(feature = "service")]
#[test]
fn a_service_keeps_the_log() {
    let data = tempfile::tempdir().unwrap();
    let server = process::ServerProcess::start(data.path(), None, &["--token", "operator"]);
    let inputs = [("log", "build.log"), ("server", &*server.url), ("token", "operator")];
    let told = ran(Some(LOG), &inputs);
    let report = &told.outputs["report"];
    assert!(report.starts_with(&format!("{}/r/", server.url)), "{report}");
    assert!(told.summary.contains(&format!("[The report and its log]({report})")), "{}", told.summary);
    // A wrong token is a warning, and all else goes on.
    let refused = ran(Some(LOG), &[("log", "build.log"), ("server", &*server.url), ("token", "guess")]);
    assert!(refused.commands.iter().any(|(head, data)| head.starts_with("warning") && data.contains("scope ingest")));
    assert_eq!(refused.outputs["report"], "");
    assert!(!refused.summary.is_empty());
}
