//! `whyred rules show`: a rule as its file says it: TOML that can be saved into a pack, changed, and used instead.

use clap::Args;

use super::{find, terminal};
use crate::cli::{FOUND, Global};
use crate::report::Style;

/// Show a rule as the file that it could be in a folder of rules
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  whyred rules show bazel/fetch/unknown-host\n  whyred rules show ID > rules/ID.toml    # change it, then use it with --rules rules"
)]
pub(super) struct ShowArgs {
    /// The rule's id
    #[arg(value_name = "ID")]
    id: String,
}

pub(super) fn run(args: &ShowArgs, global: &Global) -> anyhow::Result<u8> {
    let rules = global.packs.rule_set()?;
    let rule = rules.get(find(&rules, &args.id)?);
    terminal::print(&coloured(&rule.to_toml(), &global.terminal.stdout()))?;
    Ok(FOUND)
}

/// Headings bold, keys in colour; what stands in quotes over several lines is left alone.
fn coloured(page: &str, style: &Style) -> String {
    if !style.color {
        return page.to_owned();
    }
    let mut quoted = false;
    let mut out = String::new();
    for line in page.lines() {
        let inside = quoted;
        quoted ^= line.matches("'''").count() % 2 == 1;
        let shown = match line.split_once(" = ") {
            _ if inside => line.to_owned(),
            None if line.starts_with('[') => style.bold(line),
            None if line.starts_with('#') => style.dim(line),
            Some((key, value)) => format!("{} = {value}", style.name(key)),
            None => line.to_owned(),
        };
        out += &shown;
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use crate::engine::Engine;
    use crate::rule::parse;

    #[test]
    fn what_is_shown_can_be_read_back_and_is_the_same_rule() {
        for rule in Engine::built_in_rules().iter() {
            let page = rule.to_toml();
            let read = parse(Path::new("shown.toml"), &rule.id, &page)
                .map_err(|error| format!("{}: {error}\n{page}", rule.id));
            assert_eq!(&read.unwrap(), rule, "{}", rule.id);
        }
    }
}
