//! RuleFile: a rule as written in TOML, and the way from it to a `Rule` that can be relied on:
//! every pattern compiles, every anchor is fit for the gate, every text names only captures that exist.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};

use super::{
    Condition, Counter, Example, FixKind, FixTemplate, LoadError, Pattern, Reference, Role, Rule, Safety, Signature,
    Speaker, Text, Variant, Verdict, Versions,
};

/// Shortest anchor that the gate can find, in bytes.
const SHORTEST_ANCHOR: usize = 9;
/// Shortest anchor of a generic rule, in bytes.
const SHORTEST_GENERIC_ANCHOR: usize = 3;
/// Most lines that a signature may look at on each side.
const FARTHEST: usize = 40;
const DEFAULT_WITHIN: usize = 10;

/// Anchors that ordinary lines hold: they would send every line through the regexes.
const COMMON_PHRASES: [&str; 10] = [
    "error: ",
    " error: ",
    "warning: ",
    "failed with",
    " failed: ",
    "/nix/store/",
    "building '",
    "Compiling ",
    "could not",
    "unable to ",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    title: String,
    why: String,
    role: Role,
    verdict: Verdict,
    #[serde(default)]
    generic: bool,
    #[serde(default)]
    tools: Vec<String>,
    versions: Option<Versions>,
    #[serde(default)]
    subject: OneOrMany,
    #[serde(default)]
    leads_to: Vec<String>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    after_success: bool,
    signature: SignatureFile,
    #[serde(default)]
    variant: Vec<VariantFile>,
    #[serde(default)]
    fix: Vec<FixFile>,
    #[serde(default)]
    example: Vec<Example>,
    #[serde(default)]
    counter: Vec<Counter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    anchor: OneOrMany,
    #[serde(default)]
    pattern: OneOrMany,
    #[serde(default)]
    follow: OneOrMany,
    #[serde(default)]
    before: OneOrMany,
    #[serde(default)]
    context: OneOrMany,
    #[serde(default)]
    unless: OneOrMany,
    #[serde(default)]
    unless_near: OneOrMany,
    within: Option<usize>,
    layer: Option<Speaker>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantFile {
    when: Vec<String>,
    title: Option<String>,
    why: Option<String>,
    verdict: Option<Verdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixFile {
    title: String,
    kind: FixKind,
    body: String,
    language: Option<String>,
    #[serde(default)]
    safety: Safety,
    needs: Option<String>,
    #[serde(default)]
    when: Vec<String>,
}

/// A string, or a list of strings.
#[derive(Default)]
struct OneOrMany(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, one: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![one.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut many: A) -> Result<OneOrMany, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = many.next_element()? {
                    all.push(one);
                }
                Ok(OneOrMany(all))
            }
        }
        deserializer.deserialize_any(Strings)
    }
}

/// Reads one rule from TOML. `path` is for messages, `id` the path under the rules folder without `.toml`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(path: &Path, id: &str, source: &str) -> Result<Rule, LoadError> {
    let reader = Reader { path, source };
    let file: RuleFile = toml::from_str(source).map_err(|error| {
        let line = error.span().map_or(0, |span| line_at(source, span.start));
        LoadError::new(path, line, error.message().to_owned())
    })?;
    reader.id(id)?;
    let mut known = BTreeSet::new();
    let signature = reader.signature(file.signature, file.generic, &mut known)?;
    let text = |source: String| reader.text(source, &known);
    let rule = Rule {
        captures: known.clone(),
        id: id.to_owned(),
        title: reader.words(file.title, &known)?,
        why: text(file.why.trim().to_owned())?,
        role: file.role,
        verdict: file.verdict,
        generic: file.generic,
        tools: file.tools,
        versions: file.versions,
        subject: file.subject.0.into_iter().map(|words| reader.words(words, &known)).collect::<Result<_, _>>()?,
        leads_to: file.leads_to,
        references: file.references,
        after_success: file.after_success,
        signature,
        variants: file.variant.into_iter().map(|v| reader.variant(v, &known)).collect::<Result<_, _>>()?,
        fixes: file.fix.into_iter().map(|f| reader.fix(f, &known)).collect::<Result<_, _>>()?,
        examples: file.example,
        counters: file.counter,
    };
    reader.whole(&rule)?;
    Ok(rule)
}

struct Reader<'a> {
    path: &'a Path,
    source: &'a str,
}

impl Reader<'_> {
    fn error<T>(&self, needle: &str, message: impl Into<String>) -> Result<T, LoadError> {
        let first = needle.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let line = if first.is_empty() { 0 } else { self.source.find(first).map_or(0, |at| line_at(self.source, at)) };
        Err(LoadError::new(self.path, line, message))
    }

    fn id(&self, id: &str) -> Result<(), LoadError> {
        let fits = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if id.split('/').all(fits) {
            return Ok(());
        }
        self.error("", format!("\"{id}\" is no rule id; name the file with small letters, digits and - alone"))
    }

    fn signature(
        &self,
        file: SignatureFile,
        generic: bool,
        known: &mut BTreeSet<String>,
    ) -> Result<Signature, LoadError> {
        let shortest = if generic { SHORTEST_GENERIC_ANCHOR } else { SHORTEST_ANCHOR };
        if file.anchor.0.is_empty() {
            return self.error("[signature]", "no anchor; write at least one literal that stands in the line");
        }
        for anchor in &file.anchor.0 {
            if anchor.len() < shortest {
                return self.error(
                    anchor,
                    format!("anchor \"{anchor}\" is too short; take a literal of {shortest} bytes or more"),
                );
            }
            if !generic && COMMON_PHRASES.contains(&anchor.as_str()) {
                return self
                    .error(anchor, format!("anchor \"{anchor}\" stands in ordinary lines; take a rarer phrase"));
            }
            if anchor.contains(['\n', '\u{1b}', '‘', '’', '“', '”']) {
                return self.error(
                    anchor,
                    format!("anchor \"{anchor}\" cannot be found; lines have no colours, and plain ' and \" as quotes"),
                );
            }
        }
        let within = file.within.unwrap_or(DEFAULT_WITHIN);
        if within > FARTHEST {
            return self.error("within", format!("within = {within} is too far; look at {FARTHEST} lines at most"));
        }
        Ok(Signature {
            anchors: file.anchor.0,
            patterns: self.patterns(file.pattern, known)?,
            follow: self.patterns(file.follow, known)?,
            before: self.patterns(file.before, known)?,
            context: self.patterns(file.context, known)?,
            unless: self.patterns(file.unless, known)?,
            unless_near: self.patterns(file.unless_near, known)?,
            within,
            layer: file.layer,
        })
    }

    /// Patterns, without the line feeds that a closing `'''` on its own line leaves; the names that they capture become known.
    fn patterns(&self, written: OneOrMany, known: &mut BTreeSet<String>) -> Result<Vec<Pattern>, LoadError> {
        let mut patterns = Vec::new();
        for source in written.0.iter().map(|source| source.trim_matches('\n')) {
            let told = |why: String| format!("the pattern does not compile: {}", why.trim().replace('\n', " | "));
            let pattern = Pattern::new(source).or_else(|why| self.error(source, told(why)))?;
            known.extend(pattern.names().iter().cloned());
            patterns.push(pattern);
        }
        Ok(patterns)
    }

    fn text(&self, source: String, known: &BTreeSet<String>) -> Result<Text, LoadError> {
        let text = Text::new(source);
        if let Some(name) = text.unknown_names(known).first() {
            return self.error(text.source(), format!("{{{name}|…}} is no capture of this rule; it has {known:?}"));
        }
        if text.has_nested_braces() {
            return self.error(text.source(), "braces within {name|other words}; other words are plain words");
        }
        Ok(text)
    }

    /// A text without code: every `{name}` in it must be a capture.
    fn words(&self, source: String, known: &BTreeSet<String>) -> Result<Text, LoadError> {
        let text = self.text(source, known)?;
        if let Some(name) = text.names().find(|name| !known.contains(*name)) {
            return self.error(text.source(), format!("{{{name}}} is no capture of this rule; it has {known:?}"));
        }
        Ok(text)
    }

    fn conditions(&self, when: &[String], known: &BTreeSet<String>) -> Result<Vec<Condition>, LoadError> {
        when.iter()
            .map(|source| {
                if let Some(name) = source.trim_start_matches('!').strip_prefix("has:")
                    && !known.contains(name)
                {
                    return self.error(source, format!("\"{source}\": this rule captures no {name}; it has {known:?}"));
                }
                source.parse().or_else(|why: String| self.error(source, why))
            })
            .collect()
    }

    fn variant(&self, file: VariantFile, known: &BTreeSet<String>) -> Result<Variant, LoadError> {
        Ok(Variant {
            when: self.conditions(&file.when, known)?,
            title: file.title.map(|t| self.words(t, known)).transpose()?,
            why: file.why.map(|t| self.text(t.trim().to_owned(), known)).transpose()?,
            verdict: file.verdict,
        })
    }

    fn fix(&self, file: FixFile, known: &BTreeSet<String>) -> Result<FixTemplate, LoadError> {
        Ok(FixTemplate {
            language: file.language.unwrap_or_else(|| default_language(file.kind).to_owned()),
            title: self.words(file.title, known)?,
            kind: file.kind,
            body: self.text(file.body.trim_end().to_owned(), known)?,
            safety: file.safety,
            needs: file.needs.map(|t| self.text(t, known)).transpose()?,
            when: self.conditions(&file.when, known)?,
        })
    }

    /// What only the whole rule shows.
    fn whole(&self, rule: &Rule) -> Result<(), LoadError> {
        if rule.fixes.is_empty() && rule.role == Role::Cause {
            return self.error("", "a cause without a [[fix]]; say what to do");
        }
        if let Some(pair) = rule
            .fixes
            .windows(2)
            .find(|pair| pair[0].safety == Safety::LastResort && pair[1].safety != Safety::LastResort)
        {
            return self.error(pair[0].title.source(), "a last resort stands before another fix; move it to the end");
        }
        if rule.examples.is_empty() {
            return self.error("", "no [[example]]; write a log on which the rule fires");
        }
        if rule.counters.is_empty() {
            return self
                .error("", "no [[counter]]; write a log with the same words on which the rule must stay silent");
        }
        if let Some(example) = rule.examples.iter().find(|example| !example.log.contains(&example.evidence)) {
            return self.error(
                &example.evidence,
                "the evidence does not stand in the example's log; it must be an exact piece of a line",
            );
        }
        Ok(())
    }
}

fn default_language(kind: FixKind) -> &'static str {
    match kind {
        FixKind::Command => "sh",
        FixKind::Patch => "diff",
        FixKind::Snippet | FixKind::Advice => "text",
    }
}

/// 1-based line of a byte offset.
fn line_at(source: &str, at: usize) -> usize {
    source.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const RULE: &str = include_str!("../../tests/data/rule.toml");

    fn read(source: &str) -> Result<Rule, LoadError> {
        parse(Path::new("rules/a/b.toml"), "a/b", source)
    }

    #[test]
    fn a_whole_rule_is_read() {
        let rule = read(RULE).unwrap();
        assert_eq!((rule.role, rule.verdict, rule.fixes.len()), (Role::Cause, Verdict::FixBuild, 2));
        assert_eq!(rule.signature.patterns, [Pattern::new(r"widget '(?<name>[^']+)' is out of gizmos").unwrap()]);
        assert_eq!(rule.signature.within, 5);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let cases = [
            ("anchor = \"is out of gizmos\"", "anchor = \"gizmos\"", "too short"),
            ("anchor = \"is out of gizmos\"", "anchor = \"failed with\"", "ordinary lines"),
            ("widget '(?<name>[^']+)' is", "widget '(?<name>[^']+' is", "does not compile"),
            ("role = \"cause\"", "role = \"reason\"", "unknown variant"),
            ("within = 5", "within = 500", "40 lines at most"),
            ("inside-nix", "in-nix", "unknown condition"),
            ("{name|some widget}", "{nome|some widget}", "no capture"),
            ("evidence = \"is out of gizmos\"", "evidence = \"is out of gadgets\"", "exact piece"),
        ];
        for (right, wrong, message) in cases {
            assert!(RULE.contains(right), "{right}");
            let error = read(&RULE.replace(right, wrong)).unwrap_err();
            assert!(error.message.contains(message), "{error}");
            assert!(error.line > 0, "{error}");
        }
    }

    #[test]
    fn an_id_is_small_letters() {
        assert!(parse(Path::new("x"), "a/B", RULE).unwrap_err().message.contains("no rule id"));
    }
}
