//! Email: what people are told by mail: plain text, the whole report as a terminal shows it. Nothing that a sender or a log says can end a
//! header or the message; a password and the text go out only once the connection is secret, unless the operator chose otherwise.

use std::time::Duration;

use lettre::message::SinglePart;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as Security, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::{Host, Url};

use crate::door::Doors;
use crate::door::config::{Email, Tls};
use crate::door::news::News;
use crate::door::outbox::Setback;
use crate::report::{Brief, Style, render_text};

/// Longest subject, in characters.
const SUBJECT: usize = 200;
/// Longest text, in bytes; the page has the rest.
const TEXT: usize = 128 * 1024;
/// Columns of the text.
const WIDTH: usize = 76;

impl Doors {
    /// Sends a message to all who read this sink.
    pub(super) async fn mail(&self, name: &str, to: &Email, id: &str, news: &News) -> Result<(), Setback> {
        let base = Url::parse(&self.app.config.base_url).ok();
        let home = base.as_ref().and_then(|base| match base.host()? {
            Host::Domain(name) => Some(name),
            _ => None,
        });
        let message = message(to, id, news)?;
        let transport = transport(to, home, self.config.patience.timeout).map_err(Setback::Never)?;
        // Several commands and their answers; each has its own limit.
        let all = self.config.patience.timeout * 6;
        match tokio::time::timeout(all, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(setback(name, &error)),
            Err(_) => Err(Setback::Later(format!("the sink {name}: the mail server takes too long"), None)),
        }
    }
}

fn message(to: &Email, id: &str, news: &News) -> Result<Message, Setback> {
    let unsendable = |error: lettre::error::Error| Setback::Never(format!("the mail cannot be written: {error}"));
    let Some(from) = to.from.clone() else { return Err(Setback::Never("nobody writes the mail".to_owned())) };
    // The same for the same delivery, so that a reader's program shows it once.
    let message_id = format!("<{id}@{}>", from.email.domain());
    let header =
        |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    let mut message = Message::builder()
        .from(from)
        .subject(subject(news))
        .message_id(Some(message_id))
        // No vacation answers, please (RFC 3834).
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Whyred-Delivery", id));
    for reader in &to.to {
        message = message.to(reader.clone());
    }
    message.singlepart(SinglePart::plain(text(news))).map_err(unsendable)
}

/// One line: the job, its state, and the cause.
fn subject(news: &News) -> String {
    let mut subject = format!("[whyred] {} {}", news.job, news.state.words());
    if !news.is_green() {
        subject += &format!(": {}", Brief::of(&news.answer.report).title);
    }
    subject.chars().take(SUBJECT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn text(news: &News) -> String {
    let mut text = format!("{} {}\n", news.job, news.state.words());
    text += &format!("Report: {}\n", news.answer.permalink);
    if let Some(url) = &news.build_url {
        text += &format!("Build:  {url}\n");
    }
    if !news.is_green() {
        let report = render_text(&news.answer.report, &Style { color: false, width: WIDTH });
        text += "\n";
        text += &report[..report.floor_char_boundary(TEXT)];
    }
    text
}

fn transport(to: &Email, home: Option<&str>, patience: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let (host, port) = to.place().ok_or("the sink has no mail server")?;
    let keys = || TlsParameters::new(host.to_owned()).map_err(|_| "no secret connection can be made on this machine");
    let security = match to.tls {
        Tls::Starttls => Security::Required(keys()?),
        Tls::Tls => Security::Wrapper(keys()?),
        Tls::None => Security::None,
    };
    let mut builder =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).tls(security).timeout(Some(patience));
    if let Some(home) = home {
        builder = builder.hello_name(ClientId::Domain(home.to_owned()));
    }
    if !to.user.is_empty() {
        builder = builder.credentials(Credentials::new(to.user.clone(), to.password.reveal().to_owned()));
    }
    Ok(builder.build())
}

/// What the server says for good, and what no server of this configuration can do, is told to people; the rest passes.
fn setback(name: &str, error: &Error) -> Setback {
    let why: String = format!("the sink {name}: {error}").replace(char::is_control, " ");
    if error.is_permanent() || error.is_client() { Setback::Never(why) } else { Setback::Later(why, None) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::door::news::samples;

    fn sink() -> Email {
        Email {
            from: Some("whyred <whyred@example.com>".parse().unwrap()),
            to: vec!["Ada <ada@example.com>".parse().unwrap(), "team@example.com".parse().unwrap()],
            ..Email::default()
        }
    }

    /// As it goes over the wire, without its date.
    fn wire(news: &News) -> String {
        let bytes = message(&sink(), "0123", news).unwrap().formatted();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| !line.starts_with("Date: ")).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn what_people_see() {
        insta::assert_snapshot!("email", wire(&samples::red()));
        insta::assert_snapshot!("email_green", wire(&samples::green()));
    }

    #[test]
    fn nothing_ends_a_header() {
        let wire = wire(&samples::hostile());
        let (head, _) = wire.split_once("\n\n").unwrap();
        assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
        assert!(head.contains("\nX-Whyred-Delivery: 0123"), "the header ended early: {head}");
        assert!(wire.lines().all(|line| line.len() <= 998 && line.is_ascii()), "{wire}");
    }
}
