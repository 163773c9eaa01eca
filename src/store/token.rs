//! Token: who may use the service, and for what. Only hashes are kept.

use sqlx::FromRow;

use super::pool::{read, write};
use super::{Store, StoreError};

/// A token that is not yet kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What it is called; no two have the same name.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// SHA-256 of it, in hexadecimal.
    pub hash: String,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
}

/// A token, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
}

#[derive(FromRow)]
struct Row {
    name: String,
    scopes: String,
    made_at: i64,
}

impl From<Row> for Token {
    fn from(Row { name, scopes, made_at }: Row) -> Token {
        Token { name, scopes: scopes.split_whitespace().map(str::to_owned).collect(), made_at }
    }
}

impl Store {
    /// Keeps a token; false where its name is taken.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_token(&self, new: &NewToken) -> Result<bool, StoreError> {
        const SQL: &str =
            "insert into token (name, scopes, hash, made_at) values ($1, $2, $3, $4) on conflict do nothing";
        let added = write!(self.pool, |tx| {
            let query = sqlx::query(SQL).bind(&new.name).bind(new.scopes.join(" ")).bind(&new.hash).bind(new.made_at);
            query.execute(&mut *tx).await?.rows_affected()
        });
        Ok(added == 1)
    }

    /// The token with this hash.
    ///
    /// # Errors
    /// What the database says.
    pub async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        const SQL: &str = "select name, scopes, made_at from token where hash = $1";
        let row: Option<Row> = read!(self.pool, |db| sqlx::query_as(SQL).bind(hash).fetch_optional(db))?;
        Ok(row.map(Token::from))
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        const SQL: &str = "select name, scopes, made_at from token order by name";
        let rows: Vec<Row> = read!(self.pool, |db| sqlx::query_as(SQL).fetch_all(db))?;
        Ok(rows.into_iter().map(Token::from).collect())
    }

    /// Forgets a token; false where none has this name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn remove_token(&self, name: &str) -> Result<bool, StoreError> {
        let removed = write!(self.pool, |tx| {
            sqlx::query("delete from token where name = $1").bind(name).execute(&mut *tx).await?.rows_affected()
        });
        Ok(removed == 1)
    }
}
