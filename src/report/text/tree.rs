//! Trees: how it came about, as a few drawn lines: the chain of a repository from the user's file to the address,
//! and the failed derivation with those that wanted it.

use std::collections::BTreeSet;

use textwrap::core::display_width;

use super::paint::{Style, safe_line};
use crate::report::Report;
use crate::structure::{Derivation, DerivationStatus, Frame, Repository};

/// Lines drawn of one tree.
const LINES: usize = 12;
/// Columns of blanks before a tree.
const INDENT: &str = "  ";
/// Steps that dependants are moved to the right at most.
const DEEPEST: usize = 8;
/// Trees drawn of each kind.
const TREES: usize = 2;

/// The trees that belong to the diagnosis of this index; empty where the log shows none. Every line ends with a line feed.
pub(super) fn render(report: &Report, index: usize, style: &Style) -> String {
    let chains: Vec<String> =
        mine(&report.repositories, |r| r.diagnosis == Some(index)).filter_map(|r| chain(r, style)).collect();
    let chains = some_of(&chains, "repositories", style);
    let leaf = |d: &&Derivation| d.status == DerivationStatus::Failed;
    // A derivation that no rule speaks of still says where the first cause struck.
    let ours = |d: &Derivation| d.diagnosis == Some(index) || (index == 0 && d.diagnosis.is_none());
    let mut trees: Vec<String> =
        report.derivations.iter().filter(leaf).filter(|d| ours(d)).map(|d| derivation(d, report, style)).collect();
    if trees.is_empty() {
        trees = mine(&report.derivations, |d| d.diagnosis == Some(index))
            .map(|d| derivation(d, report, style))
            .take(1)
            .collect();
    }
    let trees = some_of(&trees, "derivations", style);
    let gap = if chains.is_empty() || trees.is_empty() { "" } else { "\n" };
    format!("{chains}{gap}{trees}")
}

fn mine<T>(all: &[T], wanted: impl Fn(&T) -> bool) -> impl Iterator<Item = &T> {
    all.iter().filter(move |one| wanted(one))
}

fn some_of(trees: &[String], what: &str, style: &Style) -> String {
    let mut out: String = trees.iter().take(TREES).map(String::as_str).collect::<Vec<_>>().join("\n");
    if trees.len() > TREES {
        out += &format!("{INDENT}{}\n", style.dim(format!("… and {} more {what}", trees.len() - TREES)));
    }
    out
}

/// One line of a chain: a place, and what happens there.
struct Link {
    place: String,
    what: String,
    from: String,
    is_address: bool,
}

impl Link {
    fn new(place: &str, what: &str) -> Link {
        Link { place: safe_line(place), what: safe_line(what), from: String::new(), is_address: false }
    }
}

/// The instantiation chain of a repository; none where the log tells no more than its name.
fn chain(repository: &Repository, style: &Style) -> Option<String> {
    let mut links: Vec<Link> = Vec::new();
    if let Some(module) = &repository.module {
        let version = module.version.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
        let what = module.extension.as_deref().map(|e| format!("extension {e}")).unwrap_or_default();
        links.push(Link::new(&format!("module {}{version}", module.module), &what));
    }
    links.extend(repository.frames.iter().map(frame));
    if links.len() > LINES - 3 {
        // The user's own file and the last calls are what matters.
        let cut = links.len() - (LINES - 4);
        let gap = Link::new(&format!("… {cut} more calls"), "");
        links.splice(2..2 + cut, [gap]);
    }
    if links.is_empty() && repository.urls.is_empty() {
        return None;
    }
    let rule = repository.rule.as_deref().unwrap_or("repository");
    links.push(Link::new(rule, &repository.name));
    links.extend(repository.urls.first().map(|url| Link { is_address: true, ..Link::new(url, "") }));
    let mut out = rail(&links, style);
    if !repository.wanted_by.is_empty() {
        out += &wanted_by(&repository.wanted_by, style);
    }
    Some(out)
}

fn frame(frame: &Frame) -> Link {
    let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
    let function = frame.function.as_deref().filter(|f| *f != "<toplevel>").unwrap_or_default();
    let from = frame.repository.as_deref().map(|repository| safe_line(&format!("@{repository}"))).unwrap_or_default();
    Link { from, ..Link::new(&format!("{}{line}", frame.file), function) }
}

/// Links one below the other, joined by a rail, in two columns.
fn rail(links: &[Link], style: &Style) -> String {
    let widest = links.iter().filter(|link| !link.is_address).map(|link| display_width(&link.place)).max().unwrap_or(0);
    let column = widest.min(style.width / 2);
    // The repositories stand in a column of their own where there is room.
    let functions =
        links.iter().filter(|link| !link.from.is_empty()).map(|link| display_width(&link.what)).max().unwrap_or(0);
    let functions = functions.min(style.width / 3);
    let mut out = String::new();
    for (i, link) in links.iter().enumerate() {
        let mark = match i {
            _ if links.len() == 1 => "─",
            0 => "┌",
            _ if i + 1 == links.len() => "└",
            _ => "├",
        };
        let mark = style.dim(mark);
        if link.is_address {
            out += &format!("{INDENT}{mark} {}\n", link.place);
            continue;
        }
        let place = style.elide(&link.place, column);
        let mut line = format!("{INDENT}{mark} {}", style.name(&place));
        let room = style.width.saturating_sub(column + 6);
        if !link.what.is_empty() || !link.from.is_empty() {
            let what = style.elide(&link.what, if link.from.is_empty() { room } else { functions });
            line += &format!("{}{what}", blanks(column, &place));
            if !link.from.is_empty() {
                let from = style.elide(&link.from, room.saturating_sub(functions + 2));
                line += &format!("{}{}", blanks(functions, &what), style.dim(from));
            }
        }
        out += &format!("{line}\n");
    }
    out
}

/// What fills a column up, and two blanks before the next.
fn blanks(column: usize, text: &str) -> String {
    " ".repeat(column.saturating_sub(display_width(text)) + 2)
}

fn wanted_by(targets: &[String], style: &Style) -> String {
    let names: Vec<String> = targets.iter().take(3).map(|t| safe_line(t)).collect();
    let more = targets.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    style.wrap(&format!("{INDENT}  "), &format!("{INDENT}  "), &format!("wanted by {}{more}", names.join(", "))) + "\n"
}

/// A failed derivation and those that wanted it, nearest first.
fn derivation(leaf: &Derivation, report: &Report, style: &Style) -> String {
    let phase = leaf.phase.as_deref().map(|p| format!(", in {}", safe_line(p))).unwrap_or_default();
    let reason = leaf.reason.as_deref().map(|r| format!(": {}", safe_line(r))).unwrap_or_default();
    let head = format!("derivation {}{phase}{reason}", style.name(safe_line(&leaf.name)));
    let mut out = style.wrap(INDENT, &format!("{INDENT}    "), &head) + "\n";
    let wanting = dependants(leaf, report);
    for (depth, name) in wanting.iter().take(LINES - 2) {
        let before = format!("{INDENT}{}{} wanted by ", "  ".repeat((*depth).min(DEEPEST)), style.dim("└"));
        let room = style.width.saturating_sub(display_width(&before));
        out += &format!("{before}{}\n", style.elide(name, room));
    }
    if wanting.len() > LINES - 2 {
        out += &format!("{INDENT}{}\n", style.dim(format!("… and {} more", wanting.len() - (LINES - 2))));
    }
    out
}

/// The derivations that failed because of this one, with their distance, each once.
fn dependants(leaf: &Derivation, report: &Report) -> Vec<(usize, String)> {
    let known = |drv: &str| report.derivations.iter().find(|d| d.drv == drv);
    let mut seen = BTreeSet::from([leaf.drv.as_str()]);
    let mut stack: Vec<(usize, &str)> = leaf.wanted_by.iter().rev().map(|drv| (0, drv.as_str())).collect();
    let mut out = Vec::new();
    while let Some((depth, drv)) = stack.pop() {
        if !seen.insert(drv) {
            continue;
        }
        let name = known(drv).map_or_else(|| name_of(drv), |d| d.name.as_str());
        out.push((depth, safe_line(name)));
        stack
            .extend(known(drv).into_iter().flat_map(|d| d.wanted_by.iter().rev()).map(|drv| (depth + 1, drv.as_str())));
    }
    out
}

/// The name in a store path: without store, hash and `.drv`.
pub(super) fn name_of(drv: &str) -> &str {
    let file = drv.rsplit('/').next().unwrap_or(drv);
    let name = file.split_once('-').map_or(file, |(_, name)| name);
    name.strip_suffix(".drv").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { color: false, width: 80 };

    fn frame_at(file: &str, line: u64, function: &str, repository: Option<&str>) -> Frame {
        Frame {
            file: file.to_owned(),
            line: Some(line),
            function: Some(function.to_owned()),
            repository: repository.map(str::to_owned),
            ..Frame::default()
        }
    }

    fn repository(frames: Vec<Frame>) -> Repository {
        Repository {
            name: "zlib".to_owned(),
            rule: Some("http_archive".to_owned()),
            frames,
            urls: vec!["https://zlib.net/z.tar.gz".to_owned()],
            wanted_by: vec!["//a:b".to_owned()],
            ..Repository::default()
        }
    }

    #[test]
    fn a_chain_is_drawn_from_the_users_file_to_the_address() {
        let frames = vec![frame_at("WORKSPACE", 9, "<toplevel>", None), frame_at("deps.bzl", 4, "deps", Some("rules"))];
        let wanted = "  ┌ WORKSPACE:9
  ├ deps.bzl:4    deps  @rules
  ├ http_archive  zlib
  └ https://zlib.net/z.tar.gz
    wanted by //a:b
";
        assert_eq!(chain(&repository(frames), &STYLE).as_deref(), Some(wanted));
    }

    #[test]
    fn long_chains_are_cut_in_the_middle() {
        let frames = (1..40).map(|i| frame_at("deps.bzl", i, "deps", None)).collect();
        let drawn = chain(&repository(frames), &STYLE).unwrap_or_default();
        assert!(drawn.lines().count() <= LINES, "{drawn}");
        assert!(
            drawn.contains("deps.bzl:1 ") && drawn.contains("more calls") && drawn.contains("deps.bzl:39"),
            "{drawn}"
        );
    }

    #[test]
    fn a_name_alone_is_no_chain() {
        assert_eq!(chain(&Repository { name: "zlib".to_owned(), ..Repository::default() }, &STYLE), None);
        assert_eq!(name_of("/nix/store/0c7b-envoy-deps.tar.gz.drv"), "envoy-deps.tar.gz");
    }
}
