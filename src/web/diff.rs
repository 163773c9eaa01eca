//! DiffLine: a line of a unified diff and what it does, so that a page can colour it.

/// One line of a unified diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DiffLine<'a> {
    /// `added`, `removed`, `hunk`, `file` or nothing: a class of the style sheet.
    pub(super) class: &'static str,
    /// As it stands in the patch, with its first character.
    pub(super) text: &'a str,
}

/// The lines of a patch.
pub(super) fn lines(patch: &str) -> Vec<DiffLine<'_>> {
    let class = |text: &str| match text.as_bytes().first() {
        _ if text.starts_with("+++ ") || text.starts_with("--- ") || text.starts_with("diff ") => "file",
        Some(b'+') => "added",
        Some(b'-') => "removed",
        Some(b'@') => "hunk",
        _ => "",
    };
    patch.trim_matches('\n').lines().map(|text| DiffLine { class: class(text), text }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_line_does() {
        let classes: Vec<_> =
            lines("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n c\n").iter().map(|line| line.class).collect();
        assert_eq!(classes, ["file", "file", "hunk", "removed", "added", ""]);
    }
}
