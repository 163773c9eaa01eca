//! `whyred rules new`: the file of a new rule, ready to be filled in. It can be loaded and passes its check as it is,
//! so that every step of filling it in can be tried.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::terminal;
use crate::cli::{FOUND, Global};
use crate::rule::{parse, scaffold};

/// Write the file of a new rule
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  whyred rules new bazel/fetch/mirror-gone\n  whyred rules new --dir ~/rules acme/licence-server-down\n\nThen fill it in, and try it:\n  whyred rules check rules\n  whyred --rules rules build.log"
)]
pub(super) struct NewArgs {
    /// The rule's id: its path in the folder, without .toml
    #[arg(value_name = "ID")]
    id: String,
    /// The folder of rules
    #[arg(long, value_name = "DIR", default_value = "rules")]
    dir: PathBuf,
}

pub(super) fn run(args: &NewArgs, _: &Global) -> anyhow::Result<u8> {
    let id = args.id.trim_end_matches(".toml");
    let path = args.dir.join(format!("{id}.toml"));
    let source = scaffold(id);
    // The id is what can be wrong here.
    parse(&path, id, &source).map_err(|error| anyhow::anyhow!("{}", error.message))?;
    write(&path, &source)?;
    let dir = args.dir.display();
    terminal::print(&format!("{}\n", path.display()))?;
    terminal::print_aside(&format!("Fill it in, then: whyred rules check {dir}\n"));
    Ok(FOUND)
}

/// Never overwrites.
fn write(path: &Path, source: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            anyhow::bail!(
                "{} is there already; a rule's id keeps its meaning, so take another one or edit the file",
                path.display()
            )
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
    };
    file.write_all(source.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scaffold_can_be_loaded() {
        for id in ["acme/no-licence", "tool/rust/x", "nix/eval/y"] {
            assert_eq!(parse(Path::new("x.toml"), id, &scaffold(id)).map(|rule| rule.id), Ok(id.to_owned()));
        }
        for id in ["Acme/x", "../x", "a//b", "", "/etc/x"] {
            assert!(parse(Path::new("x.toml"), id, &scaffold(id)).is_err(), "{id}");
        }
    }
}
