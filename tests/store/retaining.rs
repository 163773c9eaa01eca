//! Stories of what is forgotten.

use std::time::Duration;

use whyred::store::{Filter, Retained, Retention, Store};

use crate::sample::{NOON, Sample, noise};
use crate::world::World;

const DAY: i64 = 86_400_000;

async fn kept(store: &Store) -> Vec<i64> {
    let page = store.list(&Filter::default(), None).await.unwrap();
    page.reports.iter().map(|report| (report.made_at - NOON) / DAY).collect()
}

async fn ten_days(world: &World) -> Store {
    let store = world.open().await.with_objects_from(10_000);
    for i in 0..10 {
        let text = format!("{i}\n{}", if i % 2 == 0 { noise(1_000) } else { String::new() });
        Sample { text, made_at: NOON + i * DAY, ..Sample::new("") }.save(&store).await;
    }
    store
}

pub(crate) async fn old_reports_go(world: World) {
    let store = ten_days(&world).await;
    assert_eq!(world.objects().len(), 5);
    // Day 1 came again.
    Sample { text: "1\n".to_owned(), made_at: NOON + 8 * DAY, ..Sample::new("") }.save(&store).await;
    let keep = Retention { oldest: Some(Duration::from_secs(5 * 86_400)), most_bytes: None };
    let done = store.retain(&keep, NOON + 9 * DAY).await.unwrap();
    assert_eq!((done.reports, done.busy), (3, false));
    assert_eq!(kept(&store).await, [9, 8, 7, 6, 5, 4, 1]);
    assert_eq!(world.objects().len(), 3);
    let stats = store.stats(NOON).await.unwrap();
    assert_eq!((stats.reports, stats.occurrences), (7, 8));
    assert_eq!(store.retain(&keep, NOON + 9 * DAY).await.unwrap(), Retained::default());
    assert_eq!(store.retain(&Retention::default(), NOON + 99 * DAY).await.unwrap(), Retained::default());
    assert!(store.retain(&keep, NOON + 99 * DAY).await.unwrap().bytes > 0);
    assert_eq!((world.rows().await.len(), world.objects().len()), (0, 0));
}

pub(crate) async fn too_many_bytes_go_oldest_first(world: World) {
    let store = ten_days(&world).await;
    let all = store.stats(NOON).await.unwrap().bytes as u64;
    let keep = Retention { oldest: None, most_bytes: Some(all / 2) };
    let done = store.retain(&keep, NOON + 9 * DAY).await.unwrap();
    let left = store.stats(NOON).await.unwrap().bytes as u64;
    assert_eq!(left + done.bytes, all);
    assert!(left <= all / 2 && left > all / 4, "{left} of {all}");
    let kept = kept(&store).await;
    assert_eq!(kept, (0..kept.len() as i64).map(|i| 9 - i).collect::<Vec<_>>());
}

pub(crate) async fn two_replicas_retain_at_once(world: World) {
    let store = ten_days(&world).await;
    let keep = Retention { oldest: Some(Duration::from_secs(4 * 86_400)), most_bytes: None };
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = world.open().await;
        tasks.push(tokio::spawn(async move { store.retain(&keep, NOON + 9 * DAY).await.unwrap() }));
    }
    let mut reports = 0;
    for task in tasks {
        let done = task.await.unwrap();
        assert!(!done.busy || done.reports == 0);
        reports += done.reports;
    }
    assert_eq!(reports, 5);
    assert_eq!(kept(&store).await, [9, 8, 7, 6, 5]);
    // A replica that died holds the others up for a minute at most.
    world
        .execute(&format!("insert into lease (name, holder, until) values ('retention', 'dead', {})", NOON + 60_000))
        .await;
    let keep = Retention { oldest: Some(Duration::ZERO), most_bytes: None };
    assert!(store.retain(&keep, NOON + 59_000).await.unwrap().busy);
    assert!(!store.retain(&keep, NOON + 61_000).await.unwrap().busy);
}

pub(crate) async fn what_a_crash_left_behind_goes(world: World) {
    let store = ten_days(&world).await;
    std::fs::write(world.folder.join("objects/logs/left.zst"), "x").unwrap();
    world
        .execute(&format!(
            "insert into loose_object (place, made_at) values ('logs/left.zst', {NOON}), ('logs/gone.zst', {NOON})"
        ))
        .await;
    store.retain(&Retention::default(), NOON + DAY / 2).await.unwrap();
    assert_eq!(world.objects().len(), 6);
    store.retain(&Retention::default(), NOON + 2 * DAY).await.unwrap();
    assert_eq!((world.objects().len(), world.rows().await.get("loose_object")), (5, None));
}
