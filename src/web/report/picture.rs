//! Picture: where the boxes of a chain stand, one below the other, so that it is readable on a telephone; branches are moved to the right.

use super::chain::{Chain, Kind, Node};

/// Columns of the title in a box at the left edge; what is longer is wrapped.
const COLUMNS: usize = 36;
/// Columns of the words below it.
const ABOUT: usize = 46;
/// Columns that a step to the right costs.
const STEP_COLUMNS: usize = 4;
/// Rows of a title; what is longer is elided.
const ROWS: usize = 4;
/// Pixels of a step to the right.
const STEP: usize = 24;
/// Steps to the right at most.
const DEEPEST: usize = 5;
/// Pixels of a row of text, of the room around it in a box, between two boxes.
const ROW: usize = 18;
const ROOM: usize = 20;
const BETWEEN: usize = 20;

/// A chain, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Picture {
    /// From top to bottom.
    pub(super) boxes: Vec<Drawn>,
    /// Paths of SVG from box to box.
    pub(super) lines: Vec<String>,
    /// In pixels; the width is that of the page.
    pub(super) height: usize,
}

/// A box that has its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Classes: what it stands for and how far it is moved to the right (`d0` to `d5`).
    pub(super) class: &'static str,
    pub(super) depth: usize,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) height: usize,
    /// The rows of the title: their base lines and texts.
    pub(super) rows: Vec<(usize, String)>,
    /// The words below: base line and text.
    pub(super) about: (usize, String),
    /// All of it, for those who hover and for those who cannot see.
    pub(super) whole: String,
    /// The line of the log to go to.
    pub(super) line: u64,
}

impl Drawn {
    /// Where its text begins.
    pub(super) fn text_x(&self) -> usize {
        self.x + 16
    }
}

/// A box that has no place yet.
struct Waiting {
    /// In the tree.
    index: usize,
    depth: usize,
    /// Where the line to it begins.
    from: Option<(usize, usize)>,
}

impl Picture {
    /// Places every box of a chain.
    pub(super) fn of(chain: &Chain) -> Picture {
        let mut picture = Picture::default();
        let mut stack: Vec<Waiting> =
            chain.roots.iter().rev().map(|&index| Waiting { index, depth: 0, from: None }).collect();
        while let Some(Waiting { index, depth, from }) = stack.pop() {
            let Some(node) = chain.nodes.get(index) else { continue };
            let y = if picture.boxes.is_empty() { 1 } else { picture.height + BETWEEN };
            let drawn = Drawn::of(node, depth, y);
            if let Some((x, bottom)) = from {
                picture.lines.push(line((x, bottom), &drawn));
            }
            let bottom = (drawn.x + 10, drawn.y + drawn.height);
            picture.height = bottom.1;
            picture.boxes.push(drawn);
            let below = if node.children.len() > 1 { (depth + 1).min(DEEPEST) } else { depth };
            let children = node.children.iter().rev();
            stack.extend(children.map(|&index| Waiting { index, depth: below, from: Some(bottom) }));
        }
        picture.height += 1;
        picture
    }
}

/// From the bottom of a box straight down, or down and to the right, to the next one.
fn line((x, bottom): (usize, usize), to: &Drawn) -> String {
    if x > to.x {
        format!("M{x} {bottom}V{}", to.y - 6)
    } else {
        let middle = to.y + to.height / 2;
        format!("M{x} {bottom}V{middle}H{}", to.x - 1)
    }
}

impl Drawn {
    fn of(node: &Node, depth: usize, y: usize) -> Drawn {
        let columns = COLUMNS - STEP_COLUMNS * depth;
        let texts = wrapped(&node.title, columns);
        let rows: Vec<(usize, String)> =
            texts.into_iter().enumerate().map(|(i, text)| (y + ROOM / 2 + 14 + i * ROW, text)).collect();
        let after = y + ROOM / 2 + 14 + rows.len() * ROW - 1;
        let has_about = usize::from(!node.about.is_empty());
        let about = elided(&node.about, ABOUT - STEP_COLUMNS * depth);
        let height = ROOM + (rows.len() + has_about) * ROW;
        let class = match node.kind {
            Kind::Own => "own",
            Kind::Macro => "macro",
            Kind::Rule { failed: true } => "rule failed",
            Kind::Rule { failed: false } => "rule",
            Kind::Address => "address",
            Kind::Wanted => "wanted",
            Kind::Left => "left",
        };
        let whole = if node.about.is_empty() { node.title.clone() } else { format!("{} ({})", node.title, node.about) };
        Drawn { class, depth, x: depth * STEP + 1, y, height, rows, about: (after, about), whole, line: node.line }
    }
}

/// A title in rows, broken where paths and addresses can be broken; the last row is elided.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut rest: Vec<char> = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    while rest.len() > columns && rows.len() + 1 < ROWS {
        let window = rest.get(..columns).unwrap_or_default();
        let at =
            window.iter().rposition(|c| "/-_. :".contains(*c)).filter(|at| *at > columns / 2).unwrap_or(columns - 1);
        let tail = rest.split_off(at + 1);
        rows.push(rest.iter().collect());
        rest = tail;
    }
    rows.push(elided(&rest.iter().collect::<String>(), columns));
    rows
}

fn elided(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(columns - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::structure::{Frame, Repository, RepositoryStatus};

    fn repository(name: &str, frames: &[&str]) -> Repository {
        let frame = |file: &&str| Frame {
            file: (*file).to_owned(),
            path: (*file).to_owned(),
            line: Some(1),
            ..Frame::default()
        };
        Repository {
            name: name.to_owned(),
            status: RepositoryStatus::Failed,
            frames: frames.iter().map(frame).collect(),
            ..Repository::default()
        }
    }

    #[test]
    fn boxes_never_overlap() {
        let repositories: Vec<Repository> = (0..9)
            .map(|i| repository(&format!("r{i}"), &["W", "a.bzl", ["b", "c", "d"][i % 3]][..1 + i % 3]))
            .collect();
        let chain = Chain::of(&repositories.iter().collect::<Vec<_>>(), |_, _| None);
        let picture = Picture::of(&chain);
        assert_eq!(picture.boxes.len(), chain.nodes.len());
        assert!(picture.boxes.windows(2).all(|pair| pair[0].y + pair[0].height < pair[1].y));
        assert_eq!(picture.lines.len(), chain.nodes.len() - chain.roots.len());
    }

    #[test]
    fn texts_fit_their_boxes() {
        assert_eq!(wrapped("short", 36), ["short"]);
        let rows = wrapped(
            "https://github.com/googleapis/googleapis/archive/fd52b5754b2b268bc3a22a10f29844f206abb327.tar.gz",
            36,
        );
        assert_eq!(
            rows,
            [
                "https://github.com/googleapis/",
                "googleapis/archive/fd52b5754b2b268bc",
                "3a22a10f29844f206abb327.tar.gz"
            ]
        );
        assert!(wrapped(&"x".repeat(500), 20).iter().all(|row| row.chars().count() <= 20));
    }

    /// The log of a build inside Nix whose download fails at the end of a chain of macros.
    #[test]
    fn a_chain_from_the_users_file_to_the_address() {
        let engine = crate::engine::Engine::built_in();
        let log = include_str!("../../../examples/bazel-in-nix-unknown-host.log");
        let report = Report::of(&engine, "x", &engine.diagnose(crate::log::Log::from_bytes("x", log.as_bytes())));
        let chain = Chain::of(&super::super::chain::drawn(&report), |_, _| None);
        let titles: Vec<_> = Picture::of(&chain).boxes.iter().map(|drawn| drawn.rows[0].1.clone()).collect();
        assert_eq!(
            titles,
            [
                "WORKSPACE:14",
                "repositories.bzl:22",
                "repositories.bzl:61",
                "archive.bzl:9",
                "@com_github_fmtlib_fmt",
                "https://github.com/fmtlib/fmt/",
                "//cmd/gateway:gateway",
            ]
        );
    }
}
