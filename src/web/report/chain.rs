//! Chain: how repositories came to be, as one tree: the user's file, its macros, the repository rule, the address, who wanted it.
//! Several failing repositories share the calls that they have in common. `picture` draws it.

use crate::report::Report;
use crate::structure::{Frame, Repository, RepositoryStatus};

/// Repositories in one tree.
const MOST: usize = 24;
/// Calls of one chain that are shown; the middle of a longer one is left out.
const FRAMES: usize = 14;
/// Targets named in the last box.
const WANTING: usize = 3;
/// Addresses of one repository that are shown.
const URLS: usize = 2;

/// What a box of the tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A place in a file of the user's own.
    Own,
    /// A place in a macro of others, or a module.
    Macro,
    /// The call of the repository rule: what failed, or was only named.
    Rule { failed: bool },
    /// From where it was to be downloaded.
    Address,
    /// Who needs it.
    Wanted,
    /// Calls that are not shown.
    Left,
}

/// A box of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// What it stands for.
    pub(super) kind: Kind,
    /// The place or the name.
    pub(super) title: String,
    /// What happens there.
    pub(super) about: String,
    /// Where it is told in the log.
    pub(super) line: u64,
    /// The boxes that follow from it: places in the tree.
    pub(super) children: Vec<usize>,
    /// Two boxes with one key are the same call.
    key: String,
}

/// All boxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// In the order of their making; children come after their parents.
    pub(super) nodes: Vec<Node>,
    /// Those that nothing leads to.
    pub(super) roots: Vec<usize>,
    /// The repositories in it.
    pub(super) names: Vec<String>,
    /// Repositories left out.
    pub(super) left_out: usize,
}

/// The repositories worth drawing: those that failed and tell more than their name; without such, all that have a chain.
pub(super) fn drawn(report: &Report) -> Vec<&Repository> {
    let tells = |r: &&Repository| !r.frames.is_empty() || !r.urls.is_empty();
    let failed = |r: &&Repository| r.status == RepositoryStatus::Failed || r.diagnosis.is_some();
    let mut drawn: Vec<&Repository> = report.repositories.iter().filter(tells).filter(failed).collect();
    if drawn.is_empty() {
        drawn = report.repositories.iter().filter(|r| !r.frames.is_empty()).collect();
    }
    drawn.sort_by_key(|r| r.diagnosis.unwrap_or(usize::MAX));
    drawn
}

impl Chain {
    /// The tree of these repositories. `line_of` finds the line of the log, from a first one on, that holds a text.
    pub(super) fn of(repositories: &[&Repository], line_of: impl Fn(&Repository, &str) -> Option<u64>) -> Chain {
        let mut chain = Chain { left_out: repositories.len().saturating_sub(MOST), ..Chain::default() };
        for repository in repositories.iter().take(MOST) {
            let mut parent = None;
            for node in nodes(repository, &line_of) {
                parent = Some(chain.put(parent, node));
            }
            chain.names.push(repository.name.clone());
        }
        chain
    }

    /// The box below `parent` with this node's key, made where there is none.
    fn put(&mut self, parent: Option<usize>, node: Node) -> usize {
        let siblings = match parent.and_then(|parent| self.nodes.get(parent)) {
            Some(parent) => &parent.children,
            None => &self.roots,
        };
        let same = siblings.iter().copied().find(|&i| self.nodes.get(i).is_some_and(|there| there.key == node.key));
        if let Some(same) = same {
            return same;
        }
        let index = self.nodes.len();
        self.nodes.push(node);
        match parent.and_then(|parent| self.nodes.get_mut(parent)) {
            Some(parent) => parent.children.push(index),
            None => self.roots.push(index),
        }
        index
    }
}

/// The boxes of one repository, from the user's file on.
fn nodes(repository: &Repository, line_of: &impl Fn(&Repository, &str) -> Option<u64>) -> Vec<Node> {
    let line = |text: &str| line_of(repository, text).unwrap_or(repository.line);
    let mut nodes: Vec<Node> = Vec::new();
    if let Some(module) = &repository.module {
        let version = module.version.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
        let about = module.extension.as_deref().map_or("module".to_owned(), |e| format!("module, extension {e}"));
        nodes.push(Node::new(Kind::Macro, format!("{}{version}", module.module), about, repository.line));
    }
    let frames = repository.frames.len();
    for (i, frame) in repository.frames.iter().enumerate() {
        // The user's own file and the last calls are what matters.
        let (first, last) = (2, frames.saturating_sub(FRAMES - 3));
        if frames > FRAMES && (first..last).contains(&i) {
            if i == first {
                let title = format!("… {} more calls", last - first);
                nodes.push(Node::new(Kind::Left, title, String::new(), repository.line));
            }
            continue;
        }
        nodes.push(call(frame, i == 0, line(&place(&frame.path, frame.line))));
    }
    let rule = repository.rule.as_deref().unwrap_or("repository");
    let about = match &repository.defined_at {
        Some(at) => format!("{rule}, defined at {}", place(&at.file, at.line)),
        None => rule.to_owned(),
    };
    let failed = repository.status == RepositoryStatus::Failed || repository.diagnosis.is_some();
    let told = line(&format!("Repository rule {rule}"));
    nodes.push(Node::new(Kind::Rule { failed }, format!("@{}", repository.name), about, told));
    for url in repository.urls.iter().take(URLS) {
        let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).split('/').next().unwrap_or_default();
        nodes.push(Node::new(Kind::Address, url.clone(), format!("download from {host}"), line(url)));
    }
    if let Some(first) = repository.wanted_by.first() {
        let title = repository.wanted_by.iter().take(WANTING).cloned().collect::<Vec<_>>().join(" ");
        let more = repository.wanted_by.len().saturating_sub(WANTING);
        let about = if more > 0 { format!("want it, and {more} more") } else { "wanted by".to_owned() };
        nodes.push(Node::new(Kind::Wanted, title, about, line(first)));
    }
    nodes
}

fn call(frame: &Frame, first: bool, line: u64) -> Node {
    let function = frame.function.as_deref().filter(|function| *function != "<toplevel>");
    let (kind, about) = match (&frame.repository, function) {
        (None, None) if first => (Kind::Own, "your file".to_owned()),
        (None, None) => (Kind::Own, "top level".to_owned()),
        (None, Some(function)) => (Kind::Own, format!("your macro {function}")),
        (Some(repository), None) => (Kind::Macro, format!("top level, in @{repository}")),
        (Some(repository), Some(function)) => (Kind::Macro, format!("macro {function}, in @{repository}")),
    };
    let key = format!("{}:{:?}:{:?}:{:?}", frame.path, frame.line, frame.column, frame.function);
    Node { key, ..Node::new(kind, place(&frame.file, frame.line), about, line) }
}

fn place(file: &str, line: Option<u64>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

impl Node {
    fn new(kind: Kind, title: String, about: String, line: u64) -> Node {
        let key = format!("{kind:?} {title} {about}");
        Node { kind, title, about, line, children: Vec::new(), key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str, lines: &[u64]) -> Repository {
        let frame = |line: &u64| Frame {
            file: "deps.bzl".to_owned(),
            path: "deps.bzl".to_owned(),
            line: Some(*line),
            ..Frame::default()
        };
        Repository {
            name: name.to_owned(),
            rule: Some("http_archive".to_owned()),
            status: RepositoryStatus::Failed,
            frames: lines.iter().map(frame).collect(),
            urls: vec![format!("https://x/{name}")],
            ..Repository::default()
        }
    }

    #[test]
    fn shared_calls_are_one_box() {
        let (a, b) = (repository("a", &[1, 2, 3]), repository("b", &[1, 2, 4]));
        let chain = Chain::of(&[&a, &b], |_, _| Some(7));
        let titles: Vec<_> = chain.nodes.iter().map(|node| node.title.as_str()).collect();
        assert_eq!(
            titles,
            ["deps.bzl:1", "deps.bzl:2", "deps.bzl:3", "@a", "https://x/a", "deps.bzl:4", "@b", "https://x/b"]
        );
        assert_eq!((chain.roots.len(), chain.nodes[1].children.len()), (1, 2));
    }

    #[test]
    fn very_long_chains_lose_their_middle() {
        let lines: Vec<u64> = (1..60).collect();
        let chain = Chain::of(&[&repository("a", &lines)], |_, _| None);
        assert_eq!(chain.nodes.len(), FRAMES + 2);
        assert!(chain.nodes.iter().any(|node| node.kind == Kind::Left) && chain.nodes[13].title == "deps.bzl:59");
    }
}
