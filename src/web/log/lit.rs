//! Lit: in the proving line, what the rule read from it stands out.

use super::Span;

/// Shorter values would light up half of the line.
const SHORTEST: usize = 3;
/// The class of the style sheet.
const CLASS: &str = "lit";

/// The same line with every place of these values in a span of its own.
pub(in crate::web) fn lit<'v>(spans: Vec<Span>, values: impl IntoIterator<Item = &'v String>) -> Vec<Span> {
    let mut values: Vec<&str> =
        values.into_iter().map(String::as_str).filter(|value| value.len() >= SHORTEST).collect();
    values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    spans.into_iter().flat_map(|span| parts(&span, &values)).collect()
}

fn parts(span: &Span, values: &[&str]) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut rest = span.text.as_str();
    let plain = |text: &str| Span { class: span.class.clone(), text: text.to_owned() };
    while let Some((at, value)) = first(rest, values) {
        if at > 0 {
            parts.push(plain(&rest[..at]));
        }
        let class = if span.class.is_empty() { CLASS.to_owned() } else { format!("{} {CLASS}", span.class) };
        parts.push(Span { class, text: value.to_owned() });
        rest = &rest[at + value.len()..];
    }
    if !rest.is_empty() {
        parts.push(plain(rest));
    }
    parts
}

/// The first place of a value; of several there the longest.
fn first<'v>(text: &str, values: &[&'v str]) -> Option<(usize, &'v str)> {
    let places = values.iter().filter_map(|value| text.find(value).map(|at| (at, *value)));
    places.min_by_key(|(at, value)| (*at, std::cmp::Reverse(value.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_out_wherever_they_are() {
        let span = |class: &str, text: &str| Span { class: class.to_owned(), text: text.to_owned() };
        let values = ["github.com".to_owned(), "https://github.com/x".to_owned(), "x".to_owned()];
        let shown = lit(vec![span("f1", "at https://github.com/x: github.com"), span("", "!")], &values);
        assert_eq!(
            shown,
            [
                span("f1", "at "),
                span("f1 lit", "https://github.com/x"),
                span("f1", ": "),
                span("f1 lit", "github.com"),
                span("", "!")
            ]
        );
    }
}
