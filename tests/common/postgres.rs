//! A throw-away PostgreSQL for tests: one server for the test program, one database for each test.
//! The server runs as long as a pipe from here is open, so that it ends with the program, however that ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Starts a server in a new folder, says its folder, waits until its input ends, stops the server.
/// PostgreSQL refuses to run as root.
const SERVER: &str = r#"
set -eu
trap '' INT TERM HUP
bin=$(tests/setup/postgres)
dir=$(mktemp -d /tmp/whyred-postgres.XXXXXX)
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || useradd --system postgres
    chown postgres "$dir"
    as() { setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups "$@"; }
fi
cd "$dir"
if as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 &&
    as "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w -t 60 \
        -o "-k '$dir' -c listen_addresses='' -c max_connections=300 -c fsync=off -c log_min_messages=error" start >>"$dir/log" 2>&1 </dev/null
then
    echo "$dir"
    cat >/dev/null
    as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
else
    cat "$dir/log" "$dir/data/log" >&2 2>/dev/null || true
fi
rm -rf "$dir"
"#;

struct Server {
    url: String,
    /// Open as long as this program runs.
    _pipe: Option<Mutex<(Child, ChildStdin)>>,
}

/// A database of its own.
pub(crate) struct Database {
    /// Its address.
    pub(crate) url: String,
    name: String,
}

impl Database {
    /// A new, empty one on the server of this test program, or on the one that `DATABASE_URL` names.
    pub(crate) async fn new() -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("whyred_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        execute(&format!("create database {name}")).await;
        let mut url = url::Url::parse(&server().url).expect("an address of a PostgreSQL server");
        url.set_path(&name);
        Database { url: url.into(), name }
    }

    /// Removes it, whoever is still connected.
    pub(crate) async fn remove(self) {
        execute(&format!("drop database if exists {} with (force)", self.name)).await;
    }
}

async fn execute(sql: &str) {
    let options = PgConnectOptions::from_str(&server().url).expect("an address of a PostgreSQL server");
    let mut connection: PgConnection = options.connect().await.expect("the PostgreSQL server answers");
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
    connection.close().await.expect("the connection is closed");
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

fn start() -> Server {
    if let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| url.starts_with("postgres")) {
        return Server { url, _pipe: None };
    }
    let mut command = Command::new("sh");
    command.args(["-c", SERVER]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("there is a shell");
    let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut folder = String::new();
    BufReader::new(stdout).read_line(&mut folder).expect("the server's shell speaks");
    let folder = folder.trim();
    assert!(!folder.is_empty(), "no PostgreSQL could be started; its words are above");
    Server {
        url: format!("postgres://postgres@localhost/postgres?host={folder}"),
        _pipe: Some(Mutex::new((child, stdin))),
    }
}
