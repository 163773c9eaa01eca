//! `whyred rules list`: every rule in a line.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{terminal, title};
use crate::cli::{FOUND, Global};
use crate::report::Style;
use crate::rule::{Rule, RuleSet};

/// List all rules
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  whyred rules list | grep nixpkgs\n  whyred rules list --format markdown > rules.md"
)]
pub(super) struct ListArgs {
    /// How to print the list
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// An id and a title a line
    Text,
    /// An array of objects
    Json,
    /// A page with a table for each area
    Markdown,
}

pub(super) fn run(args: &ListArgs, global: &Global) -> anyhow::Result<u8> {
    let rules = global.packs.rule_set()?;
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|&index| rules.id(index));
    let text = match args.format {
        Format::Text if std::io::stdout().is_terminal() => grouped(&rules, &order, &global.terminal.stdout()),
        Format::Text => lines(&rules, &order),
        Format::Json => json(&rules, &order)?,
        Format::Markdown => markdown(&rules, &order),
    };
    terminal::print(&text)?;
    Ok(FOUND)
}

/// For people: a heading for each folder, titles cut to the width.
fn grouped(rules: &RuleSet, order: &[usize], style: &Style) -> String {
    let parts = |index: usize| rules.id(index).rsplit_once('/').unwrap_or(("", rules.id(index)));
    let mut out = String::new();
    for group in order.chunk_by(|a, b| parts(*a).0 == parts(*b).0) {
        let widest = group.iter().map(|&index| parts(index).1.len()).max().unwrap_or(0);
        for (i, &index) in group.iter().enumerate() {
            let (folder, name) = parts(index);
            if i == 0 {
                out += &format!("{}{}\n", if out.is_empty() { "" } else { "\n" }, style.bold(format!("{folder}/")));
            }
            let room = style.width.saturating_sub(widest + 4);
            out += &format!(
                "  {}{}  {}\n",
                style.name(name),
                " ".repeat(widest - name.len()),
                style.cut(&title(rules.get(index)), room)
            );
        }
    }
    out
}

/// For programs: a whole id and a whole title a line.
fn lines(rules: &RuleSet, order: &[usize]) -> String {
    let widest = order.iter().map(|&index| rules.id(index).len()).max().unwrap_or(0);
    order.iter().map(|&index| format!("{:widest$}  {}\n", rules.id(index), title(rules.get(index)))).collect()
}

fn json(rules: &RuleSet, order: &[usize]) -> serde_json::Result<String> {
    let object = |rule: &Rule, path: Option<String>| {
        json!({
            "id": rule.id,
            "title": title(rule),
            "role": rule.role,
            "verdict": rule.verdict,
            "generic": rule.generic,
            "tools": rule.tools,
            "captures": rule.captures,
            "path": path,
        })
    };
    let path = |index: usize| rules.path(index).map(|path| path.display().to_string());
    let all: Vec<_> = order.iter().map(|&index| object(rules.get(index), path(index))).collect();
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

/// The page of all rules: a table of the areas, then a table for each.
fn markdown(rules: &RuleSet, order: &[usize]) -> String {
    let area = |index: &usize| rules.id(*index).rsplit_once('/').map_or("", |(folder, _)| folder);
    let areas: Vec<&[usize]> = order.chunk_by(|a, b| area(a) == area(b)).collect();
    let mut out = String::from(
        "# All rules\n\n| area | rules | generic | examples | counter-examples |\n|---|--:|--:|--:|--:|\n",
    );
    for group in &areas {
        out += &format!("| [{0}](#{1}) {2}\n", area(&group[0]), area(&group[0]).replace('/', ""), counts(rules, group));
    }
    out += &format!("| **all** {}\n", counts(rules, order));
    for group in &areas {
        out += &format!("\n## {}\n\n| rule | what it knows | who has to act |\n|---|---|---|\n", area(&group[0]));
        for rule in group.iter().map(|&index| rules.get(index)) {
            let name = rule.id.rsplit('/').next().unwrap_or(&rule.id);
            let link = rule.id.replace(' ', "%20");
            out += &format!("| [{name}]({link}.toml) | {} | {} |\n", cell(&title(rule)), rule.verdict.as_str());
        }
    }
    out
}

fn counts(rules: &RuleSet, group: &[usize]) -> String {
    let sum = |count: &dyn Fn(&Rule) -> usize| group.iter().map(|&index| count(rules.get(index))).sum::<usize>();
    let generic = sum(&|rule| usize::from(rule.generic));
    let (examples, counters) = (sum(&|rule| rule.examples.len()), sum(&|rule| rule.counters.len()));
    format!("| {} | {generic} | {examples} | {counters} |", group.len())
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}
