//! Row: a row of a paste. Rows are found by their width, most of them without a look at where they end.

use memchr::{memchr, memrchr};

/// A row of a paste.
#[derive(Clone, Copy)]
pub(super) struct Row<'b> {
    /// Where it starts in the paste.
    pub(super) at: usize,
    /// Without its line end.
    pub(super) text: &'b [u8],
}

impl<'b> Row<'b> {
    /// The row that starts at `at`: after the last line feed an empty one, beyond it none.
    pub(super) fn at(bytes: &'b [u8], at: usize) -> Option<Row<'b>> {
        let rest = bytes.get(at..)?;
        let text = rest.get(..memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or(rest);
        Some(Row { at, text: text.strip_suffix(b"\r").unwrap_or(text) })
    }

    /// The row that byte `within` belongs to, where a row starts at `from`.
    fn around(bytes: &'b [u8], from: usize, within: usize) -> Option<Row<'b>> {
        let feed = memrchr(b'\n', bytes.get(from..within)?);
        Row::at(bytes, feed.map_or(from, |feed| from + feed + 1))
    }

    /// Where the next row starts.
    pub(super) fn end(&self, bytes: &[u8]) -> usize {
        let end = self.at + self.text.len();
        let is_cut = bytes.get(end) == Some(&b'\r');
        end + 1 + usize::from(is_cut)
    }
}

/// The first row from `at` on that has at least so many bytes.
pub(super) fn row_from(bytes: &[u8], at: usize, least: usize) -> Option<Row<'_>> {
    // Long rows hold several large blocks as well.
    if least < 200 { row_by_blocks::<16>(bytes, at, least) } else { row_by_blocks::<32>(bytes, at, least) }
}

/// The same by blocks of so many bytes: such a row holds a run of blocks without a line feed, and only where there is one the rows
/// are looked at.
fn row_by_blocks<const BLOCK: usize>(bytes: &[u8], mut at: usize, least: usize) -> Option<Row<'_>> {
    let wanted = (least + 1).saturating_sub(BLOCK) / BLOCK;
    'rows: while let Some(rest) = bytes.get(at..) {
        let mut run = 0;
        let (blocks, _) = rest.as_chunks::<BLOCK>();
        for (number, block) in blocks.iter().enumerate() {
            run = if has_feed(block) { 0 } else { run + 1 };
            if run >= wanted {
                let row = Row::around(bytes, at, at + number * BLOCK)?;
                if row.text.len() >= least {
                    return Some(row);
                }
                at = row.end(bytes);
                continue 'rows;
            }
        }
        // The end of the text is no whole block.
        let row = Row::around(bytes, at, at + blocks.len() * BLOCK)?;
        if row.text.len() >= least {
            return Some(row);
        }
        at = row.end(bytes);
    }
    None
}

fn has_feed<const BLOCK: usize>(block: &[u8; BLOCK]) -> bool {
    // No early end: this way the compiler makes it one comparison of vectors.
    block.iter().fold(false, |found, byte| found | (*byte == b'\n'))
}

/// Width in characters.
pub(super) fn characters(row: &[u8]) -> usize {
    if row.is_ascii() { row.len() } else { row.iter().filter(|b| **b & 0xc0 != 0x80).count() }
}
