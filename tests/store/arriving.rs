//! What comes is announced with its report, and what is asked of it before somebody is told.

use whyred::store::{ARRIVAL, Arrival, ReportId, Store};

use crate::sample::{NOON, Sample};
use crate::world::World;

async fn arrivals(store: &Store) -> Vec<Arrival> {
    let mut all = store.outgoing("waiting", None, 99).await.unwrap();
    all.reverse();
    assert!(all.iter().all(|one| one.kind == ARRIVAL && one.what == "whom to tell of envoy · linux"), "{all:?}");
    all.iter().map(|one| serde_json::from_str(&one.payload).unwrap()).collect()
}

pub(crate) async fn what_comes_is_announced_once_each_time(world: World) {
    let quiet = world.open().await;
    Sample::new("quiet").save(&quiet).await;
    assert_eq!(quiet.outbox_size().await.unwrap(), (0, 0), "nobody listens");
    let store = world.open().await.announcing(true);
    let sample = Sample { request_key: Some("1".to_owned()), ..Sample::new("red") };
    let saved = sample.save(&store).await;
    sample.save(&store).await;
    let again = Sample { request_key: None, made_at: NOON + 5, ..sample.clone() };
    again.save(&store).await;
    let told = |occurrence, seen_at| Arrival {
        report: saved.id.as_str().to_owned(),
        occurrence,
        seen_at,
        build_url: "https://ci.example/1".to_owned(),
        revision: "c0ffee".to_owned(),
        branch: "main".to_owned(),
    };
    assert_eq!(arrivals(&store).await, [told(1, NOON), told(2, NOON + 5)]);
    // That it came is forgotten soon, once everybody is told.
    let taken = store.take_out(NOON + 9, 10, 1).await.unwrap();
    store.is_out(&taken[0]).await.unwrap();
    store.forget_out(NOON + 25 * 60 * 60 * 1000).await.unwrap();
    assert_eq!(world.rows().await["outbox"], 1);
}

/// A request that two replicas are sent at the same moment is announced once: what is undone is undone with its announcement.
pub(crate) async fn a_request_that_came_twice_is_announced_once(world: World) {
    let (one, other) = (world.open().await.announcing(true), world.open().await.announcing(true));
    for number in 0..15 {
        let sample =
            |replica| Sample { request_key: Some(number.to_string()), ..Sample::new(format!("{number} {replica}")) };
        let (here, there) = (sample(1), sample(2));
        tokio::join!(here.save(&one), there.save(&other));
    }
    let arrivals = arrivals(&one).await;
    assert_eq!(arrivals.len(), 15);
    for arrival in arrivals {
        assert!(one.stored(&ReportId::parse(&arrival.report).unwrap()).await.unwrap().is_some());
    }
}

pub(crate) async fn a_cause_is_first_seen_once_in_each_project(world: World) {
    let store = world.open().await;
    let first = Sample::new("a").save(&store).await.id;
    let later = Sample {
        job: "mac",
        made_at: NOON + 1,
        causes: vec![
            ("bazel/fetch/unknown-host", "com_google_googleapis".to_owned()),
            ("nix/build/other", "x".to_owned()),
        ],
        ..Sample::new("b")
    };
    let later = later.save(&store).await.id;
    let elsewhere = Sample { project: "other", made_at: NOON + 2, ..Sample::new("c") }.save(&store).await.id;
    let green =
        Sample { verdict: "green", causes: Vec::new(), made_at: NOON + 3, ..Sample::new("d") }.save(&store).await.id;
    let seen = async |id| store.first_seen(id).await.unwrap();
    assert_eq!(seen(&first).await, ["bazel/fetch/unknown-host"]);
    assert_eq!(seen(&later).await, ["nix/build/other"]);
    assert_eq!(seen(&elsewhere).await, ["bazel/fetch/unknown-host"]);
    assert!(seen(&green).await.is_empty());
    // Once the first one is forgotten, the second one is it.
    store.delete(&first).await.unwrap();
    assert_eq!(seen(&later).await, ["bazel/fetch/unknown-host", "nix/build/other"]);
}

pub(crate) async fn the_report_that_came_before(world: World) {
    let store = world.open().await.announcing(true);
    let red = |made_at| Sample { made_at, ..Sample::new("red") };
    let green = |made_at| Sample { verdict: "green", causes: Vec::new(), made_at, ..Sample::new("green") };
    let mut ids = Vec::new();
    for sample in [red(NOON), green(NOON + 1), green(NOON + 2), red(NOON + 3), green(NOON + 4)] {
        ids.push(sample.save(&store).await.id);
    }
    let other = Sample { job: "mac", made_at: NOON + 3, ..Sample::new("other") };
    other.save(&store.clone().announcing(false)).await;
    let (red, green) = (ids[0].clone(), ids[1].clone());
    let mut before = Vec::new();
    for arrival in arrivals(&store).await {
        before.push(store.before(&arrival, "envoy", "linux").await.unwrap());
    }
    let (red, green) = (Some(red), Some(green));
    assert_eq!(before, [None, red.clone(), green.clone(), green, red]);
}
