//! Chain: the block by which Bazel tells how a repository came to be: the user's file, its macros, the repository rule.
//! Reads both wordings; how chains and errors become one entry per repository stands in `repository.rs`.

use super::{DefinedAt, Frame};
use crate::log::Place;

/// Frames of a block beyond this are not read.
const MOST_FRAMES: usize = 64;
/// Lines of others (progress, downloads) that may stand inside a block.
const MOST_FOREIGN: usize = 8;

/// One printed block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) rule: Option<String>,
    /// Outermost first.
    pub(super) frames: Vec<Frame>,
    pub(super) defined_at: Option<DefinedAt>,
}

impl Chain {
    /// `INFO: Repository N instantiated at:`, frames, `Repository rule R defined at:`, one frame.
    pub(super) fn read(place: &Place<'_>) -> Option<Chain> {
        let line = place.line();
        let head = line.text.split_once(" instantiated at:")?.0;
        let name = repository_name(head.rsplit_once("Repository ")?.1)?;
        let mut chain = Chain { name: name.to_owned(), rule: None, frames: Vec::new(), defined_at: None };
        let (mut foreign, mut cut) = (0, String::new());
        for below in place.lines_below() {
            let line = below.line();
            let text = line.text.trim();
            if let Some(rule) = text.strip_prefix("Repository rule ") {
                let (rule, rest) = rule.split_once(' ').unwrap_or((rule, ""));
                chain.rule = Some(rule.to_owned());
                if rest.starts_with("is built-in") {
                    break;
                }
            } else if let Some(frame) = joined(&cut, text).or_else(|| Frame::read(text)) {
                cut.clear();
                if chain.rule.is_some() {
                    chain.defined_at = Some(frame.into());
                    break;
                }
                chain.frames.push(frame);
                if chain.frames.len() == MOST_FRAMES {
                    break;
                }
            } else if text.starts_with("no stack (") || text.starts_with("callstack not available") {
                continue;
            } else {
                foreign += 1;
                if foreign > MOST_FOREIGN || ends_block(text) {
                    break;
                }
                // A pasted terminal breaks a long path in two.
                cut.clear();
                if text.contains('/') && !text.contains(' ') {
                    cut.push_str(text);
                }
            }
        }
        Some(chain)
    }

    /// `Call stack for the definition of repository 'N' which is a R (rule definition at PLACE):` and ` - PATH:L:C` lines,
    /// innermost first, of which Bazel prints the first one twice.
    pub(super) fn read_old(place: &Place<'_>) -> Option<Chain> {
        let line = place.line();
        let (_, rest) = line.text.split_once("definition of repository '")?;
        let (name, rest) = rest.split_once('\'')?;
        let name = repository_name(name)?.to_owned();
        let rule = rest.split_once("which is a").map(|(_, r)| r.strip_prefix('n').unwrap_or(r).trim_start());
        let (rule, defined_at) = match rule.and_then(|r| r.split_once(" (rule definition at ")) {
            Some((rule, at)) => (Some(rule.to_owned()), Some(Frame::place(at.trim_end_matches([':', ')'])).into())),
            None => (rule.map(|r| r.trim_end_matches(':').to_owned()), None),
        };
        let mut frames: Vec<Frame> = Vec::new();
        let mut foreign = 0;
        for below in place.lines_below() {
            let line = below.line();
            let text = line.text.trim();
            match text.strip_prefix("- ").map(Frame::place).filter(|f| f.line.is_some()) {
                Some(frame) if frames.last() != Some(&frame) => frames.push(frame),
                Some(_) => {}
                None => foreign += 1,
            }
            if foreign > MOST_FOREIGN || frames.len() == MOST_FRAMES || ends_block(text) {
                break;
            }
        }
        frames.reverse();
        Some(Chain { name, rule, frames, defined_at })
    }
}

/// A repository name as it stands in a message: no `@`, no quotes. `None` for what cannot be one.
pub(super) fn repository_name(text: &str) -> Option<&str> {
    let name = text.trim().trim_matches(['\'', '"']).trim_start_matches('@').trim_end_matches("//");
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-.~+".contains(c);
    (!name.is_empty() && name.chars().all(legal)).then_some(name)
}

/// The frame of a path that was cut: its start stands on the line above.
fn joined(cut: &str, text: &str) -> Option<Frame> {
    let whole_path = text.starts_with('/') || text.starts_with('<');
    (!cut.is_empty() && !whole_path).then(|| Frame::read(&format!("{cut}{text}")))?
}

/// A line that cannot stand inside a block: an error, or the start of the next block.
fn ends_block(text: &str) -> bool {
    text.starts_with("ERROR:") || text.contains(" instantiated at:") || text.contains("Call stack for the definition")
}
