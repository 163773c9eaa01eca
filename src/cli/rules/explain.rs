//! `whyred rules explain`: a failure told to those who meet it: what it means, what to do, how it looks. Markdown, as `rustc --explain`.

use std::fmt::Write as _;

use clap::Args;

use super::{find, placeholders, terminal, title};
use crate::cli::{FOUND, Global};
use crate::report::Style;
use crate::rule::{FixKind, FixTemplate, Rule, Safety};

/// Explain a failure: what it means, what to do, how it looks
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  whyred rules explain bazel/fetch/unknown-host")]
pub(super) struct ExplainArgs {
    /// The rule's id, as it stands in error[ID]
    #[arg(value_name = "ID")]
    id: String,
}

/// Lines of an example that are shown.
const EXAMPLE: usize = 24;

pub(super) fn run(args: &ExplainArgs, global: &Global) -> anyhow::Result<u8> {
    let rules = global.packs.rule_set()?;
    let rule = rules.get(find(&rules, &args.id)?);
    terminal::print(&page(rule, &global.terminal.stdout()))?;
    Ok(FOUND)
}

fn page(rule: &Rule, style: &Style) -> String {
    let words = placeholders(rule);
    let mut out = style.wrap("", "  ", &style.bold(format!("# {}", title(rule)))) + "\n\n";
    out += &style.prose(&rule.why.fill(&words, &rule.captures), 0);
    for variant in &rule.variants {
        if let Some(why) = &variant.why {
            let when: Vec<String> = variant.when.iter().map(ToString::to_string).collect();
            let _ = write!(
                out,
                "\nWhere {}:\n\n{}",
                style.name(when.join(" and ")),
                style.prose(&why.fill(&words, &rule.captures), 0)
            );
        }
    }
    if !rule.fixes.is_empty() {
        out += &heading("What to do", style);
    }
    for (number, fix) in rule.fixes.iter().enumerate() {
        out += if number == 0 { "" } else { "\n" };
        out += &told(number + 1, fix, rule, style);
    }
    for example in rule.examples.iter().take(1) {
        out += &heading("How it looks", style);
        let lines: Vec<&str> = example.log.trim_matches('\n').lines().collect();
        let proof = lines.iter().position(|line| line.contains(&example.evidence)).unwrap_or(0);
        let from = (proof + EXAMPLE / 2).min(lines.len()).saturating_sub(EXAMPLE);
        for line in lines.iter().skip(from).take(EXAMPLE) {
            let shown = if line.contains(&example.evidence) { style.bold(line) } else { (*line).to_owned() };
            out += format!("    {shown}").trim_end();
            out.push('\n');
        }
    }
    if !rule.references.is_empty() {
        out += &heading("More", style);
    }
    for reference in &rule.references {
        let _ = writeln!(out, "- {}: {}", reference.title, reference.url);
    }
    out
}

fn heading(words: &str, style: &Style) -> String {
    format!("\n{}\n\n", style.bold(format!("## {words}")))
}

fn told(number: usize, fix: &FixTemplate, rule: &Rule, style: &Style) -> String {
    let words = placeholders(rule);
    let mark = format!("{number}. ");
    let pad = " ".repeat(mark.len());
    let mut title = fix.title.fill(&words, &rule.captures);
    if fix.safety == Safety::LastResort {
        title += " (last resort)";
    }
    if !fix.when.is_empty() {
        let when: Vec<String> = fix.when.iter().map(ToString::to_string).collect();
        title += &format!(" (where {})", when.join(" and "));
    }
    let mut out = style.wrap(&mark, &pad, &title) + "\n";
    if let Some(needs) = &fix.needs {
        out += &(style.wrap(&pad, &pad, &style.dim(format!("needs {}", needs.fill(&words, &rule.captures)))) + "\n");
    }
    let body = fix.body.fill(&words, &rule.captures);
    out.push('\n');
    if fix.kind == FixKind::Advice {
        out += &style.prose(&body, pad.len());
    } else {
        for line in body.trim_matches('\n').lines() {
            out += format!("{pad}    {line}").trim_end();
            out.push('\n');
        }
    }
    out
}
