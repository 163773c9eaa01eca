//! Stories of reports that come in.

use whyred::store::{ReportId, Store};

use crate::sample::{NOON, Sample, noise};
use crate::world::World;

pub(crate) async fn what_is_saved_is_read_back(world: World) {
    let store = world.open().await;
    let sample = Sample::new("ERROR: no\nat all\n");
    let saved = sample.save(&store).await;
    assert!(saved.new);
    let stored = world.open().await.stored(&saved.id).await.unwrap().unwrap();
    assert_eq!(stored.report, sample.report());
    assert_eq!((stored.made_at, stored.seen_at, stored.occurrences, stored.hidden), (NOON, NOON, 1, 3));
    assert_eq!(stored.submission, sample.new_report().submission);
    let lines = store.log_lines(&saved.id, 1, 10).await.unwrap().unwrap();
    assert_eq!((lines.first, lines.of, lines.text), (1, 2, sample.text.into_bytes()));
    store.ready().await.unwrap();
    assert!(store.pool_state().0 > 0);

    let nobody = ReportId::random();
    assert_eq!(store.stored(&nobody).await.unwrap(), None);
    assert_eq!(store.log_lines(&nobody, 1, 2).await.unwrap(), None);
    assert_eq!(store.log_size(&nobody).await.unwrap(), None);
    assert!(!store.delete(&nobody).await.unwrap());
}

pub(crate) async fn the_same_log_of_the_same_job_is_one_report(world: World) {
    let store = world.open().await;
    let first = Sample::new("one log\n");
    let saved = first.save(&store).await;
    let again = Sample { made_at: NOON + 5, ..first.clone() }.save(&store).await;
    assert_eq!((again.id.clone(), again.new), (saved.id.clone(), false));
    // A clock that is behind does not turn time back.
    assert!(!Sample { made_at: NOON - 5, ..first.clone() }.save(&store).await.new);
    let stored = store.stored(&saved.id).await.unwrap().unwrap();
    assert_eq!((stored.made_at, stored.seen_at, stored.occurrences), (NOON, NOON + 5, 3));
    assert!(Sample { job: "mac", ..first.clone() }.save(&store).await.new);
    assert!(Sample { text: "another\n".to_owned(), ..first }.save(&store).await.new);
    let stats = store.stats(NOON).await.unwrap();
    assert_eq!((stats.reports, stats.occurrences), (3, 5));
}

pub(crate) async fn a_request_that_comes_again_is_no_second_occurrence(world: World) {
    let store = world.open().await;
    let sample = Sample { request_key: Some("build 7".to_owned()), ..Sample::new("one log\n") };
    let saved = sample.save(&store).await;
    let again = Sample { made_at: NOON + 1000, ..sample.clone() }.save(&store).await;
    assert_eq!((again.id.clone(), again.new), (saved.id.clone(), false));
    assert_eq!(store.stored(&saved.id).await.unwrap().unwrap().occurrences, 1);
    // Another job may call its requests the same.
    assert!(Sample { job: "mac", ..sample.clone() }.save(&store).await.new);

    let mut tasks = Vec::new();
    for _ in 0..8 {
        let store = world.open().await;
        let sample =
            Sample { request_key: Some("build 8".to_owned()), text: "log of build 8\n".to_owned(), ..sample.clone() };
        tasks.push(tokio::spawn(async move { sample.save(&store).await }));
    }
    let mut made = Vec::new();
    for task in tasks {
        made.push(task.await.unwrap());
    }
    assert_eq!(made.iter().filter(|saved| saved.new).count(), 1);
    assert!(made.iter().all(|saved| saved.id == made[0].id));
    assert_eq!(store.stored(&made[0].id).await.unwrap().unwrap().occurrences, 1);
}

pub(crate) async fn two_replicas_save_the_same_log_at_once(world: World) {
    let replicas = [world.open().await.with_objects_from(0), world.open().await.with_objects_from(0)];
    let sample = Sample::new("one log that everybody sends\n");
    let mut tasks = Vec::new();
    for i in 0..20 {
        let (store, sample) = (replicas[i % 2].clone(), sample.clone());
        tasks.push(tokio::spawn(async move { sample.save(&store).await }));
    }
    let mut made = Vec::new();
    for task in tasks {
        made.push(task.await.unwrap());
    }
    assert_eq!(made.iter().filter(|saved| saved.new).count(), 1);
    let stored = replicas[0].stored(&made[0].id).await.unwrap().unwrap();
    assert_eq!(stored.occurrences, 20);
    let rows = world.rows().await;
    assert_eq!((rows["report"], rows["occurrence"], rows["log"], rows.get("loose_object")), (1, 20, 1, None));
    assert_eq!(world.objects().len(), 1);
}

pub(crate) async fn two_replicas_lose_and_double_nothing(world: World) {
    let replicas = [world.open().await, world.open().await];
    let mut tasks = Vec::new();
    for worker in 0..8 {
        let store = replicas[worker % 2].clone();
        tasks.push(tokio::spawn(async move {
            for i in 0..12 {
                // Every log is sent by two workers, and names causes that others name too, in another order.
                let n = (worker / 2) * 12 + i;
                let mut causes: Vec<_> = (0..4).map(|j| ("bazel/x", format!("subject {}", (n + j) % 6))).collect();
                if worker % 2 == 0 {
                    causes.reverse();
                }
                Sample { causes, text: format!("log {n}\n"), ..Sample::new("") }.save(&store).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let stats = replicas[0].stats(NOON).await.unwrap();
    assert_eq!((stats.reports, stats.occurrences, stats.last_day), (48, 96, 48));
    let rows = world.rows().await;
    assert_eq!((rows["report"], rows["occurrence"], rows["cause"]), (48, 96, 4 * 48));
    assert_eq!(replicas[1].rule_hits().await.unwrap()["bazel/x"].count, 48);
}

pub(crate) async fn lines_and_bytes_of_a_log_of_many_pieces(world: World) {
    let store = world.open().await;
    let saved = Sample::new(noise(20_000)).save(&store).await;
    check_lines_and_bytes(&store, &saved.id).await;
    assert!(world.rows().await["log_piece"] > 5);
    assert_eq!(world.objects().len(), 0);
}

pub(crate) async fn a_large_log_is_an_object(world: World) {
    let store = world.open().await.with_objects_from(100_000);
    let saved = Sample::new(noise(20_000)).save(&store).await;
    check_lines_and_bytes(&store, &saved.id).await;
    let rows = world.rows().await;
    assert_eq!((rows.get("log_piece"), rows.get("loose_object"), world.objects().len()), (None, None, 1));
    // Sent again, it takes no more room.
    Sample::new(noise(20_000)).save(&store).await;
    assert_eq!((world.rows().await.get("loose_object"), world.objects().len()), (None, 1));
    assert!(store.delete(&saved.id).await.unwrap());
    assert_eq!((world.rows().await.len(), world.objects().len()), (0, 0));
}

pub(crate) async fn objects_are_found_by_address(world: World) {
    for address in [format!("file://{}", world.folder.join("objects").display()), "memory:///logs".to_owned()] {
        let store = Store::open(&world.address, &address).await.unwrap().with_objects_from(100_000);
        let saved = Sample::new(noise(20_000)).save(&store).await;
        assert!(saved.new);
        check_lines_and_bytes(&store, &saved.id).await;
        store.delete(&saved.id).await.unwrap();
    }
    // Nobody is asked before there is something to keep.
    Store::open(&world.address, "s3://bucket/prefix").await.unwrap();
    for wrong in ["ftp://host/x", "s3://", "://"] {
        let error = Store::open(&world.address, wrong).await.unwrap_err().to_string();
        assert!(error.contains("object store"), "{error}");
    }
    assert!(
        Store::open("mysql://x", world.folder.join("objects")).await.unwrap_err().to_string().contains("sqlite:FILE")
    );
}

async fn check_lines_and_bytes(store: &Store, id: &ReportId) {
    let text = noise(20_000);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (from, to) in [(1, 1), (1, 20_000), (5, 4), (3_999, 4_200), (19_999, 30_000), (20_001, 20_005)] {
        let found = store.log_lines(id, from, to).await.unwrap().unwrap();
        let end = lines.len().min(to as usize);
        let wanted = lines.get(from as usize - 1..end).unwrap_or_default().concat();
        assert!(found.text == wanted.as_bytes(), "lines {from} to {to}");
        assert_eq!((found.first, found.of), (from, 20_000));
    }
    let size = text.len() as u64;
    assert_eq!(store.log_size(id).await.unwrap(), Some(size));
    for range in [0..1, 0..size, 130_000..140_000, size - 1..size + 10, size..size + 1, 7..7] {
        let found = store.log_bytes(id, range.clone()).await.unwrap().unwrap();
        let wanted = &text.as_bytes()[range.start.min(size) as usize..range.end.min(size) as usize];
        assert!(found == wanted, "bytes {range:?}");
    }
}

pub(crate) async fn odd_texts_fit_into_the_tables(world: World) {
    let store = world.open().await;
    let mut new = Sample {
        causes: vec![("bazel/x", format!("{}\0ü", noise(2_000))), ("bazel/x", "\0".to_owned())],
        text: "\0 nul\n".to_owned(),
        ..Sample::new("")
    }
    .new_report();
    new.submission.project = format!("a\0b{}", noise(2_000));
    new.submission.job = "ü".repeat(40_000);
    new.submission.metadata = (0..500).map(|i| (format!("{i}\0"), noise(500))).collect();
    new.request_key = Some("k\0".repeat(10_000));
    let report = new.report.clone();
    let saved = store.save(new).await.unwrap();
    let stored = store.stored(&saved.id).await.unwrap().unwrap();
    assert_eq!(stored.report, report);
    assert!(stored.submission.project.starts_with("a b1 ") && stored.submission.project.len() <= 500);
    let filter =
        whyred::store::Filter { project: stored.submission.project, q: "nul\0".to_owned(), ..Default::default() };
    assert_eq!(store.list(&filter, None).await.unwrap().reports.len(), 1);
    let filter =
        whyred::store::Filter { job: "\0\"'".to_owned(), q: "\" * OR ( NEAR '".to_owned(), ..Default::default() };
    assert_eq!(store.list(&filter, None).await.unwrap().reports.len(), 0);
}
