//! Rules lead reports to sinks: each is told in its own shape, again where it is down, and once where it is up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use whyred::door::{DoorConfig, Doors};
use whyred::service::Config;
use whyred::service::access::Access;
use whyred::store::Filter;
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

use crate::house::{CAUSE, House, LOG, SECRET, hex, hmac, json, patience};
use crate::postgres::Database;
use crate::process::ServerProcess;

const GREEN: &str = "INFO: Build completed successfully, 1 total action\n";
pub(crate) const OTHER: &str = "error: undefined variable 'x'\n\n       at /home/ada/flake.nix:41:22:\n";

/// A webhook, and a rule that leads there.
fn webhook(peer: &str, rule: &str) -> String {
    format!(
        "[sinks.ops]\nkind = 'webhook'\nurl = '{peer}/ops'\nsecret = '{SECRET}'\n[[notify]]\nto = ['ops']\n{rule}\n"
    )
}

async fn accept(house: &House) {
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&house.peer).await;
}

/// Waits until nothing waits.
pub(crate) async fn settled(house: &House) {
    let until = Instant::now() + Duration::from_secs(20);
    while house.app.store.outbox_size().await.unwrap().0 > 0 {
        assert!(Instant::now() < until, "{:?}", house.app.store.outgoing("waiting", None, 9).await.unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn requests(house: &House) -> Vec<Request> {
    house.peer.received_requests().await.unwrap()
}

fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

async fn events(house: &House) -> Vec<(String, String)> {
    let told = |body: Value| (body["job"].as_str().unwrap().to_owned(), body["event"].as_str().unwrap().to_owned());
    requests(house).await.iter().map(json).map(told).collect()
}

fn event(job: &str, event: &str) -> (String, String) {
    (job.to_owned(), event.to_owned())
}

#[tokio::test]
async fn a_webhook_is_signed_over_what_it_holds() {
    let house =
        House::open(|peer| webhook(peer, "projects = ['env*']\ncauses = ['bazel/*']\nverdicts = ['fix-build']")).await;
    accept(&house).await;
    house.log("linux", LOG).await;
    house.log("linux", OTHER).await;
    let request = house.asked("/ops", 1).await.remove(0);
    let signature = format!("sha256={}", hex(&hmac(SECRET.as_bytes(), &request.body)));
    assert_eq!(header(&request, "x-whyred-signature-256"), signature);
    assert_eq!(header(&request, "x-whyred-event"), "red");
    assert_eq!(header(&request, "content-type"), "application/json");
    let body = json(&request);
    assert_eq!(body["schema"], "whyred.notification/1");
    assert_eq!(body["delivery"], header(&request, "x-whyred-delivery"));
    assert_eq!(body["causes"][0]["subject"], CAUSE);
    assert_eq!(
        (&body["project"], &body["job"], &body["verdict"]),
        (&"envoy".into(), &"linux".into(), &"fix-build".into())
    );
    assert_eq!(body["permalink"], format!("https://whyred.example/r/{}", body["report"].as_str().unwrap()));
    settled(&house).await;
    assert_eq!(requests(&house).await.len(), 1, "the other cause is none of this rule's");
}

#[tokio::test]
async fn every_sink_is_told_in_its_own_shape() {
    let house = House::open(|peer| {
        let hooks = ["slack", "mattermost", "rocketchat", "discord", "teams", "matrix"];
        let hooks = hooks.map(|kind| format!("[sinks.{kind}]\nkind = '{kind}'\nurl = '{peer}/{kind}'\n")).concat();
        format!(
            "{hooks}[sinks.zulip]\nkind = 'zulip'\nurl = '{peer}'\nuser = 'bot@z.example'\npassword = 'key'\nchannel = 'builds'\n
            [[notify]]\nto = ['slack', 'mattermost', 'rocketchat', 'discord', 'teams', 'matrix', 'zulip']\n
            [[notify]]\nto = ['slack']\n"
        )
    })
    .await;
    accept(&house).await;
    house.log("linux", LOG).await;
    let told = async |at: &str| json(&house.asked(&format!("/{at}"), 1).await[0]);
    let slack = told("slack").await;
    assert!(slack["text"].as_str().unwrap().starts_with("envoy · linux is red: com_github_fmtlib_fmt"), "{slack}");
    assert!(slack["blocks"].as_array().unwrap().len() >= 3);
    assert!(told("mattermost").await["text"].as_str().unwrap().starts_with("🔴 **envoy · linux** is red\n"));
    assert!(told("rocketchat").await["text"].as_str().unwrap().starts_with("🔴 *envoy · linux* is red\n"));
    let discord = told("discord").await;
    assert_eq!((&discord["content"], &discord["components"]), (&"🔴 **envoy · linux** is red".into(), &Value::Null));
    assert_eq!(told("teams").await["attachments"][0]["content"]["type"], "AdaptiveCard");
    assert!(told("matrix").await["html"].as_str().unwrap().contains("<strong>envoy · linux</strong> is red"));
    let zulip = house.asked("/api/v1/messages", 1).await.remove(0);
    // `bot@z.example:key`
    assert_eq!(header(&zulip, "authorization"), "Basic Ym90QHouZXhhbXBsZTprZXk=");
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&zulip.body).into_owned().collect();
    assert_eq!(
        fields[..3],
        [("type", "stream"), ("to", "builds"), ("topic", "envoy")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert!(fields[3].1.contains("**envoy · linux** is red"));
    settled(&house).await;
    assert_eq!(requests(&house).await.len(), 7, "two rules lead to Slack, which is told once");
}

#[tokio::test]
async fn a_sink_that_is_down_or_busy_is_told_later_and_once() {
    let house = House::open(|peer| webhook(peer, "")).await;
    let post = || Mock::given(method("POST")).and(path("/ops"));
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    post().respond_with(ResponseTemplate::new(503)).up_to_n_times(2).with_priority(1).mount(&house.peer).await;
    post().respond_with(busy).up_to_n_times(1).with_priority(2).mount(&house.peer).await;
    post().respond_with(ResponseTemplate::new(204)).mount(&house.peer).await;
    let begun = Instant::now();
    house.log("linux", LOG).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    let all = house.asked("/ops", 4).await;
    assert!(begun.elapsed() >= Duration::from_millis(850), "Retry-After is kept");
    settled(&house).await;
    assert_eq!(requests(&house).await.len(), 4);
    assert!(all.iter().all(|one| header(one, "x-whyred-delivery") == header(&all[0], "x-whyred-delivery")));
    assert!(all.iter().all(|one| one.body == all[0].body));
}

/// Whoever does not answer is asked little, so that others are told meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_does_not_answer_holds_up_no_other() {
    let house = House::open(|peer| {
        let rule = "[sinks.slow]\nkind = 'mattermost'\nurl = 'PEER/slow'\n[[notify]]\nto = ['slow']\n";
        webhook(peer, "") + &rule.replace("PEER", peer)
    })
    .await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(path("/slow")).respond_with(slow).with_priority(1).mount(&house.peer).await;
    accept(&house).await;
    for number in 0..60 {
        house.log("linux", &format!("{LOG}\nrun {number}\n")).await;
    }
    let begun = Instant::now();
    house.asked("/ops", 60).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let slow = requests(&house).await.iter().filter(|one| one.url.path() == "/slow").count();
    assert!(slow < 40, "it was asked {slow} times");
}

#[tokio::test]
async fn what_a_sink_refuses_is_a_dead_letter_and_others_are_told() {
    let house = House::open(|peer| {
        let rule = "[sinks.away]\nkind = 'mattermost'\nurl = 'PEER/away'\n[[notify]]\nto = ['away']\n";
        webhook(peer, "") + &rule.replace("PEER", peer)
    })
    .await;
    let away = ResponseTemplate::new(302).insert_header("location", format!("{}/elsewhere", house.peer.uri()));
    Mock::given(path("/away")).respond_with(away).with_priority(1).mount(&house.peer).await;
    Mock::given(path("/ops"))
        .respond_with(ResponseTemplate::new(404))
        .up_to_n_times(1)
        .with_priority(2)
        .mount(&house.peer)
        .await;
    accept(&house).await;
    house.log("linux", LOG).await;
    settled_with(&house, 2).await;
    let dead = house.app.store.outgoing("dead", None, 9).await.unwrap();
    let mut whys: Vec<&str> = dead.iter().map(|one| one.why.as_str()).collect();
    whys.sort_unstable();
    assert_eq!(whys, ["the sink away: it answers 302 Found", "the sink ops: it answers 404 Not Found"]);
    assert!(dead.iter().all(|one| one.what.ends_with("that envoy · linux is red")), "{dead:?}");
    assert!(!format!("{dead:?}").contains(SECRET) && !format!("{dead:?}").contains(&house.peer.uri()), "{dead:?}");
    // Mended, it is sent again.
    let ops = dead.iter().find(|one| one.why.contains("ops")).unwrap();
    assert!(house.app.store.send_again(ops.number, 0).await.unwrap());
    house.asked("/ops", 2).await;
    settled_with(&house, 1).await;
    assert!(requests(&house).await.iter().all(|one| one.url.path() != "/elsewhere"), "a redirect is not followed");
}

pub(crate) async fn settled_with(house: &House, dead: i64) {
    let until = Instant::now() + Duration::from_secs(20);
    while house.app.store.outbox_size().await.unwrap() != (0, dead) {
        assert!(Instant::now() < until, "{:?}", house.app.store.outbox_size().await.unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_cause_is_told_where_it_is_seen_first() {
    let house = House::open(|peer| webhook(peer, "first-seen = true")).await;
    accept(&house).await;
    for (job, log) in [
        ("linux", LOG.to_owned()),
        ("linux", LOG.to_owned()),
        ("mac", format!("{LOG}\nagain\n")),
        ("mac", OTHER.to_owned()),
        ("arm", "make: nothing that anybody knows\n".to_owned()),
        ("linux", GREEN.to_owned()),
    ] {
        house.log(job, &log).await;
        settled(&house).await;
    }
    assert_eq!(events(&house).await, [event("linux", "red"), event("mac", "red")]);
    assert!(json(&requests(&house).await[1])["causes"][0]["rule"].as_str().unwrap().starts_with("nix/"));
}

#[tokio::test]
async fn a_job_is_green_again_once() {
    let house = House::open(|peer| webhook(peer, "green = true\ncauses = ['bazel/*']")).await;
    accept(&house).await;
    for (job, log) in [
        ("linux", GREEN),
        ("linux", LOG),
        ("linux", GREEN),
        ("linux", GREEN),
        ("linux", LOG),
        ("linux", GREEN),
        // Another cause, of which this rule does not tell.
        ("mac", OTHER),
        ("mac", GREEN),
    ] {
        house.log(job, log).await;
        settled(&house).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (red, green) = (event("linux", "red"), event("linux", "green"));
    assert_eq!(events(&house).await, [red.clone(), green.clone(), red, green]);
}

#[tokio::test]
async fn nobody_is_told_of_a_report_that_was_deleted() {
    let house = House::open(|peer| webhook(peer, "")).await;
    let post = || Mock::given(method("POST")).and(path("/ops"));
    post().respond_with(ResponseTemplate::new(503)).up_to_n_times(2).with_priority(1).mount(&house.peer).await;
    accept(&house).await;
    house.log("linux", LOG).await;
    house.asked("/ops", 1).await;
    let id = house.app.store.list(&Filter::default(), None).await.unwrap().reports[0].id.clone();
    assert!(house.app.store.delete(&whyred::store::ReportId::parse(&id).unwrap()).await.unwrap());
    settled_with(&house, 0).await;
    assert!(requests(&house).await.len() <= 2);
}

/// Two replicas with one history tell each thing once.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_tell_once() {
    let house = House::open(|peer| webhook(peer, "")).await;
    accept(&house).await;
    let mut file: toml::Table = toml::from_str(&webhook(&house.peer.uri(), "")).unwrap();
    let mut config = DoorConfig::take(&mut file, |_| None).unwrap();
    config.patience = patience();
    tokio::spawn(Doors::new(std::sync::Arc::clone(&house.app), config).unwrap().watch());
    for number in 0..30 {
        house.log("linux", &format!("{LOG}\nrun {number}\n")).await;
    }
    settled(&house).await;
    let mut ids: Vec<String> =
        requests(&house).await.iter().map(|one| header(one, "x-whyred-delivery").to_owned()).collect();
    assert_eq!(ids.len(), 30);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 30);
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_put_out() {
    let house = House::with(|_| String::new(), |_| Config::default(), Access::default()).await;
    house.log("linux", LOG).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(house.app.store.outbox_size().await.unwrap(), (0, 0));
}

/// Killed between the keeping of reports and the telling, the service tells after it is started again; of every report that was
/// acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_tells_when_it_is_back() {
    let peer = wiremock::MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&peer).await;
    let data = tempfile::tempdir().unwrap();
    let settings = data.path().join("whyred.toml");
    std::fs::write(&settings, webhook(&peer.uri(), "first-seen = false")).unwrap();
    let flags = ["--config", settings.to_str().unwrap()];
    let service = ServerProcess::start(data.path(), None, &flags);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut kept = Vec::new();
    // The outbox is looked at every three seconds.
    let until = Instant::now() + Duration::from_millis(1200);
    while Instant::now() < until {
        let post = client.post(format!("{}/api/v1/reports?project=envoy&job=linux", service.url));
        let answer = post.body(format!("{LOG}\nrun {}\n", kept.len())).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let answer: Value = answer.json().await.unwrap();
        kept.push(answer["id"].as_str().unwrap().to_owned());
    }
    service.kill();
    let before = peer.received_requests().await.unwrap().len();
    assert!(before < kept.len(), "all was told before the end");
    let service = ServerProcess::start(data.path(), None, &flags);
    let until = Instant::now() + Duration::from_secs(60);
    let mut told: Vec<String> = Vec::new();
    while kept.iter().any(|id| !told.contains(id)) {
        assert!(Instant::now() < until, "{} of {} were told", told.len(), kept.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let requests = peer.received_requests().await.unwrap();
        told = requests.iter().map(|one| json(one)["report"].as_str().unwrap().to_owned()).collect();
    }
    // What is sent may not be noted yet.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(service.stop());
    let mut outbox = std::process::Command::new(env!("CARGO_BIN_EXE_whyred"));
    let outbox = outbox.args(["db", "outbox", "--data"]).arg(data.path()).env_remove("DATABASE_URL").output().unwrap();
    assert_eq!(String::from_utf8(outbox.stdout).unwrap(), "0 still to be done, 0 could not be done\n");
    assert_eq!(outbox.status.code(), Some(0));
}

/// Two services on one PostgreSQL, each of which is sent half of the logs, tell each thing once.
#[tokio::test(flavor = "multi_thread")]
async fn two_services_on_one_postgres_tell_once() {
    let peer = wiremock::MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&peer).await;
    let (data, database) = (tempfile::tempdir().unwrap(), Database::new().await);
    let settings = data.path().join("whyred.toml");
    std::fs::write(&settings, webhook(&peer.uri(), "")).unwrap();
    let flags = ["--config", settings.to_str().unwrap()];
    let services = [(); 2].map(|()| ServerProcess::start(data.path(), Some(&database.url), &flags));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    const LOGS: usize = 40;
    for number in 0..LOGS {
        let post = client.post(format!("{}/api/v1/reports?project=envoy&job=linux", services[number % 2].url));
        assert_eq!(post.body(format!("{LOG}\nrun {number}\n")).send().await.unwrap().status(), 201);
    }
    let until = Instant::now() + Duration::from_secs(30);
    while peer.received_requests().await.unwrap().len() < LOGS {
        assert!(Instant::now() < until, "{} were told", peer.received_requests().await.unwrap().len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Longer than a look at the outbox takes to come.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let requests = peer.received_requests().await.unwrap();
    let reports: BTreeSet<String> =
        requests.iter().map(|one| json(one)["report"].as_str().unwrap().to_owned()).collect();
    assert_eq!((requests.len(), reports.len()), (LOGS, LOGS));
    for service in services {
        assert!(service.stop());
    }
    database.remove().await;
}
