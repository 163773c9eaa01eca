//! Regex: the one way in which whyred compiles a pattern: small and quick to build, because most are used once or never.
//! Lazy DFAs cost more to build than they save on a few short lines (measured: 11 µs instead of 53 µs a pattern).

use regex_automata::meta;
use regex_automata::util::syntax;

/// A compiled pattern over bytes.
pub type Regex = meta::Regex;

/// Largest compiled size of one pattern, in bytes: a pack cannot make the program eat memory.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles a pattern. Classes such as `\w` are ASCII unless the pattern itself needs Unicode.
///
/// # Errors
/// What is wrong with the pattern, as the regex parser says it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    build_with(pattern, false).or_else(|_| build_with(pattern, true))
}

fn build_with(pattern: &str, unicode: bool) -> Result<Regex, String> {
    let config = meta::Config::new()
        .hybrid(false)
        .dfa(false)
        .onepass(false)
        .nfa_size_limit(Some(SIZE_LIMIT))
        .utf8_empty(false);
    let syntax = syntax::Config::new().unicode(unicode).utf8(false);
    let told = |error: meta::BuildError| error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    meta::Regex::builder().configure(config).syntax(syntax).build(pattern).map_err(told)
}
