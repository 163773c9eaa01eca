//! The real program as a hook and as a watch of a fake Hydra; a real service takes what they send.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::house::{CAUSE, House, LOG};
use crate::hydra::{build, hook, log, page_json};

const PAGE: &str = include_str!("../data/hydra/build.html");

fn whyred(folder: &Path, args: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_whyred"));
    for name in ["WHYRED_SERVER", "WHYRED_TOKEN", "WHYRED_TOKEN_FILE", "WHYRED_HYDRA", "WHYRED_RULES", "HYDRA_JSON"] {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder).env("XDG_STATE_HOME", folder).env("HYDRA_DATA", folder).env("PATH", folder);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

async fn hooked(folder: &Path, json: &Value, args: &[&str]) -> String {
    std::fs::write(folder.join("hydra.json"), json.to_string()).unwrap();
    let mut command = whyred(folder, &["hook", "hydra"]);
    let (status, out, err) = ended(&command.args(args).env("HYDRA_JSON", "hydra.json").output().await.unwrap());
    assert_eq!((status, out.as_str(), err.lines().count()), (0, "", 1), "{err}");
    err
}

#[tokio::test]
async fn the_hook_finds_the_log_on_this_machine() {
    let house = House::open(|_| String::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("build-logs/8a");
    std::fs::create_dir_all(&logs).unwrap();
    let packed = zstd::encode_all(LOG.as_bytes(), 1).unwrap();
    std::fs::write(logs.join("b5mjr8yxb3w9qe4c2h3i7b1n5g6k0d-app-1.0.drv.zst"), packed).unwrap();
    let said =
        hooked(folder.path(), &hook(31, 1), &["--server", &house.base, "--hydra", "https://hydra.example"]).await;
    assert!(said.contains(CAUSE) && said.contains("/r/"), "{said}");
    let (told, report) = house.explained().await;
    assert!(report.contains(CAUSE) && told.build_url == "https://hydra.example/build/31");
    // A second time it is the same report; green ones are sent only where that is wanted.
    hooked(folder.path(), &hook(31, 1), &["--server", &house.base, "--hydra", "https://hydra.example"]).await;
    assert!(hooked(folder.path(), &hook(32, 0), &["--server", &house.base]).await.contains("build 32 is green"));
    assert_eq!(house.stored().await, 1);
}

#[tokio::test]
async fn the_hook_asks_hydra_for_what_a_dependency_said_or_leaves_it_to_the_server() {
    let hydra = MockServer::start().await;
    build(&hydra, 31, 2, PAGE).await;
    log(&hydra, "/build/31/nixlog/2/raw", "vx4d-libfoo-1.4.drv", LOG).await;
    let house = House::open(|_| format!("[hydra]\nurl = '{}'\n", hydra.uri())).await;
    let folder = tempfile::tempdir().unwrap();
    let said = hooked(folder.path(), &hook(31, 2), &["--server", &house.base, "--hydra", &hydra.uri()]).await;
    assert!(said.contains(CAUSE), "{said}");
    assert_eq!(house.explained().await.0.metadata["dependency"], "libfoo-1.4");
    let said = hooked(folder.path(), &hook(31, 2), &["--server", &house.base]).await;
    assert!(said.contains("the server looks for the log"), "{said}");
}

#[tokio::test]
async fn the_hook_never_fails_and_says_why_it_could_not() {
    let house = House::open(|_| String::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let said = hooked(folder.path(), &hook(31, 1), &[]).await;
    assert!(said.contains("--server"), "{said}");
    let said = hooked(folder.path(), &hook(31, 1), &["--server", &house.base]).await;
    assert!(said.contains("--hydra"), "{said}");
    assert!(
        hooked(folder.path(), &json!({ "event": "x" }), &["--server", &house.base])
            .await
            .contains("no build as Hydra tells it")
    );
    let output = whyred(folder.path(), &["hook", "hydra"]).output().await.unwrap();
    let (status, _, err) = ended(&output);
    assert!(status == 0 && err.contains("HYDRA_JSON is not set"), "{err}");
}

/// The list of builds that have finished, and what the jobset says.
async fn lists(hydra: &MockServer, builds: &[Value], evaluation: &str) {
    let json = ResponseTemplate::new(200).set_body_json(builds);
    let latest = Mock::given(path("/api/latestbuilds")).and(query_param("project", "demo"));
    latest.and(query_param("jobset", "main")).respond_with(json).mount(hydra).await;
    let jobset = json!({ "name": "main", "project": "demo", "errormsg": evaluation, "fetcherrormsg": null, "errortime": 1_700_000_000, "inputs": {} });
    Mock::given(path("/jobset/demo/main"))
        .respond_with(ResponseTemplate::new(200).set_body_json(jobset))
        .mount(hydra)
        .await;
}

#[tokio::test]
async fn the_watch_tells_each_failed_build_once() {
    let hydra = MockServer::start().await;
    let builds = [page_json(33, 0), page_json(32, 4), page_json(31, 2), page_json(30, 1)];
    lists(&hydra, &builds, "error: undefined variable 'libfo'\n\n       at /nix/store/x-source/flake.nix:7:9:\n").await;
    build(&hydra, 31, 2, PAGE).await;
    log(&hydra, "/build/31/nixlog/2/raw", "vx4d-libfoo-1.4.drv", LOG).await;
    build(&hydra, 30, 1, "").await;
    let folder = tempfile::tempdir().unwrap();
    let uri = hydra.uri();
    let args = ["watch", "hydra", uri.as_str(), "demo/main", "--once"];
    let (status, out, err) = ended(&whyred(folder.path(), &args).output().await.unwrap());
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((status, err.as_str(), lines.len()), (0, "", 3), "{out}");
    assert!(lines[0].contains("main:evaluation") && lines[0].contains("libfo"), "{out}");
    assert!(lines[1].contains("/build/30") && lines[1].contains("no log"), "{out}");
    let dependency = lines[2].starts_with("red") && lines[2].contains("libfoo-1.4: ") && lines[2].contains(CAUSE);
    assert!(dependency && lines[2].contains("/build/31"), "{out}");
    assert!(!out.contains('\u{1b}'));
    let (status, out, _) = ended(&whyred(folder.path(), &args).output().await.unwrap());
    assert_eq!((status, out.as_str()), (0, ""));
    // A build with a lower number may end later.
    hydra.reset().await;
    lists(&hydra, &[page_json(33, 0), page_json(31, 2), page_json(29, 1)], "").await;
    build(&hydra, 29, 1, "").await;
    log(&hydra, "/build/29/log/raw", "x-app.drv", LOG).await;
    let (_, out, _) = ended(&whyred(folder.path(), &args).output().await.unwrap());
    assert!(out.lines().count() == 1 && out.contains("/build/29"), "{out}");
}

#[tokio::test]
async fn the_watch_sends_to_a_server_and_ends_when_it_is_told_to() {
    let hydra = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "1");
    Mock::given(path("/jobset/demo/main")).respond_with(busy).up_to_n_times(1).with_priority(1).mount(&hydra).await;
    lists(&hydra, &[page_json(30, 1)], "").await;
    build(&hydra, 30, 1, "").await;
    log(&hydra, "/build/30/log/raw", "x-app.drv", LOG).await;
    let house = House::open(|_| String::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let uri = hydra.uri();
    let args = ["watch", "hydra", uri.as_str(), "demo:main", "--every", "1", "--server", house.base.as_str()];
    let mut command = whyred(folder.path(), &args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (told, report) = house.explained().await;
    assert!(report.contains(CAUSE) && told.job == "main:app.x86_64-linux");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let (status, out, err) = ended(&child.wait_with_output().await.unwrap());
    assert!(status == 0 && out.contains("/r/") && err.contains("asked again in"), "{status} {out} {err}");
    let state = std::fs::read_dir(folder.path().join("whyred/watch")).unwrap().next().unwrap().unwrap();
    assert!(std::fs::read_to_string(state.path()).unwrap().contains("30"));
}

#[tokio::test]
async fn a_watch_of_nothing_says_so() {
    let hydra = MockServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let uri = hydra.uri();
    for (project, words) in
        [("nothing/here", "is there such a project"), ("a/b/c", "write PROJECT"), ("/x", "write PROJECT")]
    {
        let args = ["watch", "hydra", uri.as_str(), project, "--once"];
        let (status, _, err) = ended(&whyred(folder.path(), &args).output().await.unwrap());
        assert!(status == 2 && err.contains(words), "{status} {err}");
    }
}
