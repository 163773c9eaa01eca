//! WrittenRule: a rule as its file says it: TOML that can be saved into a pack, changed, and used instead.

use std::fmt::Write as _;

use toml::Value;

use super::{Condition, FixTemplate, Pattern, Rule, Safety, Signature, Text};

/// Bytes of a list that stands on one line.
const ONE_LINE: usize = 80;
/// Lines of the default `within`, which need not be said.
const USUAL_WITHIN: usize = 10;

const SCAFFOLD: &str = include_str!("scaffold.toml");

/// The file of a new rule with this id, ready to be filled in. It can be loaded and passes its check as it is.
pub fn scaffold(id: &str) -> String {
    let tool = match id.split('/').next() {
        Some("nix" | "nixpkgs") => "nix",
        Some("tool") => id.split('/').nth(1).unwrap_or("tool"),
        _ => "bazel",
    };
    SCAFFOLD.replace("TOOL", tool).replace("RULE-ID", id)
}

impl Rule {
    /// The rule as the file that it could be in a folder of rules, in the form of `docs/rules.md`.
    pub fn to_toml(&self) -> String {
        toml(self)
    }
}

fn toml(rule: &Rule) -> String {
    let mut page = Page(format!("# {}\n", rule.id));
    page.words("title", rule.title.source());
    page.text("why", rule.why.source());
    page.value("role", &rule.role);
    page.value("verdict", &rule.verdict);
    page.flag("generic", rule.generic);
    page.list("tools", &rule.tools);
    if let Some(versions) = &rule.versions {
        page.value("versions", versions);
    }
    page.list("subject", &sources(&rule.subject));
    page.list("leads_to", &rule.leads_to);
    if !rule.references.is_empty() {
        page.value("references", &rule.references);
    }
    page.flag("after_success", rule.after_success);
    page.signature(&rule.signature);
    for variant in &rule.variants {
        page.head("[[variant]]");
        page.conditions(&variant.when);
        variant.title.iter().for_each(|title| page.words("title", title.source()));
        variant.why.iter().for_each(|why| page.text("why", why.source()));
        variant.verdict.iter().for_each(|verdict| page.value("verdict", verdict));
    }
    rule.fixes.iter().for_each(|fix| page.fix(fix));
    for example in &rule.examples {
        page.head("[[example]]");
        page.words("source", &example.source);
        page.text("log", &example.log);
        page.words("evidence", &example.evidence);
        example.subject.iter().for_each(|subject| page.words("subject", subject));
        if example.rank != super::Rank::First {
            page.value("rank", &example.rank);
        }
    }
    for counter in &rule.counters {
        page.head("[[counter]]");
        page.text("log", &counter.log);
    }
    page.0
}

fn sources(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.source().to_owned()).collect()
}

/// TOML as it grows.
struct Page(String);

impl Page {
    fn head(&mut self, head: &str) {
        self.0 += &format!("\n{head}\n");
    }

    fn value(&mut self, key: &str, value: &impl serde::Serialize) {
        if let Ok(value) = Value::try_from(value) {
            let _ = writeln!(self.0, "{key} = {}", inline(&value));
        }
    }

    fn flag(&mut self, key: &str, set: bool) {
        if set {
            self.value(key, &true);
        }
    }

    fn list(&mut self, key: &str, words: &[String]) {
        match words {
            [] => {}
            [one] if key != "tools" && key != "leads_to" => self.words(key, one),
            many if many.iter().map(String::len).sum::<usize>() < ONE_LINE => self.value(key, &many),
            many => {
                let items: String = many.iter().map(|words| format!("    {},\n", string(words))).collect();
                let _ = writeln!(self.0, "{key} = [\n{items}]");
            }
        }
    }

    /// Words of one line.
    fn words(&mut self, key: &str, words: &str) {
        let _ = writeln!(self.0, "{key} = {}", string(words));
    }

    /// Text of several lines.
    fn text(&mut self, key: &str, text: &str) {
        let _ = writeln!(self.0, "{key} = {}", if text.contains('\n') { lines(text) } else { string(text) });
    }

    fn conditions(&mut self, when: &[Condition]) {
        let when: Vec<String> = when.iter().map(ToString::to_string).collect();
        if !when.is_empty() {
            self.value("when", &when);
        }
    }

    fn signature(&mut self, signature: &Signature) {
        self.head("[signature]");
        self.list("anchor", &signature.anchors);
        self.list("pattern", &written(&signature.patterns));
        self.list("follow", &written(&signature.follow));
        self.list("before", &written(&signature.before));
        self.list("context", &written(&signature.context));
        self.list("unless", &written(&signature.unless));
        self.list("unless_near", &written(&signature.unless_near));
        if signature.within != USUAL_WITHIN {
            let _ = writeln!(self.0, "within = {}", signature.within);
        }
        signature.layer.iter().for_each(|layer| self.value("layer", layer));
    }

    fn fix(&mut self, fix: &FixTemplate) {
        self.head("[[fix]]");
        self.words("title", fix.title.source());
        self.value("kind", &fix.kind);
        self.words("language", &fix.language);
        if fix.safety != Safety::Safe {
            self.value("safety", &fix.safety);
        }
        fix.needs.iter().for_each(|needs| self.words("needs", needs.source()));
        self.conditions(&fix.when);
        self.text("body", fix.body.source());
    }
}

/// Patterns as written.
fn written(patterns: &[Pattern]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.source.clone()).collect()
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let pairs: Vec<String> = table.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// A string on one line; backslashes and quotes, as regexes have them, need no escapes where that can be.
fn string(text: &str) -> String {
    let escaped = text.contains(['\n', '\'']) || text.chars().any(char::is_control);
    match (text.contains(['\\', '"']), escaped) {
        (true, false) => format!("'{text}'"),
        (true, true) if can_be_literal(text) && !text.contains('\n') => format!("'''{text}'''"),
        _ => Value::String(text.replace('\n', " ").clone()).to_string().replace('\n', " "),
    }
}

/// Text in literal quotes, as written; escaped where it could not be read back.
fn lines(text: &str) -> String {
    if can_be_literal(text) { format!("'''\n{text}'''") } else { Value::String(text.to_owned()).to_string() }
}

fn can_be_literal(text: &str) -> bool {
    !text.contains("'''") && !text.ends_with('\'') && text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control())
}
