//! Chat: the same bot in other chats, one a file: how a request is known, and how a report looks there. All look at the same `Told`.

pub(super) mod discord;
pub(super) mod matrix;
pub(super) mod mattermost;
pub(super) mod rocketchat;
pub(super) mod teams;
pub(super) mod zulip;

use std::time::Duration;

use axum::Router;
use axum::routing::{post, put};

use super::ask::{Answer, Ask};
use super::news::News;
use super::{Doors, Refusal};
use crate::report::Brief;
use crate::service::now;
use crate::store::{Feedback, FeedbackKind, ReportId};

/// Longest title, in characters.
const TITLE: usize = 250;
/// Longest chain, in characters.
const CHAIN: usize = 600;
/// Longest code, in characters.
const CODE: usize = 1500;

/// The routes.
pub(super) fn router() -> Router<Doors> {
    Router::new()
        .route("/mattermost", post(mattermost::ask))
        .route("/rocketchat", post(rocketchat::ask))
        .route("/discord", post(discord::interact))
        .route("/matrix", put(matrix::ask).post(matrix::ask))
        .route("/zulip", post(zulip::ask))
        .route("/teams", post(teams::ask))
}

/// A report in the few words that fit a chat; all of them plain, and short enough for every chat together.
struct Told<'r> {
    title: String,
    /// Who has to act, the tools, how many causes there are besides.
    context: String,
    proof: Option<String>,
    chain: Option<String>,
    fix: Option<Fix>,
    id: &'r str,
    permalink: &'r str,
}

struct Fix {
    title: String,
    /// Code in this language; words where there is none.
    language: Option<String>,
    body: String,
}

impl Told<'_> {
    fn of(answer: &Answer) -> Told<'_> {
        let brief = Brief::of(&answer.report);
        let tools = answer.report.log.tools.iter().map(|tool| match &tool.version {
            Some(version) => format!("{} {version}", tool.name),
            None => tool.name.clone(),
        });
        let more = match brief.others {
            0 => None,
            1 => Some("1 other cause".to_owned()),
            others => Some(format!("{others} other causes")),
        };
        let context: Vec<String> = std::iter::once(brief.act.to_owned()).chain(tools).chain(more).collect();
        Told {
            title: cut(&brief.title, TITLE),
            context: cut(&context.join(" · "), TITLE),
            proof: brief.proof.map(|(line, text)| format!("{line}  {text}")),
            chain: brief.chain.map(|chain| cut(&chain, CHAIN)),
            fix: brief.fix.map(|fix| Fix {
                title: cut(&fix.title, TITLE),
                language: (fix.language != "text").then(|| fix.language.clone()),
                body: cut(fix.body.trim_end(), CODE),
            }),
            id: answer.id.as_str(),
            permalink: &answer.permalink,
        }
    }

    /// As Markdown, with these marks of bold text and this way to make a text plain.
    fn markdown(&self, bold: &str, plain: fn(&str) -> String) -> String {
        let mut text = format!("{bold}{}{bold}\n{}\n", plain(&self.title), plain(&self.context));
        if let Some(proof) = &self.proof {
            text += &fenced("", proof);
        }
        if let Some(chain) = &self.chain {
            text += &format!("{}\n", plain(chain));
        }
        if let Some(fix) = &self.fix {
            text += &format!("{bold}Fix:{bold} {}\n", plain(&fix.title));
            text += &match &fix.language {
                Some(language) => fenced(language, &fix.body),
                None => format!("{}\n", plain(&fix.body)),
            };
        }
        text + &format!("[Open report]({})", self.permalink)
    }
}

impl Doors {
    /// Answers within this time, for chats that wait for the answer.
    pub(super) async fn promptly(&self, ask: Ask, door: &'static str, limit: Duration) -> Result<Answer, String> {
        let Some(place) = self.queue.place() else {
            return Err("too much is asked at once; try again in a minute".to_owned());
        };
        let (done, wait) = tokio::sync::oneshot::channel();
        let doors = self.clone();
        // Goes on where nobody waits any more: the report is in the history.
        place.run(async move {
            let _ = done.send(doors.answer(ask, door).await);
        });
        match tokio::time::timeout(limit, wait).await {
            Ok(Ok(answer)) => answer,
            _ => Err(format!(
                "this log takes longer to read than this chat waits; send it to {} instead",
                self.app.config.base_url
            )),
        }
    }

    /// Keeps what a person says of a report, once for each person; gives the words for that person.
    pub(super) async fn vote(&self, id: &ReportId, kind: FeedbackKind, person: &str) -> String {
        let key = format!("vote:{id}:{person}:{}", kind.as_str());
        let voted = async {
            if !self.first_time(&key).await? {
                return Ok::<bool, Refusal>(true);
            }
            let feedback = Feedback { kind, note: String::new(), rule: String::new(), made_at: now() };
            Ok(self.app.store.add_feedback(id, &feedback).await?)
        };
        match (voted.await, kind) {
            (Ok(true), FeedbackKind::Helpful) => "Thank you.".to_owned(),
            (Ok(true), FeedbackKind::Wrong) => {
                format!(
                    "Thank you. Say what was wrong at {}/r/{id}, so that the rule can be mended.",
                    self.app.config.base_url
                )
            }
            (Ok(false), _) => "There is no such report any more.".to_owned(),
            (Err(_), _) => "Something is wrong inside whyred; its log says what.".to_owned(),
        }
    }
}

/// News as Markdown, with these marks of bold text and this way to make a text plain.
fn markdown(news: &News, bold: &str, plain: fn(&str) -> String) -> String {
    let head = headline(news, bold, plain);
    if news.is_green() { head } else { format!("{head}\n{}", Told::of(&news.answer).markdown(bold, plain)) }
}

/// The first line of news.
fn headline(news: &News, bold: &str, plain: fn(&str) -> String) -> String {
    let link = news.build_url.as_ref().map_or_else(String::new, |url| format!(" · [build]({url})"));
    format!("{} {bold}{}{bold} {}{link}", news.state.mark(), plain(&news.job), news.state.words())
}

/// A code block that nothing in the text closes.
fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.replace("```", "'''"))
}

/// Plain text where a backslash takes a character's meaning. Nobody is called by it.
fn backslashed(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '~' | '`' | '[' | ']' | '<' | '>' | '#' | '|' => plain.extend(['\\', c]),
            '@' => plain.push_str("@\u{200b}"),
            '\n' | '\r' => plain.push(' '),
            _ => plain.push(c),
        }
    }
    plain
}

/// Plain text where backslashes mean nothing: marks are broken by a space of no width.
fn broken(text: &str) -> String {
    let text =
        text.replace(['\n', '\r'], " ").replace('`', "'").replace('@', "@\u{200b}").replace("#**", "#\u{200b}**");
    text.replace("**", "*\u{200b}*").replace("](", "]\u{200b}(").replace("$$", "$\u{200b}$").replace("~~", "~\u{200b}~")
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What the renderers' tests look at.
#[cfg(test)]
mod samples {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::Engine;
    use crate::log::Log;
    use crate::report::Report;

    fn answer(log: &str) -> Answer {
        let engine = Engine::built_in();
        let log = Log::from_bytes("build.log", log.as_bytes());
        let report = Report::of(&engine, "build.log", &engine.diagnose(log));
        let id = ReportId::parse("kJ3nfW0aQx81Zp").unwrap();
        Answer { report, id, permalink: "https://whyred.example/r/kJ3nfW0aQx81Zp".to_owned() }
    }

    pub(super) fn chain() -> Answer {
        answer(include_str!("../../../examples/bazel-in-nix-unknown-host.log"))
    }

    /// A log that tries to mention everybody, to close its block, and to be too long.
    pub(super) fn hostile() -> Answer {
        let name = format!("@all <!channel> ```*[b](http://evil.example)** {}", "<é>".repeat(9000));
        answer(&format!("error: undefined variable '{name}'\n\n       at /home/ada/flake.nix:41:22:\n"))
    }

    pub(super) fn silent() -> Answer {
        answer("make: nothing that anybody knows\n")
    }
}
