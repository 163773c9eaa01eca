//! News as a message of Block Kit.

use serde_json::{Value, json};

use super::escape;
use crate::door::news::{News, State};
use crate::report::render_slack;

/// Longest text of a section, in bytes; Slack takes 3000 characters.
const SECTION: usize = 2900;

/// For a channel in which the bot is: its buttons come back.
pub(in crate::door) fn message(news: &News) -> Value {
    let job = escape(&news.job);
    let state = news.state.words();
    let link = news.build_url.as_ref().map_or_else(String::new, |url| format!(" · <{}|build>", escape(url)));
    let mark = if news.state == State::Green { ":large_green_circle:" } else { ":red_circle:" };
    let words = format!("{mark} *{job}* {state}");
    // Escaped, an address may be longer than it was.
    let head = if words.len() + link.len() < SECTION { words + &link } else { words };
    if news.is_green() {
        return json!({ "text": format!("{job} {state}"), "blocks": [section(&head)] });
    }
    let answer = &news.answer;
    let mut message = render_slack(&answer.report, answer.id.as_str(), &answer.permalink);
    message["text"] = json!(format!("{job} {state}: {}", message["text"].as_str().unwrap_or_default()));
    if let Some(blocks) = message["blocks"].as_array_mut() {
        blocks.insert(0, section(&head));
    }
    message
}

/// For an incoming webhook: of the buttons only those that are links, as nobody takes the others.
pub(in crate::door) fn message_of_webhook(news: &News) -> Value {
    let mut message = message(news);
    let blocks = message["blocks"].as_array_mut().into_iter().flatten();
    let actions = blocks.filter(|block| block["type"] == "actions");
    actions.filter_map(|block| block["elements"].as_array_mut()).for_each(|buttons| {
        buttons.retain(|button| !button["url"].is_null());
    });
    message
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::news::samples;

    #[test]
    fn what_people_see() {
        insta::with_settings!({ sort_maps => true }, {
            insta::assert_json_snapshot!("webhook", message_of_webhook(&samples::red()));
            insta::assert_json_snapshot!("webhook_green", message_of_webhook(&samples::green()));
        });
    }

    #[test]
    fn nobody_is_called_and_nothing_is_too_long() {
        let long = format!("https://ci.example/?{}", "&".repeat(900));
        let news = News { build_url: Some(long), ..samples::hostile() };
        let message = message_of_webhook(&news);
        assert!(!message.to_string().contains("<!channel>"));
        for block in message["blocks"].as_array().into_iter().flatten() {
            assert!(block["text"]["text"].as_str().unwrap_or_default().chars().count() <= 3000);
        }
    }
}
