//! Smtp: a mail server that keeps what it is given, and refuses what it is told to.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One mail as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// The lines of DATA, dots undone, without line ends.
    pub(crate) lines: Vec<String>,
    /// Lines that began with a dot on the wire.
    pub(crate) stuffed: usize,
    /// What AUTH said.
    pub(crate) auth: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Smtp {
    pub(crate) address: String,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// Answers to RCPT, first to last; then 250.
    answers: Arc<Mutex<Vec<&'static str>>>,
    /// All commands, so that nothing is said which should not be.
    pub(crate) commands: Arc<Mutex<Vec<String>>>,
}

impl Smtp {
    pub(crate) async fn start(answers: &[&'static str]) -> Smtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smtp = Smtp {
            address: listener.local_addr().unwrap().to_string(),
            mails: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().rev().copied().collect())),
            commands: Arc::default(),
        };
        let server = smtp.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                tokio::spawn(async move { server.session(stream).await });
            }
        });
        smtp
    }

    /// Waits until so many came.
    pub(crate) async fn mails(&self, count: usize) -> Vec<Mail> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let mails = self.mails.lock().unwrap().clone();
            if mails.len() >= count {
                return mails;
            }
            assert!(Instant::now() < until, "{} mails, not {count}", mails.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn session(&self, stream: TcpStream) -> Option<()> {
        let (input, mut output) = stream.into_split();
        let mut lines = BufReader::new(input).lines();
        let mut mail = Mail::default();
        output.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
        while let Ok(Some(line)) = lines.next_line().await {
            self.commands.lock().unwrap().push(line.clone());
            let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let answer = match word.as_str() {
                "EHLO" => "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME".to_owned(),
                "AUTH" => {
                    mail.auth = line.clone();
                    "235 2.7.0 welcome".to_owned()
                }
                "MAIL" => {
                    mail.from = line.clone();
                    "250 2.1.0 ok".to_owned()
                }
                "RCPT" => {
                    let answer = self.answers.lock().unwrap().pop().unwrap_or("250 2.1.5 ok");
                    if answer.starts_with('2') {
                        mail.to.push(line.clone());
                    }
                    answer.to_owned()
                }
                "DATA" => {
                    output.write_all(b"354 go on\r\n").await.ok()?;
                    while let Ok(Some(line)) = lines.next_line().await {
                        match line.strip_prefix('.') {
                            Some("") => break,
                            Some(rest) => {
                                mail.stuffed += 1;
                                mail.lines.push(rest.to_owned());
                            }
                            None => mail.lines.push(line),
                        }
                    }
                    self.mails.lock().unwrap().push(std::mem::take(&mut mail));
                    "250 2.0.0 queued".to_owned()
                }
                "QUIT" => "221 2.0.0 bye".to_owned(),
                _ => "502 5.5.1 unknown".to_owned(),
            };
            output.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
        None
    }
}
