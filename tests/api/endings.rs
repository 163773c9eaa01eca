//! How a service ends, and what is there afterwards: killed in the middle of posts it loses nothing that it acknowledged, asked to stop
//! it ends what was begun, and two of them on one PostgreSQL lose and double nothing. Rules are read again while it runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use crate::app::{LOG, header, json};
use crate::postgres::Database;
use crate::process::ServerProcess;

fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// Posts logs until the service is gone or the numbers are used up; the ids of those that were acknowledged go into `known`.
async fn post_all(client: Client, url: String, numbers: impl Iterator<Item = usize>, known: Arc<Mutex<Vec<String>>>) {
    for number in numbers {
        let post = client.post(format!("{url}/api/v1/reports?project=p&job=j{}", number % 3));
        let Ok(response) = post.body(format!("{LOG}\nrun {number}\n")).send().await else { return };
        if !response.status().is_success() {
            panic!("{}", response.status());
        }
        let location = header(&response, "location").to_owned();
        known.lock().unwrap().push(location);
    }
}

async fn all_ids(client: &Client, url: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = json(client.get(format!("{url}/api/v1/reports?cursor={cursor}")).send().await.unwrap()).await;
        let reports = page["reports"].as_array().unwrap();
        ids.extend(reports.iter().map(|report| report["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return ids,
        }
    }
}

async fn post_and_kill(data: &Path, database: Option<&str>) {
    let service = ServerProcess::start(data, database, &[]);
    let known = Arc::new(Mutex::new(Vec::new()));
    let client = client();
    let posting: Vec<_> = (0..6)
        .map(|n| {
            tokio::spawn(post_all(client.clone(), service.url.clone(), (n..100_000).step_by(6), Arc::clone(&known)))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(900)).await;
    service.kill();
    for task in posting {
        task.await.unwrap();
    }
    let known = known.lock().unwrap().clone();
    assert!(known.len() > 5, "only {} posts", known.len());

    let service = ServerProcess::start(data, database, &[]);
    let client = self::client();
    for location in &known {
        let report = json(client.get(format!("{}{location}", service.url)).send().await.unwrap()).await;
        assert!(!report["diagnoses"].as_array().unwrap().is_empty());
        let raw = client.get(format!("{}{location}/raw", service.url)).send().await.unwrap();
        assert!(raw.text().await.unwrap().contains("\nrun "));
    }
    // Counts and lists agree about whatever else was stored without being acknowledged.
    let stats: Value = json(client.get(format!("{}/api/v1/stats", service.url)).send().await.unwrap()).await;
    let listed = all_ids(&client, &service.url).await;
    assert_eq!(stats["reports"].as_u64().unwrap() as usize, listed.len());
    assert!(listed.len() >= known.len());
    assert!(service.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_has_lost_nothing_on_sqlite() {
    let data = tempfile::tempdir().unwrap();
    post_and_kill(data.path(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_has_lost_nothing_on_postgres() {
    let (data, database) = (tempfile::tempdir().unwrap(), Database::new().await);
    post_and_kill(data.path(), Some(&database.url)).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_on_one_postgres_lose_and_double_nothing() {
    let (data, database) = (tempfile::tempdir().unwrap(), Database::new().await);
    // Both begin with an empty database at the same moment.
    let starting = [(); 2].map(|()| {
        let (data, url) = (data.path().to_owned(), database.url.clone());
        std::thread::spawn(move || ServerProcess::start(&data, Some(&url), &[]))
    });
    let services = starting.map(|service| service.join().unwrap());
    let known = Arc::new(Mutex::new(Vec::new()));
    let client = client();
    const LOGS: usize = 60;
    // Every log goes to both: half of the posts meet a log that is there, or is coming at this moment.
    let posting: Vec<_> = (0..8)
        .map(|n| {
            let url = services[n % 2].url.clone();
            let numbers = (0..LOGS).map(move |i| (i + n / 2 * 15) % LOGS);
            tokio::spawn(post_all(client.clone(), url, numbers, Arc::clone(&known)))
        })
        .collect();
    for task in posting {
        task.await.unwrap();
    }
    let acknowledged = known.lock().unwrap().clone();
    assert_eq!(acknowledged.len(), 8 * LOGS);
    let different: BTreeSet<&String> = acknowledged.iter().collect();
    assert_eq!(different.len(), LOGS);
    for service in &services {
        let ids = all_ids(&client, &service.url).await;
        assert_eq!(ids.len(), LOGS);
        let stats = json(client.get(format!("{}/api/v1/stats", service.url)).send().await.unwrap()).await;
        assert_eq!((stats["reports"].as_u64(), stats["occurrences"].as_u64()), (Some(60), Some(480)), "{stats}");
    }
    for service in services {
        assert!(service.stop());
    }
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_to_stop_ends_what_was_begun() {
    let data = tempfile::tempdir().unwrap();
    let service = ServerProcess::start(data.path(), None, &[]);
    let parts = [LOG.as_bytes().to_vec(), b"\nthe end\n".to_vec()];
    let slow = futures_util::stream::unfold(0, move |n| {
        let part = parts.get(n).cloned();
        async move {
            tokio::time::sleep(Duration::from_millis(700)).await;
            part.map(|part| (Ok::<_, std::io::Error>(part), n + 1))
        }
    });
    let post = client().post(format!("{}/api/v1/reports", service.url)).body(reqwest::Body::wrap_stream(slow)).send();
    let posting = tokio::spawn(post);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopping = tokio::task::spawn_blocking(move || service.stop());
    assert_eq!(posting.await.unwrap().unwrap().status(), 201);
    assert!(stopping.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_read_again_when_their_files_change() {
    let (data, rules) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pack = rules.path().to_str().unwrap();
    let rule = include_str!("../data/rule.toml");
    let path = rules.path().join("own/rule.toml");
    std::fs::create_dir(rules.path().join("own")).unwrap();
    std::fs::write(&path, rule).unwrap();
    let service = ServerProcess::start(data.path(), None, &["--rules", pack]);
    let client = client();
    let title = async || {
        let one = client.get(format!("{}/api/v1/rules/own/rule", service.url)).send().await.unwrap();
        json(one).await["title"].as_str().unwrap_or_default().to_owned()
    };
    let first = title().await;
    assert!(!first.is_empty());
    // A broken rule changes nothing, a mended one does.
    std::fs::write(&path, "nonsense").unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(title().await, first);
    std::fs::write(&path, rule.replace(&first, "Another title")).unwrap();
    for _ in 0..40 {
        if title().await == "Another title" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("the old rule is still in use");
}

#[test]
fn nobody_is_let_in_by_mistake() {
    let serve = |flags: &[&str]| {
        let data = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_whyred"));
        command.args(["serve", "--listen", "0.0.0.0:0", "--data"]).arg(data.path()).args(flags);
        command.env_remove("WHYRED_TOKEN").env_remove("DATABASE_URL").output().unwrap()
    };
    let refused = serve(&[]);
    assert_eq!(refused.status.code(), Some(2));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("--public") && words.contains("WHYRED_TOKEN"), "{words}");
}
