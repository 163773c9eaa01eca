//! Mail as a server sees it: the envelope, the headers, the text, and what is said only on a secret connection.

use crate::house::{House, LOG};
use crate::notify::{OTHER, settled, settled_with};
use crate::smtp::Smtp;

fn mail(server: &str, more: &str) -> String {
    format!(
        "[sinks.mail]\nkind = 'email'\nserver = '{server}'\nfrom = 'whyred <whyred@example.com>'\n
        to = ['Ada <ada@example.com>', 'team@example.com']\n{more}\n[[notify]]\nto = ['mail']\n"
    )
}

#[tokio::test]
async fn mail_has_an_envelope_and_nothing_ends_it_early() {
    let smtp = Smtp::start(&[]).await;
    let house = House::open(|_| mail(&smtp.address, "tls = 'none'\nuser = 'u'\npassword = 'p'")).await;
    // The project tries to be a header, and begins the text with a dot.
    let project = ".envoy\r\nBcc: eve@evil.example\r\n\r\n.\r\nMAIL FROM:<eve@evil.example>";
    let dots = "error: undefined variable '.'\n\n       at /home/ada/flake.nix:41:22:\n.\n..\n.QUIT\n";
    let submission =
        whyred::store::Submission { project: project.to_owned(), job: "linux".to_owned(), ..Default::default() };
    house.app.take(submission, None, std::io::Cursor::new(dots.as_bytes().to_vec())).await.unwrap();
    let mail = smtp.mails(1).await.remove(0);
    assert!(mail.from.starts_with("MAIL FROM:<whyred@example.com>"), "{}", mail.from);
    assert_eq!(mail.to, ["RCPT TO:<ada@example.com>", "RCPT TO:<team@example.com>"]);
    // AUTH PLAIN of "\0u\0p".
    assert_eq!(mail.auth, "AUTH PLAIN AHUAcA==");
    let end = mail.lines.iter().position(String::is_empty).unwrap();
    let (head, body) = mail.lines.split_at(end);
    let named = |name: &str| head.iter().filter(|line| line.starts_with(name)).count();
    for name in [
        "From: ",
        "To: ",
        "Subject: ",
        "Date: ",
        "Message-ID: ",
        "MIME-Version: ",
        "Content-Type: ",
        "Auto-Submitted: ",
    ] {
        assert_eq!(named(name), 1, "{name}{head:?}");
    }
    assert_eq!(named("Bcc"), 0, "{head:?}");
    assert!(body.iter().any(|line| line.contains("https://whyred.example/r/")), "{body:?}");
    assert!(mail.stuffed > 0 && body.iter().any(|line| line.starts_with(".envoy ")), "{body:?}");
    settled(&house).await;
    assert_eq!(smtp.mails(1).await.len(), 1);
    let commands = smtp.commands.lock().unwrap().clone();
    assert_eq!(commands.iter().filter(|line| line.starts_with("MAIL")).count(), 1, "{commands:?}");
    assert!(commands[0].starts_with("EHLO whyred.example"), "{commands:?}");
}

#[tokio::test]
async fn a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let smtp = Smtp::start(&["451 4.7.1 greylisted", "250 ok", "250 ok", "550 5.1.1 no such user"]).await;
    let house = House::open(|_| mail(&smtp.address, "tls = 'none'")).await;
    house.log("linux", LOG).await;
    let mail = smtp.mails(1).await.remove(0);
    assert!(mail.auth.is_empty());
    house.log("linux", OTHER).await;
    settled_with(&house, 1).await;
    let dead = house.app.store.outgoing("dead", None, 9).await.unwrap();
    assert!(dead[0].why.starts_with("the sink mail: ") && dead[0].why.contains("no such user"), "{}", dead[0].why);
    assert_eq!(smtp.mails(1).await.len(), 1);
}

/// A server that offers no secret connection is told nothing.
#[tokio::test]
async fn mail_is_not_sent_in_the_clear_by_mistake() {
    let smtp = Smtp::start(&[]).await;
    let house = House::open(|_| mail(&smtp.address, "user = 'u'\npassword = 'hunter2'")).await;
    house.log("linux", LOG).await;
    settled_with(&house, 1).await;
    let commands = smtp.commands.lock().unwrap().clone();
    assert!(commands.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{commands:?}");
}
