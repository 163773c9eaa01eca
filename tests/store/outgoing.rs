//! What is to be done at peers: once each, by one at a time, and again where somebody died.

use whyred::store::{MOST_TRIES, NewOutgoing, Outgoing, Store};

use crate::world::World;

fn new(key: &str) -> NewOutgoing {
    NewOutgoing { kind: "test", key: key.to_owned(), what: format!("the {key}"), payload: "{}".to_owned() }
}

fn keys(taken: &[Outgoing]) -> Vec<&str> {
    taken.iter().map(|one| one.key.as_str()).collect()
}

async fn filled(world: &World, keys: &[&str]) -> Store {
    let store = world.open().await;
    for key in keys {
        assert!(store.put_out(&new(key), 100).await.unwrap());
    }
    store
}

pub(crate) async fn the_same_is_put_once_and_done_once(world: World) {
    let store = filled(&world, &["a", "b"]).await;
    assert!(!store.put_out(&new("a"), 101).await.unwrap());
    assert_eq!(store.take_out(99, 1000, 9).await.unwrap(), [], "not due yet");
    let taken = store.take_out(100, 1000, 1).await.unwrap();
    assert_eq!(keys(&taken), ["a"]);
    assert_eq!((taken[0].tries, taken[0].payload.as_str()), (1, "{}"));
    store.is_out(&taken[0]).await.unwrap();
    assert!(!store.put_out(&new("a"), 102).await.unwrap(), "what was done is known");
    assert_eq!(keys(&store.take_out(9999, 1000, 9).await.unwrap()), ["b"]);
    assert_eq!(store.outbox_size().await.unwrap(), (1, 0));
}

pub(crate) async fn who_dies_is_followed_and_who_is_slow_changes_nothing(world: World) {
    let store = filled(&world, &["a"]).await;
    let first = store.take_out(100, 1000, 9).await.unwrap();
    assert_eq!(store.take_out(1099, 1000, 9).await.unwrap(), [], "somebody is at it");
    store.still_out(&first[0], 1500).await.unwrap();
    assert_eq!(store.take_out(1499, 1000, 9).await.unwrap(), [], "still");
    let second = store.take_out(1500, 1000, 9).await.unwrap();
    assert_eq!(second[0].tries, 2);
    // The first one wakes up.
    store.still_out(&first[0], 90_000).await.unwrap();
    store.not_out(&first[0], "late", None).await.unwrap();
    let third = store.take_out(2500, 1000, 9).await.unwrap();
    assert_eq!((keys(&third), third[0].why.as_str()), (vec!["a"], ""));
    store.is_out(&third[0]).await.unwrap();
    store.not_out(&third[0], "done before", Some(1)).await.unwrap();
    assert_eq!(store.take_out(1 << 40, 1000, 9).await.unwrap(), []);
}

pub(crate) async fn what_fails_comes_again_until_nobody_hopes(world: World) {
    let store = filled(&world, &["a", "b"]).await;
    let taken = store.take_out(100, 1000, 9).await.unwrap();
    store.not_out(&taken[0], &"é".repeat(400), Some(500)).await.unwrap();
    store.not_out(&taken[1], "never", None).await.unwrap();
    assert_eq!(store.outbox_size().await.unwrap(), (1, 1));
    assert_eq!(store.take_out(499, 1000, 9).await.unwrap(), []);
    let mut now = 500;
    for tries in 2..=MOST_TRIES {
        let taken = store.take_out(now, 1000, 9).await.unwrap();
        assert_eq!((keys(&taken), taken[0].tries), (vec!["a"], tries));
        now += 1;
        store.not_out(&taken[0], "busy", Some(now)).await.unwrap();
    }
    assert_eq!(store.take_out(1 << 40, 1000, 9).await.unwrap(), []);
    let dead = store.outgoing("dead", None, 9).await.unwrap();
    assert_eq!(keys(&dead), ["b", "a"]);
    assert_eq!((dead[0].why.as_str(), dead[1].why.as_str()), ("never", "busy"));
    assert_eq!(keys(&store.outgoing("dead", Some(dead[0].number), 9).await.unwrap()), ["a"]);
}

pub(crate) async fn a_dead_letter_is_sent_again_or_dropped(world: World) {
    let store = filled(&world, &["a", "b"]).await;
    for taken in store.take_out(100, 1000, 9).await.unwrap() {
        assert!(!store.send_again(taken.number, 200).await.unwrap() && !store.drop_out(taken.number).await.unwrap());
        store.not_out(&taken, "never", None).await.unwrap();
    }
    let dead = store.outgoing("dead", None, 9).await.unwrap();
    assert!(store.send_again(dead[0].number, 200).await.unwrap() && store.drop_out(dead[1].number).await.unwrap());
    let taken = store.take_out(200, 1000, 9).await.unwrap();
    assert_eq!((keys(&taken), taken[0].tries), (vec!["b"], 1));
    assert_eq!(store.outbox_size().await.unwrap(), (1, 0));
    let month = 31 * 24 * 60 * 60 * 1000;
    store.forget_out(100 + month).await.unwrap();
    assert!(store.put_out(&new("a"), 300).await.unwrap(), "forgotten");
    assert!(!store.put_out(&new("b"), 300).await.unwrap(), "what waits is kept");
}

/// What ends the process that tries it is not tried for ever.
pub(crate) async fn what_kills_is_buried(world: World) {
    let store = filled(&world, &["a"]).await;
    let mut now = 100;
    for _ in 0..MOST_TRIES {
        assert_eq!(store.take_out(now, 10, 9).await.unwrap().len(), 1);
        now += 10;
    }
    assert_eq!(store.take_out(now, 10, 9).await.unwrap(), []);
    assert_eq!(store.outgoing("dead", None, 9).await.unwrap()[0].why, "every try was broken off");
}

/// Two replicas take everything, each thing once.
pub(crate) async fn two_replicas_take_different_things(world: World) {
    let keys: Vec<String> = (0..60).map(|i| format!("key{i}")).collect();
    let store = filled(&world, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let other = world.open().await;
    let all = async |store: Store| {
        let mut mine = Vec::new();
        loop {
            let taken = store.take_out(100, 1 << 30, 3).await.unwrap();
            if taken.is_empty() {
                return mine;
            }
            mine.extend(taken.into_iter().map(|one| one.number));
        }
    };
    let (mut here, there) = tokio::join!(all(store), all(other));
    here.extend(there);
    here.sort_unstable();
    assert_eq!(here.len(), 60);
    here.dedup();
    assert_eq!(here.len(), 60);
}
