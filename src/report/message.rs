//! Message: a diagnosis in a few plain lines, for places that have no layout of their own.

use super::Diagnosis;

/// Longest proving line that is quoted, in bytes.
const LONGEST_PROOF: usize = 500;

impl Diagnosis {
    /// The cause, and the line that proves it.
    pub fn message(&self) -> String {
        match self.evidence.first() {
            Some(proof) => {
                let text = crate::engine::cleaned(&proof.text);
                let text = text.trim();
                format!("{}\n\nline {}: {}", self.title, proof.line, &text[..text.floor_char_boundary(LONGEST_PROOF)])
            }
            None => self.title.clone(),
        }
    }

    /// What it means and what to do. Markdown.
    pub fn help(&self) -> String {
        let fixes = self.fixes.iter().map(|fix| match fix.language.as_str() {
            "text" => format!("{}: {}", fix.title, fix.body.trim()),
            language => format!(
                "{}:\n\n{fence}{language}\n{}\n{fence}",
                fix.title,
                fix.body.trim_end(),
                fence = fence(&fix.body)
            ),
        });
        std::iter::once(self.why.clone()).chain(fixes).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }
}

/// A fence that nothing in the body closes.
pub(super) fn fence(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}
