//! Slack: a report as a message of Block Kit, within Slack's limits. Log text is escaped, so that it can be neither a mention nor markup.

use serde_json::{Value, json};

use super::{Brief, Report};

/// Longest text of a section, in characters; Slack takes 3000.
const SECTION: usize = 2900;
/// Longest title, in characters.
const TITLE: usize = 300;
/// Longest code block, in characters.
const CODE: usize = 1500;

/// What a button answers with: `action_id` and `value` come back as Slack sent them.
pub const HELPED: &str = "whyred_helped";
/// See `HELPED`.
pub const WRONG: &str = "whyred_wrong";
/// See `HELPED`.
pub const ALL_CAUSES: &str = "whyred_all_causes";

/// A message: `text` for notifications, `blocks` for the screen. `id` is the report's name, `permalink` its page; without them there are no buttons.
pub fn render(report: &Report, id: &str, permalink: &str) -> Value {
    let brief = Brief::of(report);
    let title = escape(&cut(&brief.title, TITLE));
    let mut head = format!("*{title}*\n{}", context(report, &brief));
    if let Some((line, text)) = &brief.proof {
        head += &format!("\n{}", code(&format!("{line}  {text}")));
    }
    let mut blocks = vec![section(&head)];
    if let Some(chain) = &brief.chain {
        blocks.push(
            json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": cut(&escape(chain), SECTION) }] }),
        );
    }
    if let Some(fix) = brief.fix {
        let body = if fix.language == "text" { escape(&fix.body) } else { code(&fix.body) };
        blocks.push(section(&format!("*Fix:* {}\n{body}", escape(&cut(&fix.title, TITLE)))));
    }
    if !permalink.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons(&brief, id, permalink) }));
    }
    json!({ "text": title, "blocks": blocks })
}

/// All causes of a report, one section each.
pub fn render_causes(report: &Report, permalink: &str) -> Value {
    let cause = |diagnosis: &super::Diagnosis| {
        let line = diagnosis.evidence.first().map_or(1, |line| line.line);
        section(&format!(
            "*{}*\n<{permalink}#L{line}|line {line}> · {}",
            escape(&diagnosis.title),
            escape(&diagnosis.rule)
        ))
    };
    // A message has at most 50 blocks.
    let blocks: Vec<Value> = report.diagnoses.iter().take(49).map(cause).collect();
    json!({ "text": format!("{} causes", report.diagnoses.len()), "blocks": blocks })
}

fn context(report: &Report, brief: &Brief<'_>) -> String {
    let tools = report.log.tools.iter().map(|tool| match &tool.version {
        Some(version) => format!("{} {version}", tool.name),
        None => tool.name.clone(),
    });
    let more = (brief.others > 0).then(|| match brief.others {
        1 => "1 other cause".to_owned(),
        others => format!("{others} other causes"),
    });
    let parts: Vec<String> = std::iter::once(brief.act.to_owned()).chain(tools).chain(more).collect();
    escape(&parts.join(" · "))
}

fn buttons(brief: &Brief<'_>, id: &str, permalink: &str) -> Vec<Value> {
    let button = |label: &str, action: &str| json!({ "type": "button", "action_id": action, "value": id, "text": { "type": "plain_text", "text": label } });
    let mut open = button("Open report", "whyred_open");
    open["url"] = json!(permalink);
    let mut all = vec![open];
    if brief.fix.is_some() {
        all.extend([button("Helped", HELPED), button("Wrong", WRONG)]);
    }
    if brief.others > 0 {
        all.push(button("Show all causes", ALL_CAUSES));
    }
    all
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION) } })
}

/// A code block that nothing in the text closes.
fn code(text: &str) -> String {
    format!("```{}```", escape(&cut(text.trim_end(), CODE)))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("```", "'''")
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::Engine;
    use crate::log::Log;

    fn message(log: &str) -> Value {
        let engine = Engine::built_in();
        let report = Report::of(&engine, "build.log", &engine.diagnose(Log::from_bytes("build.log", log.as_bytes())));
        render(&report, "kJ3nfW0aQx81Zp", "https://whyred.example/r/kJ3nfW0aQx81Zp")
    }

    #[test]
    fn what_people_see() {
        let log = include_str!("../../examples/bazel-in-nix-unknown-host.log");
        insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(message(log)) });
    }

    #[test]
    fn a_log_cannot_mention_anybody_or_close_its_block() {
        let message =
            message("error: undefined variable '<!channel>```*bold*'\n\n       at /home/ada/flake.nix:41:22:\n");
        let text = message.to_string();
        assert!(!text.contains("<!channel>"), "{text}");
        let head = message["blocks"][0]["text"]["text"].as_str().unwrap();
        assert_eq!(head.matches("```").count() % 2, 0, "{head}");
    }

    #[test]
    fn limits_are_kept() {
        let long =
            format!("error: undefined variable '{}'\n\n       at /home/ada/flake.nix:41:22:\n", "<é>".repeat(3000));
        for block in message(&long)["blocks"].as_array().unwrap() {
            assert!(block["text"]["text"].as_str().unwrap_or_default().chars().count() <= 3000);
        }
    }
}
