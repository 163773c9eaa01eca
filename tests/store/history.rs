//! Stories of what is found again, counted and deleted.

use std::collections::BTreeSet;

use whyred::store::{Bounds, Feedback, FeedbackKind, Filter, Hits, NewToken, Store, TrendFilter};

use crate::sample::{DAY, NOON, Sample};
use crate::world::World;

async fn found(store: &Store, filter: Filter) -> BTreeSet<i64> {
    let page = store.list(&filter, None).await.unwrap();
    assert_eq!(page.next, None);
    page.reports.iter().map(|report| report.made_at - NOON).collect()
}

pub(crate) async fn every_filter_finds_its_reports(world: World) {
    let store = world.open().await;
    let sample = Sample::new("log 0\n");
    sample.save(&store).await;
    Sample { project: "bar", made_at: NOON + 1, ..sample.clone() }.save(&store).await;
    Sample { job: "mac", made_at: NOON + 2, ..sample.clone() }.save(&store).await;
    Sample { text: "log 3\n".into(), causes: vec![("nix/y", "zlib".to_owned())], made_at: NOON + 3, ..sample.clone() }
        .save(&store)
        .await;
    Sample {
        text: "log 4\n".into(),
        verdict: "unknown",
        tool: "nix",
        causes: vec![],
        made_at: NOON + 4,
        ..sample.clone()
    }
    .save(&store)
    .await;
    let text = str::to_owned;
    let fingerprint = sample.report().diagnoses[0].fingerprint();
    for (filter, wanted) in [
        (Filter::default(), vec![0, 1, 2, 3, 4]),
        (Filter { project: text("bar"), ..Filter::default() }, vec![1]),
        (Filter { job: text("mac"), ..Filter::default() }, vec![2]),
        (Filter { rule: text("nix/y"), ..Filter::default() }, vec![3]),
        (Filter { subject: text("zlib"), ..Filter::default() }, vec![3]),
        (Filter { verdict: text("unknown"), ..Filter::default() }, vec![4]),
        (Filter { tool: text("nix"), ..Filter::default() }, vec![4]),
        (Filter { fingerprint, ..Filter::default() }, vec![0, 1, 2]),
        (Filter { since: Some(NOON + 3), ..Filter::default() }, vec![3, 4]),
        (Filter { until: Some(NOON + 2), ..Filter::default() }, vec![0, 1]),
        (Filter { q: text("zlib"), ..Filter::default() }, vec![3]),
        (
            Filter { project: text("envoy"), verdict: text("fix-build"), q: text("log"), ..Filter::default() },
            vec![0, 2, 3],
        ),
        (Filter { project: text("nobody"), ..Filter::default() }, vec![]),
    ] {
        assert_eq!(found(&store, filter.clone()).await, wanted.into_iter().collect(), "{filter:?}");
    }
}

pub(crate) async fn a_walk_by_cursor_meets_everything_once(world: World) {
    let store = world.open().await;
    let mut ids = BTreeSet::new();
    for i in 0..173 {
        // Many of the same moment, and not in the order of time.
        let sample = Sample { text: format!("needle {i}\n"), made_at: NOON + (i * 7 % 13), ..Sample::new("") };
        ids.insert(sample.save(&store).await.id.to_string());
    }
    let needles = Filter { q: "needle".to_owned(), ..Filter::default() };
    for (filter, few) in [(Filter::default(), 0), (needles.clone(), 1000), (needles, 10)] {
        let store = store.clone().with_search_bounds(Bounds { few, first: 3, most: 100 });
        let (mut met, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.list(&filter, after).await.unwrap();
            met.extend(page.reports.into_iter().map(|report| (report.made_at, report.id)));
            pages += 1;
            let Some(next) = page.next else { break };
            after = whyred::store::Cursor::parse(&next.to_text());
            assert_eq!(after, Some(next));
        }
        assert_eq!((met.len(), pages), (173, 4), "{filter:?}");
        assert!(met.is_sorted_by(|a, b| a.0 >= b.0));
        assert_eq!(met.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(), ids);
    }
}

pub(crate) async fn a_search_among_many_reports_looks_at_windows(world: World) {
    let store = world.open().await.with_search_bounds(Bounds { few: 10, first: 5, most: 20 });
    for i in 0..100 {
        let word = if i % 7 == 0 { "needle" } else { "hay" };
        let project = if i < 50 { "old" } else { "new" };
        let made_at = NOON + i / 2;
        Sample { project, text: format!("{word} {i}\n"), made_at, ..Sample::new("") }.save(&store).await;
    }
    for (project, wanted) in [("", 15), ("old", 8), ("new", 7), ("none", 0)] {
        let filter = Filter { q: "needle".to_owned(), project: project.to_owned(), ..Filter::default() };
        let (mut met, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(&filter, after).await.unwrap();
            met.extend(page.reports.into_iter().map(|report| (report.made_at, report.id)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(met.len(), wanted, "{project}");
        assert!(met.is_sorted_by(|a, b| a.0 >= b.0));
    }
}

pub(crate) async fn words_are_found(world: World) {
    let store = world.open().await;
    let texts = ["ERROR: Unknown host: GitHub.com while fetching\n", "ERROR: no such package 'foo/bar_baz': übel\n"];
    for (i, text) in texts.into_iter().enumerate() {
        let causes = vec![("bazel/x", "com_google_googleapis".to_owned())];
        Sample { causes, made_at: NOON + 1 + i as i64, ..Sample::new(text) }.save(&store).await;
    }
    for (q, wanted) in [
        ("unknown host", vec![1]),
        ("HOST unknown", vec![1]),
        ("github.com", vec![1]),
        ("foo/bar_baz", vec![2]),
        ("ÜBEL", vec![2]),
        ("bar", vec![]),
        ("':*&|!", vec![1, 2]),
        ("bar_baz", vec![2]),
        ("com_google_googleapis", vec![1, 2]),
        ("error", vec![1, 2]),
        ("unknown package", vec![]),
        ("   ", vec![1, 2]),
    ] {
        let filter = Filter { q: q.to_owned(), ..Filter::default() };
        assert_eq!(found(&store, filter).await, wanted.into_iter().collect(), "{q}");
    }
}

pub(crate) async fn a_cause_was_seen_before(world: World) {
    let store = world.open().await;
    for i in 0..14 {
        Sample { text: format!("log {i}\n"), made_at: NOON + i, ..Sample::new("") }.save(&store).await;
    }
    let other = Sample {
        causes: vec![("nix/y", "zlib".to_owned()), ("bazel/fetch/unknown-host", "com_google_googleapis".to_owned())],
        made_at: NOON + 99,
        ..Sample::new("x\n")
    };
    other.save(&store).await;
    let fingerprint = Sample::new("").report().diagnoses[0].fingerprint();
    let seen = store.seen(&fingerprint, 3).await.unwrap();
    assert_eq!((seen.count, seen.first_at, seen.last_at), (15, NOON, NOON + 99));
    assert_eq!(seen.recent.iter().map(|one| one.made_at - NOON).collect::<Vec<_>>(), [99, 13, 12]);
    assert_eq!(store.seen("0000000000000000", 3).await.unwrap().count, 0);
    let hits = store.rule_hits().await.unwrap();
    assert_eq!(hits["bazel/fetch/unknown-host"], Hits { count: 15, last_at: NOON + 99 });
    assert_eq!(hits["nix/y"], Hits { count: 1, last_at: NOON + 99 });
    let days = store.cause_days(std::slice::from_ref(&fingerprint), DAY - 1, DAY + 1).await.unwrap();
    assert_eq!(days[&fingerprint], [(DAY, 15)]);
}

pub(crate) async fn the_report_before_of_the_same_job(world: World) {
    let store = world.open().await;
    let sample = Sample::new("log 0\n");
    let first = sample.save(&store).await.id;
    Sample { job: "mac", made_at: NOON + 1, ..sample.clone() }.save(&store).await;
    let second = Sample { text: "log 2\n".to_owned(), made_at: NOON + 2, ..sample.clone() }.save(&store).await.id;
    let before = |id| {
        let store = store.clone();
        async move { store.previous_of_job(&store.stored(&id).await.unwrap().unwrap()).await.unwrap() }
    };
    assert_eq!(before(second).await, Some(first.clone()));
    assert_eq!(before(first).await, None);
    for i in 0..2 {
        let text = format!("nobody says of which job {i}\n");
        let id = Sample { job: "", text, ..sample.clone() }.save(&store).await.id;
        assert_eq!(before(id).await, None);
    }
}

pub(crate) async fn trends_are_counted_by_day_and_project(world: World) {
    let store = world.open().await;
    let day = 86_400_000;
    let sample = Sample { derivations: vec!["envoy-1.0"], ..Sample::new("log 0\n") };
    sample.save(&store).await;
    Sample { made_at: NOON + day, ..sample.clone() }.save(&store).await;
    Sample { text: "log 1\n".into(), verdict: "retry", made_at: NOON + day, ..sample.clone() }.save(&store).await;
    Sample {
        text: "log 2\n".into(),
        verdict: "unknown",
        causes: vec![],
        repositories: vec![],
        derivations: vec![],
        ..sample.clone()
    }
    .save(&store)
    .await;
    Sample {
        text: "log 3\n".into(),
        verdict: "green",
        causes: vec![],
        repositories: vec![],
        derivations: vec![],
        project: "bar",
        ..sample.clone()
    }
    .save(&store)
    .await;
    let all = TrendFilter { since_day: DAY, until_day: DAY + 2, ..TrendFilter::default() };
    let trends = store.trends(&all).await.unwrap();
    let days: Vec<_> = trends
        .days
        .iter()
        .map(|d| [d.day - DAY, d.reports, d.occurrences, d.unknown, d.green, d.retry, d.fix])
        .collect();
    assert_eq!(days, [[0, 3, 3, 1, 1, 0, 1], [1, 1, 2, 0, 0, 1, 0]]);
    let cause = &trends.causes[0];
    assert_eq!((cause.count, &*cause.days), (2, &[(DAY, 1), (DAY + 1, 1)][..]));
    assert_eq!(
        (&*cause.rule, &*cause.subject, &*cause.title),
        ("bazel/fetch/unknown-host", "com_google_googleapis", "com_google_googleapis cannot be had")
    );
    for (top, key) in [
        (&trends.rules, "bazel/fetch/unknown-host"),
        (&trends.repositories, "com_google_googleapis"),
        (&trends.derivations, "envoy-1.0"),
        (&trends.hosts, "github.com"),
    ] {
        assert_eq!((top.len(), &*top[0].key, top[0].count), (1, key, 2));
    }
    let bar = store.trends(&TrendFilter { project: "bar".to_owned(), ..all.clone() }).await.unwrap();
    assert_eq!((bar.days.len(), bar.days[0].green, bar.causes.len()), (1, 1, 0));
    let none = store.trends(&TrendFilter { since_day: DAY + 2, until_day: DAY + 9, ..all }).await.unwrap();
    assert_eq!(none, Default::default());
    assert_eq!(store.projects().await.unwrap(), ["bar", "envoy"]);
}

pub(crate) async fn feedback_is_kept(world: World) {
    let store = world.open().await;
    let id = Sample::new("log\n").save(&store).await.id;
    let said = [
        Feedback { kind: FeedbackKind::Helpful, note: String::new(), rule: String::new(), made_at: NOON },
        Feedback {
            kind: FeedbackKind::Wrong,
            note: "it was the disk".to_owned(),
            rule: "shared/disk/full".to_owned(),
            made_at: NOON - 7,
        },
    ];
    for feedback in &said {
        assert!(store.add_feedback(&id, feedback).await.unwrap());
    }
    assert_eq!(store.feedback_of(&id).await.unwrap(), said);
    let nobody = whyred::store::ReportId::random();
    assert!(!store.add_feedback(&nobody, &said[0]).await.unwrap());
    assert_eq!(store.feedback_of(&nobody).await.unwrap(), []);
}

pub(crate) async fn tokens_come_and_go(world: World) {
    let store = world.open().await;
    let new = NewToken {
        name: "ci".to_owned(),
        scopes: vec!["ingest".to_owned(), "read".to_owned()],
        hash: "ab".repeat(32),
        made_at: NOON,
    };
    assert!(store.add_token(&new).await.unwrap());
    assert!(!store.add_token(&NewToken { hash: "cd".repeat(32), ..new.clone() }).await.unwrap());
    assert!(store.add_token(&NewToken { name: "bot".to_owned(), hash: "ef".repeat(32), ..new.clone() }).await.unwrap());
    let token = store.token(&new.hash).await.unwrap().unwrap();
    assert_eq!((token.name, token.scopes, token.made_at), (new.name, new.scopes, NOON));
    assert_eq!(store.token("00").await.unwrap(), None);
    assert_eq!(
        store.tokens().await.unwrap().iter().map(|token| token.name.as_str()).collect::<Vec<_>>(),
        ["bot", "ci"]
    );
    assert!(store.remove_token("ci").await.unwrap());
    assert!(!store.remove_token("ci").await.unwrap());
    assert_eq!(store.token(&new.hash).await.unwrap(), None);
}

pub(crate) async fn what_is_deleted_leaves_no_row(world: World) {
    let store = world.open().await;
    let sample = Sample { request_key: Some("1".to_owned()), derivations: vec!["a"], ..Sample::new("log\n") };
    let kept = Sample { job: "mac", request_key: None, ..sample.clone() };
    kept.save(&store).await;
    let before = world.rows().await;
    let trends = |store: Store| async move {
        store.trends(&TrendFilter { since_day: 0, until_day: DAY * 2, ..TrendFilter::default() }).await.unwrap()
    };
    let counted = trends(store.clone()).await;
    let id = sample.save(&store).await.id;
    Sample { made_at: NOON + 3 * 86_400_000, request_key: None, ..sample.clone() }.save(&store).await;
    let feedback = Feedback { kind: FeedbackKind::Wrong, note: String::new(), rule: String::new(), made_at: NOON };
    store.add_feedback(&id, &feedback).await.unwrap();
    assert_ne!(world.rows().await, before);
    assert!(store.delete(&id).await.unwrap());
    assert!(!store.delete(&id).await.unwrap());
    assert_eq!(world.rows().await, before);
    assert_eq!(trends(store.clone()).await, counted);
    assert_eq!(store.list(&Filter { q: "log".to_owned(), ..Filter::default() }, None).await.unwrap().reports.len(), 1);
    for report in store.list(&Filter::default(), None).await.unwrap().reports {
        store.delete(&whyred::store::ReportId::parse(&report.id).unwrap()).await.unwrap();
    }
    assert_eq!(world.rows().await, Default::default());
}

pub(crate) async fn a_report_is_replaced_and_counts_follow(world: World) {
    let store = world.open().await;
    let sample =
        Sample { verdict: "unknown", causes: vec![], repositories: vec![], ..Sample::new("a new kind of failure\n") };
    let id = sample.save(&store).await.id;
    let known = Sample { verdict: "retry", causes: vec![("nix/y", "zlib".to_owned())], ..sample.clone() };
    assert!(store.replace_report(&id, &known.report()).await.unwrap());
    let stored = store.stored(&id).await.unwrap().unwrap();
    assert_eq!((stored.report, stored.made_at), (known.report(), NOON));
    let listed = store
        .list(&Filter { rule: "nix/y".to_owned(), q: "zlib".to_owned(), ..Filter::default() }, None)
        .await
        .unwrap();
    assert_eq!(listed.reports.len(), 1);
    let stats = store.stats(NOON).await.unwrap();
    assert_eq!((stats.reports, stats.occurrences, stats.unknown, stats.retry, stats.causes), (1, 1, 0, 1, 1));
    assert_eq!(store.rule_hits().await.unwrap()["nix/y"].count, 1);
    assert!(store.replace_report(&id, &sample.report()).await.unwrap());
    let stats = store.stats(NOON).await.unwrap();
    assert_eq!((stats.unknown, stats.retry, stats.causes), (1, 0, 0));
    assert!(store.rule_hits().await.unwrap().is_empty());
    assert!(!store.replace_report(&whyred::store::ReportId::random(), &sample.report()).await.unwrap());
    store.delete(&id).await.unwrap();
    assert_eq!(world.rows().await, Default::default());
}

pub(crate) async fn counts_are_what_a_recount_finds(world: World) {
    let store = world.open().await;
    for i in 0..40 {
        let sample = Sample {
            project: ["envoy", "bar", ""][i % 3],
            verdict: ["fix-code", "unknown", "retry", "green"][i % 4],
            causes: (0..i % 3).map(|j| ("bazel/x", format!("{}", (i + j) % 5))).collect(),
            made_at: NOON + (i as i64 % 6) * 86_400_000,
            text: format!("log {}\n", i % 30),
            ..Sample::new("")
        };
        let id = sample.save(&store).await.id;
        match i % 10 {
            3 => assert!(store.delete(&id).await.unwrap()),
            5 => assert!(store.replace_report(&id, &Sample::new("").report()).await.unwrap()),
            _ => (),
        }
    }
    let all = TrendFilter { since_day: 0, until_day: DAY * 2, ..TrendFilter::default() };
    let before = (
        store.trends(&all).await.unwrap(),
        store.stats(NOON).await.unwrap(),
        store.rule_hits().await.unwrap(),
        world.rows().await,
    );
    store.recount().await.unwrap();
    let after = (
        store.trends(&all).await.unwrap(),
        store.stats(NOON).await.unwrap(),
        store.rule_hits().await.unwrap(),
        world.rows().await,
    );
    assert_eq!(before, after);
}

pub(crate) async fn no_query_of_the_pages_reads_all_reports(world: World) {
    // PostgreSQL would read small tables as a whole, whatever indexes there are.
    let address = match world.is_postgres() {
        true => format!("{}&options[enable_seqscan]=off", world.address),
        false => world.address.clone(),
    };
    let store = Store::open(&address, world.folder.join("objects")).await.unwrap();
    let samples = (0..5).map(|i| {
        let causes = vec![("bazel/x", format!("subject {i}"))];
        let sample = Sample { causes, derivations: vec!["a"], ..Sample::new(format!("error {i}\n")) };
        (sample.report(), sample.text.into_bytes())
    });
    let mut told = 0;
    store.seed(samples.collect(), 300, NOON, |done| told = done).await.unwrap();
    assert_eq!((told, store.stats(NOON).await.unwrap().reports), (300, 300));
    for few in [0, 1000] {
        let store = store.clone().with_search_bounds(Bounds { few, first: 10, most: 100 });
        let plans = store.plans(NOON).await.unwrap();
        assert!(plans.len() > 50);
        for plan in plans {
            assert!(plan.scans.is_empty(), "{}: {:#?}", plan.name, plan.steps);
        }
    }
    store.recount().await.unwrap();
    assert_eq!(store.stats(NOON).await.unwrap().reports, 300);
}
