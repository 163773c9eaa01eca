//! Prose: the little Markdown of rules as plain text in a terminal: paragraphs, lists, code blocks, `code`, **bold**, links.
//! What is no Markdown stays as it is.

use super::paint::{BOLD, CYAN, Style, safe};

impl Style {
    /// Markdown as wrapped text, every line indented by `indent` blanks; ends with a line feed unless empty.
    pub fn prose(&self, markdown: &str, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let mut out = String::new();
        for block in blocks(&safe(markdown)) {
            match block {
                Block::Words(words) => out += &self.wrap(&pad, &pad, &self.inline(&words)),
                Block::Item(mark, words) => {
                    let rest = format!("{pad}{}", " ".repeat(mark.chars().count() + 1));
                    out += &self.wrap(&format!("{pad}{mark} "), &rest, &self.inline(&words));
                }
                Block::Heading(words) => out += &self.wrap(&pad, &pad, &self.bold(words)),
                Block::Code(line) => out += format!("{pad}    {line}").trim_end(),
                Block::Gap => {}
            }
            out.push('\n');
        }
        out
    }

    /// `code`, **bold** and [links](…) of one paragraph.
    fn inline(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['`', '*', '[']) {
            out += &rest[..at];
            rest = &rest[at..];
            let (done, left) =
                self.code(rest).or_else(|| self.strong(rest)).or_else(|| link(rest)).unwrap_or_else(|| {
                    let (mark, left) = rest.split_at(1);
                    (mark.to_owned(), left)
                });
            out += &done;
            rest = left;
        }
        out + rest
    }

    fn code<'a>(&self, text: &'a str) -> Option<(String, &'a str)> {
        let fence = text.len() - text.trim_start_matches('`').len();
        let (mark, inner) = text.split_at(fence);
        let end = (fence > 0).then(|| inner.find(mark))??;
        let code = &inner[..end];
        // Without colour the backticks are what tells code from words.
        let shown = if self.color { self.paint(CYAN, code.trim()) } else { format!("`{}`", code.trim()) };
        Some((shown, &inner[end + fence..]))
    }

    fn strong<'a>(&self, text: &'a str) -> Option<(String, &'a str)> {
        let inner = text.strip_prefix("**")?;
        let end = inner.find("**").filter(|end| *end > 0)?;
        Some((self.paint(BOLD, &inner[..end]), &inner[end + 2..]))
    }
}

fn link(text: &str) -> Option<(String, &str)> {
    let (words, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (url, rest) = rest.split_once(')')?;
    (!words.contains(['[', '\n']) && url.contains("://")).then(|| (format!("{words} ({url})"), rest))
}

enum Block {
    Words(String),
    Item(String, String),
    Heading(String),
    Code(String),
    Gap,
}

/// The blocks of a text; a gap stands between paragraphs, not between the items of a list.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut fenced = false;
    let mut open = false;
    for line in markdown.trim_end().lines() {
        let words = line.trim();
        if words.starts_with("```") {
            fenced = !fenced;
            open = false;
        } else if fenced {
            blocks.push(Block::Code(line.to_owned()));
        } else if words.is_empty() {
            if !matches!(blocks.last(), None | Some(Block::Gap)) {
                blocks.push(Block::Gap);
            }
            open = false;
        } else if let Some((mark, words)) = item(words) {
            blocks.push(Block::Item(mark, words.to_owned()));
            open = true;
        } else if let Some(words) = words.strip_prefix('#') {
            blocks.push(Block::Heading(words.trim_start_matches('#').trim().to_owned()));
            open = false;
        } else {
            match blocks.last_mut() {
                Some(Block::Words(all) | Block::Item(_, all)) if open => {
                    all.push(' ');
                    all.push_str(words);
                }
                _ if line.starts_with("    ") => blocks.push(Block::Code(line[4..].to_owned())),
                _ => blocks.push(Block::Words(words.to_owned())),
            }
            open = !matches!(blocks.last(), Some(Block::Code(_)));
        }
    }
    blocks
}

/// The mark and the words of a list item.
fn item(line: &str) -> Option<(String, &str)> {
    let (mark, words) = line.split_once(' ')?;
    let number =
        mark.strip_suffix('.').is_some_and(|n| !n.is_empty() && n.len() < 3 && n.bytes().all(|b| b.is_ascii_digit()));
    match mark {
        "-" | "*" => Some(("-".to_owned(), words.trim_start())),
        _ if number => Some((mark.to_owned(), words.trim_start())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { color: false, width: 32 };

    #[test]
    fn paragraphs_lists_and_code() {
        let text = "Bazel has to\nfetch `zlib`, **but** cannot.\n\n- one item that is long enough to wrap\n- two\n\n```sh\nbazel  fetch\n```\n";
        let wanted = "Bazel has to fetch `zlib`, but\ncannot.\n\n- one item that is long enough\n  to wrap\n- two\n\n    bazel  fetch\n";
        assert_eq!(PLAIN.prose(text, 0), wanted);
    }

    #[test]
    fn with_colour_the_backticks_go() {
        let style = Style { color: true, width: 80 };
        assert_eq!(style.prose("use `--distdir`", 2), "  use \u{1b}[36m--distdir\u{1b}[0m\n");
    }

    #[test]
    fn what_is_no_markdown_stays() {
        for text in ["a * b [x] `open", "2 * 3 ** 4", "[a](b)", "**", "x.y 1. z"] {
            assert_eq!(PLAIN.prose(text, 0).trim_end(), text);
        }
    }

    #[test]
    fn links_show_their_address() {
        assert_eq!(PLAIN.prose("see [docs](https://x.y)", 0), "see docs (https://x.y)\n");
    }
}
