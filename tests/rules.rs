//! Every example and counter-example of every built-in rule, through the shipped engine.

#![allow(clippy::expect_used, clippy::print_stderr)]

use std::collections::BTreeSet;

use whyred::engine::{Engine, check};
use whyred::rule::{Captures, FixTemplate, Role, Situation};

#[test]
fn every_rule_does_what_its_examples_say() {
    let problems = check(&Engine::built_in());
    let told: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.rule, p.message)).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", told.len(), told.join("\n"));
}

#[test]
fn rules_read_from_the_folder_are_the_built_in_ones() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let read = whyred::rule::RuleSet::load(&[folder]).expect("the built-in rules load");
    let built_in = Engine::built_in_rules();
    let ids = |set: &whyred::rule::RuleSet| set.iter().map(|rule| rule.id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&read), ids(&built_in));
    for rule in built_in.iter() {
        let index = read.find(&rule.id).expect("known");
        assert_eq!(read.get(index), rule, "{}: what was packed is what was read", rule.id);
    }
}

#[test]
fn every_cause_has_a_fix_wherever_the_build_ran() {
    let situations = [
        Situation::default(),
        Situation { inside_nix: true, ..Situation::default() },
        Situation { bzlmod: true, ci: true, bazel: Some("8.0.0".into()), ..Situation::default() },
        Situation { workspace: true, remote: true, bazel: Some("4.2.3".into()), ..Situation::default() },
        Situation { flake: true, nixos: true, nix: Some("2.3.16".into()), ..Situation::default() },
        Situation { macos: true, ..Situation::default() },
        Situation { windows: true, ..Situation::default() },
    ];
    for rule in Engine::built_in_rules().iter().filter(|rule| rule.role == Role::Cause) {
        for situation in &situations {
            let possible = |fix: &FixTemplate| fix.when.iter().all(|c| c.holds(situation, &Captures::new()));
            assert!(rule.fixes.iter().any(possible), "{}: no fix is possible in {situation:?}", rule.id);
        }
    }
}

#[test]
fn the_page_of_rules_leads_to_rules() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let page = std::fs::read_to_string(folder.join("README.md")).expect("rules/README.md");
    let linked: BTreeSet<&str> =
        page.split("](").skip(1).filter_map(|rest| rest.split_once(".toml)")).map(|l| l.0).collect();
    assert!(linked.len() > 300, "{} rules on the page", linked.len());
    let gone: Vec<_> = linked.iter().filter(|id| !folder.join(format!("{id}.toml")).is_file()).collect();
    assert!(gone.is_empty(), "make rules-page: these are gone: {gone:?}");
    let missing = Engine::built_in_rules().iter().filter(|rule| !linked.contains(rule.id.as_str())).count();
    if missing > 0 {
        eprintln!("{missing} rules are not on rules/README.md yet: make rules-page");
    }
}
