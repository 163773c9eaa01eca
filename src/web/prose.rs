//! Prose: the Markdown of rules as HTML that is safe wherever its captures came from: no raw HTML, no pictures, links to the web alone.

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd, html};

/// Markdown as HTML; headings become bold paragraphs, for the page has its own.
pub(super) fn html(markdown: &str) -> String {
    let mut dropped = 0;
    let events = Parser::new(markdown).filter_map(|event| {
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::HtmlBlock | Tag::Image { .. }) | Event::End(TagEnd::HtmlBlock | TagEnd::Image) => {
                return None;
            }
            Event::Start(Tag::Link { dest_url, .. }) if !is_web(&dest_url) => {
                dropped += 1;
                return None;
            }
            Event::End(TagEnd::Link) if dropped > 0 => {
                dropped -= 1;
                return None;
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, title: "".into(), id: "".into() })
            }
            Event::Start(Tag::Heading { .. }) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Paragraph),
            other => other,
        })
    });
    let mut out = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut out, events);
    out
}

/// One line of Markdown without the paragraph around it, for a title.
pub(super) fn inline(markdown: &str) -> String {
    let whole = html(markdown);
    let inner = whole.trim().strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
    match inner {
        Some(inner) if !inner.contains("<p>") => inner.to_owned(),
        // What is no single paragraph is shown as it is.
        _ => askama::filters::escape(markdown, askama::filters::Html)
            .map_or_else(|_| String::new(), |text| text.to_string()),
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_markdown_of_rules() {
        assert_eq!(
            html("Use `--distdir`, **not**\nthis."),
            "<p>Use <code>--distdir</code>, <strong>not</strong>\nthis.</p>\n"
        );
        assert_eq!(html("# Head\n- a\n- b"), "<p>Head</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n");
        assert_eq!(html("[x](https://x.y)"), "<p><a href=\"https://x.y\">x</a></p>\n");
        assert_eq!(inline("a `b` <c>"), "a <code>b</code> &lt;c&gt;");
        assert_eq!(inline("- a"), "- a");
    }

    #[test]
    fn nothing_in_it_runs() {
        for evil in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "[x](javascript:alert(1))",
            "![x](https://evil/x.png)",
            "<javascript:alert(1)>",
            "[x]: data:text/html,x\n[x]",
        ] {
            for out in [html(evil), inline(evil)] {
                let tags = ["<script", "<img", "href=\"java", "href=\"data"];
                assert!(!tags.iter().any(|tag| out.contains(tag)), "{out}");
            }
        }
    }
}
