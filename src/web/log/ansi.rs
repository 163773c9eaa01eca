//! Span: a run of one colour in a log line. Escape sequences become classes, or nothing; what could steer a page or its reader goes.

/// Text in one colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Span {
    /// Classes of the style sheet; empty for plain text.
    pub(in crate::web) class: String,
    /// What is seen.
    pub(in crate::web) text: String,
}

/// Colours and weight, as they last from line to line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paint {
    front: Option<u8>,
    back: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
    hidden: bool,
}

/// ESC as it stands in logs that spell it out.
const SPELT: [&str; 7] = ["^[[", "\\u001b[", "\\u001B[", "\\x1b[", "\\x1B[", "\\033[", "\\e["];
/// The sixteen colours of xterm.
const PALETTE: [[i32; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// What a terminal would show of a raw line (without its line feed): of a redrawn one the last thing drawn.
pub(super) fn spans(raw: &[u8], paint: &mut Paint) -> Vec<Span> {
    let text = String::from_utf8_lossy(raw);
    let mut shown = Vec::new();
    for piece in text.split('\r') {
        let drawn = piece_spans(piece, paint);
        if drawn.iter().any(|span| !span.text.trim().is_empty()) {
            shown = drawn;
        }
    }
    shown
}

fn piece_spans(piece: &str, paint: &mut Paint) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut rest = piece;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = sequence(rest, paint) {
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let c = match c {
            '\t' | '\n' => c,
            // Marks that turn the direction of what follows would show another line than the log holds.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => continue,
            c => c,
        };
        if paint.hidden {
            continue;
        }
        let class = paint.class();
        match spans.last_mut() {
            Some(span) if span.class == class => span.text.push(c),
            _ => spans.push(Span { class, text: c.to_string() }),
        }
    }
    spans
}

/// What follows the sequence that `text` starts with, if it does. Colours go into `paint`.
fn sequence<'t>(text: &'t str, paint: &mut Paint) -> Option<&'t str> {
    if let Some(after) = text.strip_prefix('\u{1b}') {
        return Some(match after.as_bytes().first() {
            Some(b'[') => control(&after[1..], paint),
            Some(b']' | b'P' | b'X' | b'^' | b'_') => after_string(&after[1..]),
            Some(b' '..=b'/') => after.get(2..).unwrap_or_default(),
            Some(b'0'..=b'~') => &after[1..],
            _ => after,
        });
    }
    if let Some(after) = SPELT.iter().find_map(|spelt| text.strip_prefix(spelt)) {
        return Some(control(after, paint));
    }
    // Tools that drop the ESC alone leave `[31m`.
    let inner = text.strip_prefix('[')?;
    let parameters = inner.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
    (parameters > 0 && inner.as_bytes().get(parameters) == Some(&b'm')).then(|| control(inner, paint))
}

/// What follows a control sequence, given what follows its `[`.
fn control<'t>(text: &'t str, paint: &mut Paint) -> &'t str {
    let parameters = text.bytes().take_while(|b| (0x20..0x40).contains(b)).count();
    let (told, rest) = text.split_at(parameters);
    match rest.as_bytes().first() {
        Some(b'm') => {
            paint.set(told);
            &rest[1..]
        }
        Some(0x40..=0x7e) => &rest[1..],
        _ => rest,
    }
}

/// What follows a string of a terminal, ended by BEL or ESC `\`; one without an end is no reason to lose the line.
fn after_string(text: &str) -> &str {
    match text.find(['\u{7}', '\u{1b}']) {
        Some(end) if text[end..].starts_with("\u{1b}\\") => &text[end + 2..],
        Some(end) if text[end..].starts_with('\u{7}') => &text[end + 1..],
        _ => text,
    }
}

impl Paint {
    fn set(&mut self, parameters: &str) {
        let mut codes = parameters.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Paint::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underlined = true,
                8 => self.hidden = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underlined = false,
                28 => self.hidden = false,
                30..=37 => self.front = Some((code - 30) as u8),
                38 => self.front = extended(&mut codes).or(self.front),
                39 => self.front = None,
                40..=47 => self.back = Some((code - 40) as u8),
                48 => self.back = extended(&mut codes).or(self.back),
                49 => self.back = None,
                90..=97 => self.front = Some((code - 82) as u8),
                100..=107 => self.back = Some((code - 92) as u8),
                _ => {}
            }
        }
    }

    fn class(&self) -> String {
        let mut class = String::new();
        let flags = [(self.bold, "bo"), (self.dim, "di"), (self.italic, "it"), (self.underlined, "un")];
        let words = flags.iter().filter(|(on, _)| *on).map(|(_, word)| (*word).to_owned());
        let colours = self.front.map(|n| format!("f{n}")).into_iter().chain(self.back.map(|n| format!("b{n}")));
        for word in words.chain(colours) {
            if !class.is_empty() {
                class.push(' ');
            }
            class.push_str(&word);
        }
        class
    }
}

/// The colour of `38;5;N` or `38;2;R;G;B`; its arguments are taken from `codes` whatever they are.
fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match codes.next()? {
        5 => {
            let n = i32::from(codes.next()?);
            match n {
                0..16 => u8::try_from(n).ok(),
                16..232 => {
                    let level = |part: i32| if part == 0 { 0 } else { 55 + 40 * part };
                    let n = n - 16;
                    Some(nearest([level(n / 36), level(n / 6 % 6), level(n % 6)]))
                }
                _ => Some(nearest([8 + 10 * (n - 232); 3])),
            }
        }
        2 => {
            let mut part = || codes.next().map(i32::from);
            Some(nearest([part()?, part()?, part()?]))
        }
        _ => None,
    }
}

fn nearest(colour: [i32; 3]) -> u8 {
    let distance = |other: &[i32; 3]| colour.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<i32>();
    (0u8..16).min_by_key(|n| distance(&PALETTE[usize::from(*n)])).unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut paint = Paint::default();
        spans(line.as_bytes(), &mut paint)
            .iter()
            .map(
                |span| {
                    if span.class.is_empty() { span.text.clone() } else { format!("<{}:{}>", span.class, span.text) }
                },
            )
            .collect()
    }

    #[test]
    fn colours_become_classes() {
        assert_eq!(shown("\u{1b}[31m\u{1b}[1mERROR: \u{1b}[0m/home"), "<bo f1:ERROR: >/home");
        assert_eq!(shown("\u{1b}[1;91;44mx\u{1b}[22;39;49my"), "<bo f9 b4:x>y");
        assert_eq!(shown("\u{1b}[38;5;196mx\u{1b}[38;2;0;250;10my\u{1b}[38;5;244mz"), "<f9:x><f10:y><f8:z>");
        assert_eq!(shown("[31merror:[0m ^[[32mgood^[[0m \\u001b[1mx"), "<f1:error:> <f2:good> <bo:x>");
    }

    #[test]
    fn a_colour_lasts_into_the_next_line() {
        let mut paint = Paint::default();
        spans(b"\x1b[33mone", &mut paint);
        assert_eq!(spans(b"two\x1b[0m", &mut paint), [Span { class: "f3".to_owned(), text: "two".to_owned() }]);
    }

    #[test]
    fn what_steers_a_terminal_or_a_reader_is_gone() {
        assert_eq!(shown("\u{1b}]8;;javascript:x\u{1b}\\link\u{1b}]8;;\u{1b}\\ \u{1b}[2J\u{1b}(Bx\u{7}"), "link x");
        assert_eq!(shown("a\u{202e}b\u{9b}c\0d\te"), "a\u{fffd}bcd\te");
        assert_eq!(shown("\u{1b}[8mha:////AAA\u{1b}[0mStarted"), "Started");
        assert_eq!(shown("a[0] = m[3] [12 / 345] [m"), "a[0] = m[3] [12 / 345] [m");
    }

    #[test]
    fn of_redrawn_lines_the_last_drawing_is_shown() {
        assert_eq!(shown("[1 / 9] a\r[2 / 9] b\r\u{1b}[K\r"), "[2 / 9] b");
    }

    #[test]
    fn any_bytes_are_shown() {
        for n in 0..=255u8 {
            for m in [0x1b, b'[', b'm', 0xc3, b'3', b';'] {
                let mut paint = Paint::default();
                spans(&[n, m, n, b'[', m, b'8', n, 0x1b], &mut paint);
            }
        }
    }
}
