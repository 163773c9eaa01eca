//! The formats for CI against their public schemas and limits, over a report of every rule and over logs that try to break out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use whyred::engine::Engine;
use whyred::log::Log;
use whyred::report::{Report, render_github, render_gitlab, render_junit, render_sarif};

const SARIF: &str = include_str!("data/schemas/sarif-2.1.0.json");
const GITLAB: &str = include_str!("data/schemas/gitlab-code-quality.json");
/// What breaks out of a careless format.
const HARM: &str = "]]><x a='\"'>&#0;\u{0}\u{1}\u{b}\u{1b}[31m\u{7f}\u{85}\u{fffe}\u{ffff}\u{202e}::error::x %0A\\\"</failure>```` @all\
    ![i](http://evil.example/i.png) [l](javascript:x) <img src=x onerror=y> <!-- ${{ secrets.X }}";

/// A report of each rule's first example, of logs that try to break out, of one that says nothing and of a green one.
static REPORTS: LazyLock<Vec<Report>> = LazyLock::new(|| {
    let engine = Engine::built_in();
    let report = |name: &str, log: &[u8]| Report::of(&engine, name, &engine.diagnose(Log::from_bytes(name, log)));
    let rules = Engine::built_in_rules();
    let examples: Vec<String> = rules.iter().filter_map(|rule| Some(rule.examples.first()?.log.clone())).collect();
    let names = ["build.log", "./logs/a b.log", "/tmp/bau/ä%.log", "C:\\logs\\x.log", HARM, ""];
    let mut reports: Vec<Report> =
        examples.iter().enumerate().map(|(number, log)| report(names[number % names.len()], log.as_bytes())).collect();
    // Every word that a rule may capture, in turn.
    for log in examples.iter().step_by(7) {
        for word in log.split_whitespace().filter(|word| word.len() > 12).take(3) {
            reports.push(report("hostile.log", log.replace(word, &format!("{word}{HARM}")).as_bytes()));
            reports.push(report("long.log", log.replace(word, &format!("{word}{}", "long".repeat(3000))).as_bytes()));
        }
    }
    reports.push(report("broken.log", b"error: \xff\xfe\x00 undefined variable '\xc3\x28'\n"));
    reports.push(report("silent.log", b"nothing that anybody knows\n"));
    reports.push(report("empty.log", b""));
    reports.push(report("green.log", b"INFO: Build completed successfully, 12 total actions\n"));
    assert!(reports.len() > 1500, "{}", reports.len());
    reports
});

/// That a document is as its schema says.
fn check(schema: &str, document: &Value) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).take(10).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn sarif() {
    let document: Value = serde_json::from_str(&render_sarif(&REPORTS)).unwrap();
    // A stray bracket, which the regular expressions here refuse.
    check(&SARIF.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$"), &document);
    let within = |text: &Value, most: usize| text.as_str().is_some_and(|text| text.chars().count() <= most);
    for run in document["runs"].as_array().unwrap() {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        // What GitHub's code scanning takes.
        for rule in rules {
            assert!(within(&rule["name"], 255), "{rule}");
            assert!(within(&rule["shortDescription"]["text"], 1024) && within(&rule["fullDescription"]["text"], 1024));
            assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 20);
        }
        let results = run["results"].as_array().unwrap();
        assert!(results.len() <= 25_000);
        for result in results {
            assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64() >= Some(1), "{place}");
            assert!(!place["artifactLocation"]["uri"].as_str().unwrap().is_empty(), "{place}");
        }
    }
}

#[test]
fn gitlab() {
    let document = render_gitlab(&REPORTS);
    assert!(!document.starts_with('\u{feff}'));
    check(GITLAB, &serde_json::from_str(&document).unwrap());
    for report in REPORTS.iter() {
        let findings: Vec<Value> = serde_json::from_str(&render_gitlab(std::slice::from_ref(report))).unwrap();
        let fingerprints: HashSet<&str> = findings.iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(fingerprints.len(), findings.len(), "GitLab shows one of those that are the same");
    }
}

#[test]
fn junit() {
    let root = env!("CARGO_MANIFEST_DIR");
    assert!(Command::new(format!("{root}/tests/setup/xmllint")).status().unwrap().success());
    let mut lint = Command::new("xmllint")
        .args(["--noout", "--huge", "--nonet", "--schema", &format!("{root}/tests/data/schemas/junit-10.xsd"), "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    lint.stdin.take().unwrap().write_all(render_junit(&REPORTS).as_bytes()).unwrap();
    let told = lint.wait_with_output().unwrap();
    let words: String = String::from_utf8_lossy(&told.stderr).chars().take(3000).collect();
    assert!(told.status.success(), "{words}");
}

#[test]
fn github() {
    for report in REPORTS.iter() {
        let text = render_github(std::slice::from_ref(report));
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        assert!(lines.len() <= 10, "{}", lines.len());
        for line in lines {
            let rest = line.strip_prefix("::error ").or(line.strip_prefix("::warning ")).expect(line);
            let (properties, message) = rest.split_once("::").expect(line);
            for property in properties.split(',') {
                let (name, value) = property.split_once('=').expect(line);
                assert!(["file", "line", "col", "title"].contains(&name) && !value.contains(':'), "{line}");
            }
            assert!(!line.contains('\r') && !message.is_empty() && message.len() <= 64 << 10, "{}", message.len());
        }
    }
}

#[cfg(feature = "service")]
#[test]
fn markdown() {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    let ours = ["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"];
    for report in REPORTS.iter() {
        let text = whyred::report::render_markdown(report, Some("https://whyred.example/r/1"));
        assert!(text.len() <= 65_536, "a comment of GitHub takes no more: {}", text.len());
        for event in Parser::new_ext(&text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => {
                    let left = ours.iter().fold(html.to_string(), |html, tag| html.replace(tag, ""));
                    assert!(!left.contains('<'), "{left:?} in {text}");
                }
                Event::Start(Tag::Link { dest_url, .. }) => {
                    assert!(
                        dest_url.starts_with("https://") || dest_url.starts_with("http://"),
                        "{dest_url} in {text}"
                    );
                    assert!(!dest_url.contains("evil.example"), "{dest_url} in {text}");
                }
                Event::Start(Tag::Image { dest_url, .. }) => panic!("an image {dest_url} in {text}"),
                _ => {}
            }
        }
    }
}
