//! Regex: the two ways in which whyred compiles a pattern: quick to build, because most are used once or never
//! (11 µs without the lazy DFA and the prefilter, 53 µs with them), and quick to search with for the few that are used very often.

use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

/// A compiled pattern over bytes.
pub type Regex = meta::Regex;

/// Largest compiled size of one pattern, in bytes: a pack cannot make the program eat memory.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles a pattern. Classes such as `\w` are ASCII unless the pattern itself needs Unicode.
///
/// # Errors
/// What is wrong with the pattern, as the regex parser says it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let config = config().hybrid(false).onepass(false).auto_prefilter(false);
    build(pattern, &config, false).or_else(|_| build(pattern, &config, true))
}

/// The same for a pattern that is used on very many lines: slower to build, faster to search with. It matches the same.
///
/// # Errors
/// As `compile`.
pub fn compile_for_many(pattern: &str) -> Result<Regex, String> {
    let config = config().hybrid_cache_capacity(1 << 16);
    build(pattern, &config, false).or_else(|_| build(pattern, &config, true))
}

/// The pattern as its parser understands it, in the way in which `compile` does.
///
/// # Errors
/// What is wrong with the pattern, as the parser says it.
pub(super) fn parse(pattern: &str) -> Result<Hir, String> {
    let parse = |unicode: bool| {
        let mut parser = ParserBuilder::new().unicode(unicode).utf8(false).build();
        parser.parse(pattern).map_err(|error| error.to_string())
    };
    parse(false).or_else(|_| parse(true))
}

fn config() -> meta::Config {
    meta::Config::new().dfa(false).nfa_size_limit(Some(SIZE_LIMIT)).utf8_empty(false)
}

fn build(pattern: &str, config: &meta::Config, unicode: bool) -> Result<Regex, String> {
    let syntax = syntax::Config::new().unicode(unicode).utf8(false);
    let told = |error: meta::BuildError| error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    meta::Regex::builder().configure(config.clone()).syntax(syntax).build(pattern).map_err(told)
}
