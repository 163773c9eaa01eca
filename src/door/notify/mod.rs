//! Notify: who is told of a report. A log that came was announced in the outbox when its report was kept; `arrived` puts one delivery
//! for each sink that a rule leads to into the outbox, `deliver` sends it. Both may run twice where a process dies: at least once is told.

mod email;
mod resting;
mod webhook;

use std::collections::BTreeSet;
use std::time::Instant;

use reqwest::RequestBuilder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

pub(super) use resting::Resting;

use super::config::{Interest, Sink, Zulip};
use super::news::{News, State};
use super::outbox::{Setback, payload};
use super::{Doors, chat, slack};
use crate::report::Report;
use crate::service::now;
use crate::store::{Arrival, NewOutgoing, Outgoing, ReportId, Stored};

/// The kind of a delivery in the outbox.
pub(super) const DELIVER: &str = "deliver";

/// What one sink is told.
#[derive(Debug, Serialize, Deserialize)]
struct Delivery {
    sink: String,
    green: bool,
    arrival: Arrival,
}

impl Doors {
    /// Puts the deliveries of a log that came into the outbox.
    pub(super) async fn arrived(&self, outgoing: &Outgoing) -> Result<(), Setback> {
        let arrival: Arrival = payload(outgoing)?;
        // Of a report that was deleted meanwhile nobody is told.
        let Some(stored) = self.report(&arrival).await? else { return Ok(()) };
        let green = stored.report.verdict == "green";
        let wanted =
            if green { self.green_again(&arrival, &stored).await? } else { self.red(&arrival, &stored).await? };
        // A sink is told once, however many rules lead there.
        let sinks: BTreeSet<&String> = wanted.into_iter().flat_map(|rule| &rule.to).collect();
        let state = if green { State::Green } else { State::Red };
        let job = News::job_of(&stored.submission);
        for sink in sinks {
            let payload = Delivery { sink: sink.clone(), green, arrival: arrival.clone() };
            let new = NewOutgoing {
                kind: DELIVER,
                key: format!("{DELIVER}:{}:{}:{sink}", arrival.report, arrival.occurrence),
                what: format!("tell {sink} that {job} {}", state.words()),
                payload: serde_json::to_string(&payload).map_err(|error| Setback::Never(error.to_string()))?,
            };
            self.app.store.put_out(&new, now()).await?;
            self.put.notify_one();
        }
        Ok(())
    }

    /// Tells one sink.
    pub(super) async fn deliver(&self, outgoing: &Outgoing) -> Result<(), Setback> {
        let Delivery { sink: name, green, arrival } = payload(outgoing)?;
        let Some(sink) = self.config.sinks.get(&name) else {
            return Err(Setback::Never(format!("the sink {name} is not configured any more")));
        };
        let patience = self.config.patience.timeout;
        if self.resting.rests(&name, patience) {
            return Err(Setback::Later(format!("the sink {name}: it did not answer a moment ago"), Some(patience)));
        }
        let begun = Instant::now();
        let sent = self.send(&name, sink, green, &arrival, &outgoing.key).await;
        if sent.is_err() && begun.elapsed() >= patience / 2 {
            self.resting.begin(&name);
        }
        sent
    }

    async fn send(&self, name: &str, sink: &Sink, green: bool, arrival: &Arrival, key: &str) -> Result<(), Setback> {
        let Some(stored) = self.report(arrival).await? else { return Ok(()) };
        let told = stored.submission.clone();
        let state = if green { State::Green } else { State::Red };
        let news = News::of(state, stored, &arrival.build_url, &self.app.config.base_url);
        let id = delivery_id(key);
        let client = self.peer.client();
        let hook = |url: &super::Secret| client.post(url.reveal());
        let request = match sink {
            Sink::Slack(to) => hook(&to.url).json(&slack::message_of_webhook(&news)),
            Sink::Mattermost(to) => hook(&to.url).json(&chat::mattermost::news(&news)),
            Sink::Rocketchat(to) => hook(&to.url).json(&chat::rocketchat::news(&news)),
            Sink::Discord(to) => hook(&to.url).json(&chat::discord::news(&news)),
            Sink::Teams(to) => hook(&to.url).json(&chat::teams::news(&news)),
            Sink::Matrix(to) => hook(&to.url).json(&chat::matrix::news(&news)),
            Sink::Zulip(to) => self.zulip(to, &told.project, &news)?,
            Sink::Webhook(to) => webhook::request(hook(&to.url), &to.secret, &id, &news, &told, arrival),
            Sink::Email(to) => return self.mail(name, to, &id, &news).await,
        };
        let sent = self.peer.once(request).await;
        sent.map(|_| ()).map_err(|error| Setback::of(&format!("the sink {name}"), &error))
    }

    async fn report(&self, arrival: &Arrival) -> Result<Option<Stored>, Setback> {
        match ReportId::parse(&arrival.report) {
            Some(id) => Ok(self.app.store.stored(&id).await?),
            None => Ok(None),
        }
    }

    /// The rules that lead a red report on.
    async fn red(&self, arrival: &Arrival, stored: &Stored) -> Result<Vec<&Interest>, Setback> {
        let told = &stored.submission;
        let mut first_seen = None;
        let mut wanted = Vec::new();
        for rule in self.config.notify.iter().filter(|rule| rule.wants_job(&told.project, &told.job)) {
            if !fits(rule, &stored.report) {
                continue;
            }
            if rule.first_seen {
                let news = match &mut first_seen {
                    // The same log again names nothing new.
                    None if arrival.occurrence > 1 => first_seen.insert(Vec::new()),
                    None => first_seen.insert(self.app.store.first_seen(&stored.id).await?),
                    Some(news) => news,
                };
                if !news.iter().any(|cause| rule.wants_cause(cause)) {
                    continue;
                }
            }
            wanted.push(rule);
        }
        Ok(wanted)
    }

    /// The rules that lead a green report on: those that the job's report before fits, if that was red.
    async fn green_again(&self, arrival: &Arrival, stored: &Stored) -> Result<Vec<&Interest>, Setback> {
        let told = &stored.submission;
        // Logs of nobody's job have nothing to do with each other.
        if told.project.is_empty() && told.job.is_empty() {
            return Ok(Vec::new());
        }
        let rules = self.config.notify.iter().filter(|rule| rule.green && rule.wants_job(&told.project, &told.job));
        let rules: Vec<&Interest> = rules.collect();
        if rules.is_empty() {
            return Ok(rules);
        }
        let store = &self.app.store;
        let before = match store.before(arrival, &told.project, &told.job).await? {
            Some(id) => store.stored(&id).await?,
            None => None,
        };
        let Some(before) = before.filter(|before| before.report.verdict != "green") else { return Ok(Vec::new()) };
        Ok(rules.into_iter().filter(|rule| fits(rule, &before.report)).collect())
    }

    fn zulip(&self, to: &Zulip, project: &str, news: &News) -> Result<RequestBuilder, Setback> {
        let address = Url::parse(to.url.reveal()).and_then(|url| url.join("/api/v1/messages"));
        let address = address.map_err(|_| Setback::Never("the sink's url is no address".to_owned()))?;
        let topic = [to.topic.as_str(), project, "whyred"].into_iter().find(|topic| !topic.is_empty());
        // A topic has at most 60 characters.
        let topic: String = topic.unwrap_or_default().chars().filter(|c| !c.is_control()).take(60).collect();
        let content = chat::zulip::news(news);
        let fields = [("type", "stream"), ("to", &to.channel), ("topic", &topic), ("content", &content)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.peer.client().post(address).basic_auth(&to.user, Some(to.password.reveal()));
        Ok(request.header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body))
    }
}

/// Whether a rule asks for such a report, whatever its job.
fn fits(rule: &Interest, report: &Report) -> bool {
    let cause = rule.causes.is_empty() || report.diagnoses.iter().any(|diagnosis| rule.wants_cause(&diagnosis.rule));
    cause && rule.wants_verdict(&report.verdict)
}

/// The same each time that the same is sent, so that whoever takes it can tell.
fn delivery_id(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().take(16).fold(String::new(), |id, byte| id + &format!("{byte:02x}"))
}
