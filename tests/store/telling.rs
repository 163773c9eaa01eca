//! What channels are told, and what counts once.

use whyred::store::{Change, Store, Telling};

use crate::sample::{NOON, Sample};
use crate::world::World;

fn change(seen_at: i64, verdict: &str, fingerprint: &str) -> Change {
    Change {
        id: format!("report{seen_at}"),
        seen_at,
        project: "envoy".to_owned(),
        job: "linux".to_owned(),
        verdict: verdict.to_owned(),
        fingerprint: fingerprint.to_owned(),
    }
}

async fn pending(store: &Store, now: i64) -> Vec<(String, String, String)> {
    let tellings = store.tellings(now, 0).await.unwrap();
    tellings.into_iter().map(|t| (t.fingerprint, t.pending, t.ts)).collect()
}

fn row(fingerprint: &str, pending: &str, ts: &str) -> (String, String, String) {
    (fingerprint.to_owned(), pending.to_owned(), ts.to_owned())
}

pub(crate) async fn a_new_cause_is_told_once_and_green_in_its_thread(world: World) {
    let store = world.open().await;
    let note = async |change: &Change| store.note_change("C1", change).await.unwrap();
    note(&change(10, "green", "")).await;
    assert_eq!(pending(&store, 0).await, []);
    note(&change(20, "fix-code", "a")).await;
    note(&change(20, "fix-code", "a")).await;
    note(&change(30, "fix-code", "a")).await;
    assert_eq!(pending(&store, 0).await, [row("a", "red", "")]);
    let telling = store.tellings(0, 0).await.unwrap().remove(0);
    store.told(&telling, "1.5").await.unwrap();
    note(&change(40, "fix-code", "a")).await;
    assert_eq!(pending(&store, 0).await, [], "a repetition");
    note(&change(50, "green", "")).await;
    assert_eq!(pending(&store, 0).await, [row("a", "green", "1.5")]);
    let telling = store.tellings(0, 0).await.unwrap().remove(0);
    store.told(&telling, "1.6").await.unwrap();
    note(&change(40, "fix-code", "a")).await;
    assert_eq!(pending(&store, 0).await, [], "what is read twice says nothing new");
    note(&change(60, "fix-code", "a")).await;
    assert_eq!(pending(&store, 0).await, [row("a", "again", "1.5")]);
    note(&change(70, "retry", "b")).await;
    assert_eq!(pending(&store, 0).await.len(), 2);
}

pub(crate) async fn what_is_green_before_it_was_told_is_not_told(world: World) {
    let store = world.open().await;
    store.note_change("C1", &change(20, "unknown", "")).await.unwrap();
    let telling = store.tellings(100, 1000).await.unwrap().remove(0);
    assert_eq!(store.tellings(100, 1000).await.unwrap(), [], "somebody is at it");
    store.not_told(&telling, 100).await.unwrap();
    assert_eq!(store.tellings(200, 1000).await.unwrap(), [], "later");
    assert_eq!(store.tellings(100 + 5000, 0).await.unwrap()[0].tries, 1);
    store.note_change("C1", &change(30, "green", "")).await.unwrap();
    assert_eq!(pending(&store, 1 << 40).await, []);
    // But where the message was on its way, its thread learns of the green.
    store.told(&telling, "1.5").await.unwrap();
    assert_eq!(pending(&store, 1 << 40).await, [row("", "green", "1.5")]);
}

pub(crate) async fn keys_count_once_and_positions_go_on(world: World) {
    let store = world.open().await;
    assert!(store.first_time("a", 1000, 100).await.unwrap());
    assert!(!store.first_time("a", 1050, 100).await.unwrap());
    assert!(store.first_time("a", 1200, 100).await.unwrap(), "forgotten");
    assert_eq!(store.position("slack", 7).await.unwrap(), 7);
    store.set_position("slack", 9).await.unwrap();
    store.set_position("slack", 8).await.unwrap();
    assert_eq!(store.position("slack", 70).await.unwrap(), 9);
}

/// Two replicas that read the same history tell each thing once.
pub(crate) async fn two_replicas_tell_once(world: World) {
    let (one, other) = (world.open().await, world.open().await);
    for number in 0..20 {
        let change =
            change(100 + number, if number % 5 == 4 { "green" } else { "retry" }, &format!("cause{}", number % 5));
        let (a, b) = tokio::join!(one.note_change("C1", &change), other.note_change("C1", &change));
        a.unwrap();
        b.unwrap();
        let (a, b) = tokio::join!(one.tellings(1000 + number, 5000), other.tellings(1000 + number, 5000));
        let (a, b) = (a.unwrap(), b.unwrap());
        let all: Vec<&Telling> = a.iter().chain(&b).collect();
        let mut causes: Vec<&str> = all.iter().map(|telling| telling.fingerprint.as_str()).collect();
        causes.sort_unstable();
        causes.dedup();
        assert_eq!(causes.len(), all.len(), "told twice: {all:?}");
        for telling in all {
            one.told(telling, "1.5").await.unwrap();
        }
    }
    assert_eq!(one.tellings(1 << 40, 0).await.unwrap(), []);
    let keys: Vec<String> = (0..20).map(|number| format!("event{number}")).collect();
    for key in &keys {
        let (a, b) = tokio::join!(one.first_time(key, 1000, 100), other.first_time(key, 1000, 100));
        assert!(a.unwrap() ^ b.unwrap(), "{key} counts once");
    }
}

/// The changes of jobs, in the order in which they came; the state of a project is the last of them.
pub(crate) async fn changes_and_states(world: World) {
    let store = world.open().await;
    assert_eq!(store.changes_after(0).await.unwrap(), []);
    assert_eq!(store.state_of("envoy", "").await.unwrap(), None);
    let red = Sample { job: "linux", made_at: NOON, ..Sample::new("red") };
    let green = Sample { job: "mac", made_at: NOON + 1, verdict: "green", causes: Vec::new(), ..Sample::new("green") };
    let nobodys = Sample { project: "", job: "", made_at: NOON + 2, ..Sample::new("nobody's") };
    for sample in [&red, &green, &nobodys, &Sample { made_at: NOON + 3, ..red.clone() }] {
        sample.save(&store).await;
    }
    let jobs =
        |changes: Vec<Change>| changes.into_iter().map(|change| (change.job, change.seen_at)).collect::<Vec<_>>();
    let (mac, linux) = (("mac".to_owned(), NOON + 1), ("linux".to_owned(), NOON + 3));
    assert_eq!(jobs(store.changes_after(0).await.unwrap()), [mac, linux.clone()]);
    assert_eq!(jobs(store.changes_after(NOON + 1).await.unwrap()), [linux]);
    let verdict = async |job: &str| store.state_of("envoy", job).await.unwrap().map(|state| state.verdict);
    assert_eq!(verdict("").await.as_deref(), Some("fix-build"));
    assert_eq!(verdict("mac").await.as_deref(), Some("green"));
    assert_eq!(verdict("other").await, None);
}
