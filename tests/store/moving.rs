//! Stories of history that moves: to another database, and to a newer version.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, PgPool};
use whyred::store::{Feedback, FeedbackKind, Filter, Moved, ReportId, Store, TrendFilter};

use crate::postgres::Database;
use crate::sample::{DAY, NOON, Sample, noise};
use crate::world::World;

async fn fill(store: &Store) {
    for i in 0..7 {
        let sample =
            Sample { text: format!("log {i}\n{}", noise(i * 700)), made_at: NOON - i as i64, ..Sample::new("") };
        let id = sample.save(store).await.id;
        Sample { made_at: NOON + 86_400_000, ..sample.clone() }.save(store).await;
        let feedback = Feedback { kind: FeedbackKind::Wrong, note: format!("{i}"), rule: String::new(), made_at: NOON };
        store.add_feedback(&id, &feedback).await.unwrap();
    }
    let mut new = Sample::new("").new_report();
    new.log = crate::sample::packed(b"\xff\xfe no UTF-8\nat all \x80");
    store.save(new).await.unwrap();
}

async fn exported(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    store.export(&mut out).await.unwrap();
    out
}

pub(crate) async fn an_export_goes_into_the_other_database_and_back(world: World) {
    let store = world.open().await.with_objects_from(30_000);
    fill(&store).await;
    assert!(!world.objects().is_empty());
    let out = exported(&store).await;

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let database = if world.is_postgres() { None } else { Some(Database::new().await) };
    let address = database.as_ref().map_or_else(|| file("other.db"), |database| database.url.clone());
    let other = Store::open(&address, folder.path().join("other")).await.unwrap();
    assert_eq!(other.import(&*out).await.unwrap(), Moved { reports: 8, skipped: 0 });
    let back = Store::open(&file("back.db"), folder.path().join("back")).await.unwrap();
    back.import(&*exported(&other).await).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(zstd::decode_all(bytes).unwrap()).unwrap();
    assert_eq!(text(&exported(&back).await), text(&out));

    let all = TrendFilter { since_day: 0, until_day: DAY * 2, ..TrendFilter::default() };
    let (first, last) =
        (store.list(&Filter::default(), None).await.unwrap(), back.list(&Filter::default(), None).await.unwrap());
    for (one, same) in first.reports.iter().zip(&last.reports) {
        let id = ReportId::parse(&one.id).unwrap();
        assert_eq!((&one.id, one.seen_at), (&same.id, same.seen_at));
        for store in [&other, &back] {
            assert_eq!(store.log_bytes(&id, 0..u64::MAX).await.unwrap(), self::bytes(&world, &id).await);
            assert_eq!(
                store.feedback_of(&id).await.unwrap().len(),
                world.open().await.feedback_of(&id).await.unwrap().len()
            );
        }
    }
    assert_eq!(store.trends(&all).await.unwrap(), back.trends(&all).await.unwrap());
    assert_eq!(store.stats(NOON).await.unwrap(), back.stats(NOON).await.unwrap());
    drop(other);
    if let Some(database) = database {
        database.remove().await;
    }
}

async fn bytes(world: &World, id: &ReportId) -> Option<Vec<u8>> {
    world.open().await.log_bytes(id, 0..u64::MAX).await.unwrap()
}

pub(crate) async fn an_import_twice_changes_nothing(world: World) {
    let store = world.open().await.with_objects_from(1);
    fill(&store).await;
    let (rows, objects, out) = (world.rows().await, world.objects().len(), exported(&store).await);
    assert_eq!(store.import(&*out).await.unwrap(), Moved { reports: 0, skipped: 8 });
    assert_eq!((world.rows().await, world.objects().len()), (rows, objects));
}

pub(crate) async fn what_is_no_export_is_refused(world: World) {
    let store = world.open().await;
    assert!(store.import(&b"what"[..]).await.is_err());
    let packed = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    for text in ["", "{\"schema\":\"whyred.history/9\"}\n", "{\"schema\":\"whyred.history/1\"}\n{\"text\":\"x\"}\n"] {
        let error = store.import(&*packed(text)).await.unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }
    fill(&store).await;
    let text = String::from_utf8(zstd::decode_all(&*exported(&store).await).unwrap()).unwrap();
    let other = tempfile::tempdir().unwrap();
    let other = Store::open(&format!("sqlite:{}", other.path().join("x.db").display()), other.path()).await.unwrap();
    let error = other.import(&*packed(&text.replace("log 3\\n", "log X\\n"))).await.unwrap_err().to_string();
    assert!(error.contains("not the one that was exported"), "{error}");
}

pub(crate) async fn the_previous_version_is_brought_forward(world: World) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(if world.is_postgres() {
        "migrations/postgres"
    } else {
        "migrations/sqlite"
    });
    let before = world.folder.join("migrations");
    std::fs::create_dir(&before).unwrap();
    std::fs::copy(folder.join("0001_history.sql"), before.join("0001_history.sql")).unwrap();
    let migrator = Migrator::new(before).await.unwrap();
    let sample = Sample::new("log\n");
    let report = zstd::encode_all(&*serde_json::to_vec(&sample.report()).unwrap(), 3).unwrap();
    let sql = format!(
        "insert into report (id, made_at, seen_at, project, job, log_hash, name, build_url, revision, branch, metadata, verdict, outcome,
         tool, rule, subject, title, fingerprint, hidden, bytes, lines, stored, report)
         values ('abcdefghijklmn', {NOON}, {NOON}, 'envoy', 'linux', 'x', '', '', '', '', '{{}}', 'fix-build', 'failed', 'bazel', 'r', 's', 't',
         'f', 0, 4, 1, 100, $1);"
    );
    let more = format!(
        "insert into occurrence (report, seen_at, build_url, revision, branch) values (1, {NOON}, '', '', '');
         insert into log (report, pieces, place) values (1, '{{\"pieces\":[],\"newlines\":0,\"ends_open\":false,\"text\":0,\"packed\":0}}', '');"
    );
    if world.is_postgres() {
        let pool = PgPool::connect(&world.address).await.unwrap();
        migrator.run(&pool).await.unwrap();
        sqlx::query(AssertSqlSafe(sql)).bind(report).execute(&pool).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(more)).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let pool = SqlitePool::connect(&format!("{}?mode=rwc", world.address)).await.unwrap();
        migrator.run(&pool).await.unwrap();
        sqlx::query(AssertSqlSafe(sql)).bind(report).execute(&pool).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(more)).execute(&pool).await.unwrap();
        pool.close().await;
    }
    let store = world.open().await;
    let stats = store.stats(NOON).await.unwrap();
    assert_eq!((stats.reports, stats.occurrences, stats.fix, stats.bytes), (1, 1, 1, 100));
    let trends =
        store.trends(&TrendFilter { since_day: 0, until_day: DAY * 2, ..TrendFilter::default() }).await.unwrap();
    assert_eq!(
        (trends.repositories[0].key.as_str(), trends.hosts[0].key.as_str()),
        ("com_google_googleapis", "github.com")
    );
    assert_eq!(world.rows().await.get("chore"), None);
    let id = ReportId::parse("abcdefghijklmn").unwrap();
    assert_eq!(store.stored(&id).await.unwrap().unwrap().report, sample.report());
}
