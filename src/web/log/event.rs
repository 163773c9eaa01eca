//! Event: a line of Nix's internal JSON as the text that it stands for.

use std::borrow::Cow;

use serde_json::Value;

/// What such lines start with.
const MARK: &[u8] = b"@nix ";
/// Results that carry a line of a build's own log.
const LOG_LINES: [u64; 2] = [101, 107];

/// The text of an event; of one that shows nothing, and of what is none, the line itself.
pub(super) fn text(raw: &[u8]) -> Cow<'_, [u8]> {
    match raw.strip_prefix(MARK).and_then(|json| told(&serde_json::from_slice(json).ok()?)) {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => Cow::Borrowed(raw),
    }
}

fn told(event: &Value) -> Option<String> {
    let text = match event.get("action")?.as_str()? {
        "msg" => event.get("msg")?.as_str()?,
        "start" => event.get("text")?.as_str()?,
        "result" if LOG_LINES.contains(&event.get("type")?.as_u64()?) => event.get("fields")?.get(0)?.as_str()?,
        _ => return None,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        String::from_utf8_lossy(&text(line.as_bytes())).into_owned()
    }

    #[test]
    fn events_show_their_text() {
        assert_eq!(shown(r#"@nix {"action":"msg","level":0,"msg":"error: x"}"#), "error: x");
        assert_eq!(shown(r#"@nix {"action":"result","fields":["make: x"],"id":1,"type":101}"#), "make: x");
        assert_eq!(shown(r#"@nix {"action":"stop","id":1}"#), r#"@nix {"action":"stop","id":1}"#);
        assert_eq!(shown("@nix {"), "@nix {");
    }
}
