//! Statement: SQL that is put together at run time, with its values. `Rows` puts many rows into one table at once.

/// What stands for a `$1`.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

/// SQL and what stands for its `$1`, `$2` and so on. Values never stand in the text.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Most values of one statement; SQLite allows 32,766.
const MOST_VALUES: usize = 16 * 1024;

/// Longer texts are not kept prepared, in bytes.
pub(super) const KEPT: usize = 4000;

/// Rows for one table.
#[derive(Debug)]
pub(super) struct Rows {
    head: &'static str,
    row: &'static str,
    tail: &'static str,
    values: Vec<Value>,
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Value {
        Value::Bytes(bytes)
    }
}

impl Statement {
    pub(super) fn new<const N: usize>(sql: impl Into<String>, values: [Value; N]) -> Statement {
        Statement { sql: sql.into(), values: values.into() }
    }
}

impl Rows {
    /// `head` ends with `values`, `row` has a `?` for each value, `tail` follows the last row.
    pub(super) fn new(head: &'static str, row: &'static str, tail: &'static str) -> Rows {
        Rows { head, row, tail, values: Vec::new() }
    }

    /// Another row: as many values as there are `?`.
    pub(super) fn push<const N: usize>(&mut self, values: [Value; N]) {
        debug_assert_eq!(self.row.matches('?').count(), N, "{}", self.head);
        self.values.extend(values);
    }

    /// As few statements as are needed, of 1, 2, 4, 8… rows, so that the database meets few different texts.
    pub(super) fn statements(self) -> Vec<Statement> {
        let width = self.row.matches('?').count();
        let mut values = self.values.into_iter();
        let mut made = Vec::new();
        while values.len() > 0 {
            let rows = (values.len() / width).min(MOST_VALUES / width).max(1);
            let rows = 1 << rows.ilog2();
            let sql = text(self.head, self.row, self.tail, rows);
            made.push(Statement { sql, values: values.by_ref().take(rows * width).collect() });
        }
        made
    }
}

fn text(head: &str, row: &str, tail: &str, rows: usize) -> String {
    let mut sql = head.to_owned();
    let mut number = 0;
    for i in 0..rows {
        sql.push_str(if i == 0 { " " } else { ", " });
        for (j, part) in row.split('?').enumerate() {
            if j > 0 {
                number += 1;
                sql += &format!("${number}");
            }
            sql.push_str(part);
        }
    }
    sql.push(' ');
    sql + tail
}

/// Binds the values of a statement to a query.
macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                $crate::store::statement::Value::Text(text) => query.bind(text),
                $crate::store::statement::Value::Number(number) => query.bind(number),
                $crate::store::statement::Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}

/// Runs statements one after the other in a transaction.
macro_rules! run {
    ($tx:expr, $statements:expr) => {
        for statement in $statements {
            // Long ones rarely come again: connections do not keep them.
            let keep = statement.sql.len() < $crate::store::statement::KEPT;
            let query = sqlx::query(sqlx::AssertSqlSafe(statement.sql)).persistent(keep);
            $crate::store::statement::bind!(query, statement.values).execute(&mut *$tx).await?;
        }
    };
}

pub(super) use {bind, run};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_by_powers_of_two() {
        let mut rows = Rows::new("insert into t (a, b) values", "(?, f(?))", "on conflict do nothing");
        (0..5).for_each(|i| rows.push([i.into(), "x".into()]));
        let made = rows.statements();
        assert_eq!(made.iter().map(|s| s.values.len()).collect::<Vec<_>>(), [8, 2]);
        assert_eq!(made[1].sql, "insert into t (a, b) values ($1, f($2)) on conflict do nothing");
    }
}
