//! The recipes for CI systems in docs/integrations, run as they stand there, against the real service.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[allow(dead_code, unreachable_pub)]
#[path = "common/process.rs"]
mod process;

use process::ServerProcess;

const LOG: &str = include_str!("../examples/bazel-visibility.log");
const CAUSE: &str = "bazel/analysis/not-visible";
const TITLE: &str = "//ledger/internal:journal is not visible";
const GITLAB: &str = include_str!("../docs/integrations/gitlab-ci.yml");
const BUILDKITE: &str = include_str!("../docs/integrations/buildkite-pre-exit");
const JENKINS: &str = include_str!("../docs/integrations/jenkins.md");
const CURL: &str = include_str!("../docs/integrations/curl.md");

/// A service that asks for a token, and a folder for a job.
struct Place {
    server: ServerProcess,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        Place { server: ServerProcess::start(&data, None, &["--token", "operator"]), folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script with this shell, in the folder.
    fn run(&self, shell: &str, script: &str, programs: &str, env: &[(&str, &str)]) -> Output {
        fs::write(self.file("script"), script).unwrap();
        Command::new(shell)
            .arg(self.file("script"))
            .current_dir(self.folder.path())
            .env("PATH", programs)
            .env("WHYRED_SERVER", &self.server.url)
            .env("WHYRED_TOKEN", "operator")
            .env_remove("WHYRED_RULES")
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    /// A program of this name, which is a shell script.
    fn program(&self, name: &str, script: &str) {
        let programs = self.file("programs");
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Where the programs of this place are found, then those of the machine.
    fn programs(&self) -> String {
        format!("{}:{}", self.file("programs").display(), machine())
    }

    /// With whyred besides.
    fn programs_with_whyred(&self) -> String {
        let whyred = Path::new(env!("CARGO_BIN_EXE_whyred")).parent().unwrap();
        format!("{}:{}", whyred.display(), self.programs())
    }

    /// What the only report was sent with.
    async fn sent(&self) -> Value {
        let get = async |path: &str| {
            let request = reqwest::Client::new().get(format!("{}{path}", self.server.url)).bearer_auth("operator");
            request.send().await.unwrap().json::<Value>().await.unwrap()
        };
        let reports = get("/api/v1/reports").await["reports"].as_array().unwrap().clone();
        assert_eq!(reports.len(), 1, "{reports:?}");
        let report = get(&format!("/api/v1/reports/{}", reports[0]["id"].as_str().unwrap())).await;
        assert_eq!(report["diagnoses"][0]["rule"], CAUSE);
        reports[0].clone()
    }
}

/// Programs of the machine.
fn machine() -> String {
    "/usr/local/bin:/usr/bin:/bin".to_owned()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The first code of this language in a page.
fn code(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[derive(Deserialize)]
struct Template {
    after_script: Vec<String>,
    artifacts: Artifacts,
}

#[derive(Deserialize)]
struct Artifacts {
    reports: BTreeMap<String, String>,
}

#[tokio::test]
async fn gitlabs_template() {
    let mut templates: BTreeMap<String, Template> = serde_saphyr::from_str(GITLAB).unwrap();
    let template = templates.remove(".whyred").unwrap();
    let script = template.after_script.join("\n");
    let place = Place::new();
    let artifact = place.file(&template.artifacts.reports["codequality"]);
    let found = || serde_json::from_slice::<Value>(&fs::read(&artifact).unwrap()).unwrap();
    let job = [
        ("WHYRED_LOG", "build.log"),
        ("CI_PROJECT_PATH", "proxies/envoy"),
        ("CI_JOB_NAME", "linux: bazel"),
        ("CI_JOB_URL", "https://gitlab.example/proxies/envoy/-/jobs/1977"),
        ("CI_COMMIT_SHA", "a1b2c3"),
        ("CI_COMMIT_REF_NAME", "main"),
    ];
    let status = |status: &'static str, more: &[(&'static str, &'static str)]| {
        [&job[..], &[("CI_JOB_STATUS", status)], more].concat()
    };
    // With nothing but the service.
    let ran = place.run("sh", &script, &machine(), &status("failed", &[]));
    assert!(words(&ran).contains("write it with"), "{}", words(&ran));
    fs::write(place.file("build.log"), LOG).unwrap();
    let ran = place.run("sh", &script, &machine(), &status("failed", &[]));
    assert!(ran.status.success() && words(&ran).contains("not-visible"), "{}", words(&ran));
    assert_eq!(found()[0]["check_name"], CAUSE);
    let sent = place.sent().await;
    assert_eq!((&sent["project"], &sent["job"]), (&"proxies/envoy".into(), &"linux: bazel".into()));
    // With nothing but the program.
    let alone = status("failed", &[("WHYRED_SERVER", ""), ("WHYRED_TOKEN", "")]);
    let ran = place.run("sh", &script, &place.programs_with_whyred(), &alone);
    assert!(ran.status.success() && words(&ran).contains("not-visible"), "{}", words(&ran));
    assert_eq!(found()[0]["check_name"], CAUSE);
    // A wrong token, and a green job.
    let ran = place.run("sh", &script, &machine(), &status("failed", &[("WHYRED_TOKEN", "guess")]));
    assert!(ran.status.success() && words(&ran).contains("scope ingest"), "{}", words(&ran));
    place.run("sh", &script, &machine(), &status("success", &[]));
    assert_eq!(found(), serde_json::json!([]));
}

#[tokio::test]
async fn buildkites_hook() {
    let place = Place::new();
    place.program("buildkite-agent", "echo \"$@\" > arguments; cat > annotation");
    fs::write(place.file("job.log"), format!("\u{1b}_bk;t=1700000000000\u{7}{LOG}")).unwrap();
    let job = [
        ("BUILDKITE_COMMAND_EXIT_STATUS", "1"),
        ("BUILDKITE_JOB_LOG_TMPFILE", "job.log"),
        ("BUILDKITE_JOB_ID", "b63254c0"),
        ("BUILDKITE_ORGANIZATION_SLUG", "acme-inc"),
        ("BUILDKITE_PIPELINE_SLUG", "envoy"),
        ("BUILDKITE_LABEL", ":bazel: Test"),
        ("BUILDKITE_BUILD_URL", "https://buildkite.com/acme-inc/envoy/builds/15"),
    ];
    let ran = place.run("bash", BUILDKITE, &place.programs_with_whyred(), &job);
    assert!(ran.status.success(), "{}", words(&ran));
    let annotation = fs::read_to_string(place.file("annotation")).unwrap();
    assert!(annotation.starts_with(&format!("### {TITLE}")) && annotation.contains("/r/"), "{annotation}");
    let arguments = fs::read_to_string(place.file("arguments")).unwrap();
    assert_eq!(arguments.trim(), "annotate --style error --context whyred-b63254c0");
    let sent = place.sent().await;
    assert_eq!((&sent["project"], &sent["job"]), (&"acme-inc/envoy".into(), &":bazel: Test".into()));
    // A green job says nothing.
    fs::remove_file(place.file("annotation")).unwrap();
    let green = [("BUILDKITE_COMMAND_EXIT_STATUS", "0")];
    assert_eq!(words(&place.run("bash", BUILDKITE, &place.programs_with_whyred(), &green)), "");
    assert!(!place.file("annotation").exists());
}

#[tokio::test]
async fn jenkins_step() {
    let place = Place::new();
    let jenkins = MockServer::start().await;
    let console = ResponseTemplate::new(200).set_body_string(format!("[Pipeline] sh\n{LOG}"));
    Mock::given(path("/job/envoy/7/consoleText"))
        .and(header("authorization", "Basic YWRhOjExYQ=="))
        .respond_with(console)
        .mount(&jenkins)
        .await;
    let groovy = code(JENKINS, "groovy");
    let (_, rest) = groovy.split_once("sh '''#!/bin/bash\n").unwrap();
    // As Groovy reads it.
    let script = rest.split_once("'''").unwrap().0.replace("\\\\", "\\");
    let build = format!("{}/job/envoy/7/", jenkins.uri());
    let env = [("JENKINS_AUTH", "ada:11a"), ("BUILD_URL", &build), ("JOB_NAME", "envoy"), ("GIT_COMMIT", "a1b2c3")];
    let ran = place.run("bash", &script, &machine(), &env);
    assert!(ran.status.success() && words(&ran).contains("not-visible"), "{}", words(&ran));
    assert_eq!(place.sent().await["project"], "envoy");
    let refused = [("WHYRED_TOKEN", "guess"), env[0], env[1], env[2]];
    let ran = place.run("bash", &script, &machine(), &refused);
    assert!(ran.status.success() && words(&ran).contains("could not be sent"), "{}", words(&ran));
}

#[tokio::test]
async fn any_ci_with_curl() {
    let place = Place::new();
    fs::write(place.file("their.log"), LOG).unwrap();
    place.program("bazel", "cat their.log >&2; exit 3");
    let ran = place.run("bash", &code(CURL, "bash"), &place.programs(), &[]);
    assert_eq!(ran.status.code(), Some(3), "as the build ended: {}", words(&ran));
    assert!(words(&ran).contains("not-visible") && words(&ran).contains("/r/"), "{}", words(&ran));
    let sent = place.sent().await;
    assert_eq!((&sent["project"], &sent["job"]), (&"envoy".into(), &"linux".into()));
    place.program("bazel", "echo fine");
    let ran = place.run("bash", &code(CURL, "bash"), &place.programs(), &[]);
    assert_eq!((ran.status.code(), words(&ran).as_str()), (Some(0), "fine\n"));
    // In a shell without pipefail.
    let plain = "{ bazel build //...; echo $? > status; } 2>&1 | tee build.log; exit \"$(cat status)\"";
    assert!(CURL.contains("{ bazel build //...; echo $? > status; } 2>&1 | tee build.log"));
    place.program("bazel", "exit 3");
    assert_eq!(place.run("sh", plain, &place.programs(), &[]).status.code(), Some(3));
}
