//! Checks the built-in rules, packs them, and makes the gate's tables of their anchors, so that the program parses nothing when it starts.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, process};

#[path = "src/structure/anchors.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod anchors;
#[path = "src/rule/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub)]
mod rule;
#[path = "src/engine/tables.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod tables;

use rule::{Fnv, RuleSet};
use tables::{Frequency, Tables};

fn main() {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/rule");
    println!("cargo::rerun-if-changed=src/engine/tables.rs");
    println!("cargo::rerun-if-changed=src/engine/frequency.bin");
    println!("cargo::rerun-if-changed=src/structure/anchors.rs");
    let rules = RuleSet::load(&[PathBuf::from("rules")]).unwrap_or_else(|errors| {
        for error in &errors {
            println!("cargo::error={error}");
        }
        process::exit(1);
    });
    let frequency =
        fs::read("src/engine/frequency.bin").unwrap_or_else(|error| fail("src/engine/frequency.bin", &error));
    let source = built_in(&rules, &Frequency(&frequency));
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("built_in.rs");
    fs::write(&out, source).unwrap_or_else(|error| fail(&out.display().to_string(), &error));
}

fn fail(path: &str, error: &std::io::Error) -> ! {
    println!("cargo::error={path}: {error}");
    process::exit(1);
}

/// Rust source of the packed rules and their tables.
fn built_in(rules: &RuleSet, frequency: &Frequency<'_>) -> String {
    let mut anchors: Vec<(&str, u32)> = Vec::new();
    let mut common: Vec<(&str, u32)> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for anchor in rule.signature.shortest_anchors() {
            let list = if !rule.generic || frequency.admits(anchor) { &mut anchors } else { &mut common };
            list.push((anchor, index as u32));
        }
    }
    anchors.extend(anchors::ANCHORS.iter().enumerate().map(|(i, (anchor, _))| (*anchor, (rules.len() + i) as u32)));
    let tables = Tables::build(&anchors, frequency);

    let mut version = Fnv::default();
    let mut out = String::from("static RULES: &[Packed] = &[\n");
    for rule in rules.iter() {
        let bytes = postcard::to_allocvec(rule).unwrap_or_default();
        version.add(&bytes);
        let _ = writeln!(out, "Packed {{ id: {:?}, bytes: b\"{}\" }},", rule.id, bytes.escape_ascii());
    }
    let _ = writeln!(out, "];\nconst RULES_VERSION: &str = \"{version}\";");
    let _ = writeln!(out, "static COMMON_ANCHORS: &[(&str, RuleIndex)] = &{common:?};");
    let _ = writeln!(out, "static TABLES: Tables = Tables {{");
    let _ = writeln!(out, "slots: Cow::Borrowed(&{:?}),", tables.slots);
    let list = |items: Vec<String>| format!("Cow::Borrowed(&[{}])", items.join(","));
    let _ = writeln!(out, "grams: {},", list(tables.grams.iter().map(|g| format!("{g:?}")).collect()));
    let _ = writeln!(out, "spots: {},", list(tables.spots.iter().map(|s| format!("{s:?}")).collect()));
    let _ = writeln!(out, "windows: {},", list(tables.windows.iter().map(|w| format!("{w:?}")).collect()));
    let literals = tables
        .literals
        .iter()
        .map(|l| format!("Literal {{ text: Cow::Borrowed({:?}), at: {}, owner: {} }}", l.text, l.at, l.owner));
    let _ = writeln!(out, "literals: {} }};", list(literals.collect()));
    out
}
