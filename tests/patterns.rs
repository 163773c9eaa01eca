//! The programs of patterns against a regex engine that is known to be right: what matches, and what is captured.

#![allow(clippy::expect_used)]

use proptest::prelude::*;
use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;
use whyred::engine::Engine;
use whyred::rule::{Captures, Pattern, Scratch};

/// The same pattern, compiled by the library in the way that docs/rules.md promises, for its plainest engine.
fn reference(source: &str) -> Option<PikeVM> {
    let bytes = thompson::Config::new().utf8(false);
    let build = |unicode| {
        let syntax = syntax::Config::new().unicode(unicode).utf8(false);
        PikeVM::builder().thompson(bytes.clone()).syntax(syntax).build(source).ok()
    };
    build(false).or_else(|| build(true))
}

fn expected(regex: &PikeVM, text: &str) -> Option<Captures> {
    let mut captures = regex.create_captures();
    regex.captures(&mut regex.create_cache(), text, &mut captures);
    let pattern = captures.pattern()?;
    let names = regex.get_nfa().group_info().pattern_names(pattern).enumerate();
    let named = names.filter_map(|(i, name)| Some((name?, captures.get_group(i)?)));
    let text = |span: regex_automata::Span| String::from_utf8_lossy(&text.as_bytes()[span.range()]).into_owned();
    Some(named.map(|(name, span)| (name.to_owned(), text(span))).collect())
}

fn found(pattern: &Pattern, text: &str, scratch: &mut Scratch) -> Option<Captures> {
    let mut captures = Captures::new();
    let matches = pattern.capture(text, scratch, &mut captures);
    assert_eq!(matches, pattern.is_match(text, scratch), "{:?} on {text:?}", pattern.source);
    matches.then_some(captures)
}

#[test]
fn every_pattern_of_every_rule_finds_what_a_regex_library_finds() {
    let rules = Engine::built_in_rules();
    let mut lines: Vec<&str> = rules
        .iter()
        .flat_map(|rule| {
            rule.examples.iter().map(|e| e.log.as_str()).chain(rule.counters.iter().map(|c| c.log.as_str()))
        })
        .flat_map(str::lines)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    let mut scratch = Scratch::default();
    let (mut compared, mut matched) = (0, 0);
    for rule in rules.iter() {
        let s = &rule.signature;
        let kinds = [&s.patterns, &s.follow, &s.before, &s.context, &s.unless, &s.unless_near];
        let own: Vec<&str> = rule.examples.iter().flat_map(|example| example.log.lines()).collect();
        for pattern in kinds.into_iter().flatten() {
            let regex = reference(&pattern.source).expect("a rule's pattern compiles");
            // Its own examples, and every 23rd line of all the others.
            for line in own.iter().copied().chain(lines.iter().copied().skip(compared % 23).step_by(23)) {
                let wanted = expected(&regex, line);
                assert_eq!(found(pattern, line, &mut scratch), wanted, "{}: {:?} on {line:?}", rule.id, pattern.source);
                compared += 1;
                matched += usize::from(wanted.is_some());
            }
        }
    }
    assert!(matched > rules.len(), "{matched} matches in {compared} comparisons");
}

/// Patterns made of what patterns of rules are made of, over few letters, so that they match often.
fn source() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[ab]{1,3}".prop_map(|s| s),
        Just("c".to_owned()),
        Just(".".to_owned()),
        Just(r"\w".to_owned()),
        Just("[^a]".to_owned()),
        Just("[ac]".to_owned()),
        Just(r"\b".to_owned()),
        Just(r"\B".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just("(?i:A)".to_owned()),
        Just(" ".to_owned()),
        Just("»".to_owned()),
        Just("[^»]".to_owned()),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (inner.clone(), prop_oneof!["[*+?]\\??", "\\{[0-2],[2-5]\\}\\??", "\\{2\\}", "\\{1,\\}"])
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
            inner.prop_map(|part| format!("(?<x>{part})")),
        ]
    })
}

/// Only the first group keeps its name: a pattern may use it once.
fn with_one_name(source: &str) -> String {
    source.replacen("(?<x>", "(?<y>", 1).replace("(?<x>", "(?:")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn any_pattern_finds_what_a_regex_library_finds(source in source(), text in "[abcA »]{0,14}") {
        let source = with_one_name(&source);
        let (Ok(pattern), Some(regex)) = (Pattern::new(&source), reference(&source)) else { return Ok(()) };
        let mut scratch = Scratch::default();
        prop_assert_eq!(found(&pattern, &text, &mut scratch), expected(&regex, &text), "{}", source);
    }
}

#[test]
fn hostile_lines_take_bounded_time() {
    let mut scratch = Scratch::default();
    for (source, text) in [
        (r"(?:x+x+)+y", "x".repeat(16 * 1024)),
        (r"(?<a>[^']+)' is not (?<b>.*)$", "a ".repeat(8 * 1024)),
        (r"(?:a|aa)+$", "a".repeat(16 * 1024) + "b"),
        (r".*.*.*=.*", "=".repeat(4 * 1024) + &"x".repeat(12 * 1024)),
    ] {
        let pattern = Pattern::new(source).expect("compiles");
        pattern.is_match(&text, &mut scratch);
    }
}
