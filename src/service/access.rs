//! Access: who may do what. On loopback everybody may do everything; elsewhere a token is asked for, or the operator has said `--public`.

use std::net::SocketAddr;

use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::App;
use crate::store::StoreError;

/// How a token begins, so that it is known where it leaks.
const PREFIX: &str = "wrd_";
/// Letters and digits that follow: 255 bits.
const LENGTH: usize = 43;

/// One thing that may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Send logs.
    Ingest,
    /// Read reports, logs and counts; say whether a report helped.
    Read,
    /// Delete and diagnose anew, and all of the above.
    Admin,
}

/// How the door stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everybody may do everything: who can reach a loopback address is the machine's own user.
    #[default]
    Open,
    /// Everybody may send and read; the rest needs a token.
    Public,
    /// Everything needs a token.
    Guarded,
}

/// Who may do what.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// How the door stands.
    pub mode: Mode,
    /// SHA-256 of the operator's own token, which has every scope.
    master: Option<[u8; 32]>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token; none without one.
    pub token: Option<String>,
    scopes: Vec<Scope>,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} can be reached by others, and no token is set; set WHYRED_TOKEN, add one with `whyred token add`, or say --public"
)]
pub struct NoToken(pub SocketAddr);

impl Scope {
    /// All scopes, weakest first.
    pub const ALL: [Scope; 3] = [Scope::Ingest, Scope::Read, Scope::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Admin => "admin",
        }
    }

    /// The scope of a word.
    pub fn parse(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == word.trim())
    }
}

impl Caller {
    /// Whether this caller may do what needs `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&Scope::Admin) || self.scopes.contains(&scope)
    }
}

impl Access {
    /// How the door of a service stands that listens on `address`. `stored`: whether the history holds tokens.
    ///
    /// # Errors
    /// That others could come in and nothing keeps them out.
    pub fn of(address: SocketAddr, token: Option<&str>, stored: bool, public: bool) -> Result<Access, NoToken> {
        let mode = match (public, token.is_some() || stored, address.ip().to_canonical().is_loopback()) {
            (true, _, _) => Mode::Public,
            (false, true, _) => Mode::Guarded,
            (false, false, true) => Mode::Open,
            (false, false, false) => return Err(NoToken(address)),
        };
        Ok(Access { mode, master: token.map(digest) })
    }
}

impl App {
    /// Who shows this token, or nothing; none where the token is not known.
    ///
    /// # Errors
    /// What the store says.
    pub async fn caller(&self, token: Option<&str>) -> Result<Option<Caller>, StoreError> {
        let Some(token) = token else {
            let scopes = match self.access.mode {
                Mode::Open => Scope::ALL.to_vec(),
                Mode::Public => vec![Scope::Ingest, Scope::Read],
                Mode::Guarded => Vec::new(),
            };
            return Ok(Some(Caller { token: None, scopes }));
        };
        let digest = digest(token);
        if self.access.master.is_some_and(|master| bool::from(master.ct_eq(&digest))) {
            return Ok(Some(Caller { token: Some("WHYRED_TOKEN".to_owned()), scopes: vec![Scope::Admin] }));
        }
        let Some(stored) = self.store.token(&hex(&digest)).await? else { return Ok(None) };
        let scopes = stored.scopes.iter().filter_map(|word| Scope::parse(word)).collect();
        Ok(Some(Caller { token: Some(stored.name), scopes }))
    }
}

/// A new token.
pub fn new_token() -> String {
    PREFIX.to_owned() + &Alphanumeric.sample_string(&mut rand::rng(), LENGTH)
}

/// What is stored of a token: it cannot be turned back.
pub fn token_hash(token: &str) -> String {
    hex(&digest(token))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nobody_else_comes_in_unless_the_operator_says_so() {
        let (home, world) = ("127.0.0.1:80".parse().unwrap(), "0.0.0.0:80".parse().unwrap());
        let mode = |address, token, stored, public| Access::of(address, token, stored, public).map(|a| a.mode).ok();
        assert_eq!(mode(home, None, false, false), Some(Mode::Open));
        assert_eq!(mode(world, None, false, false), None);
        assert_eq!(mode(world, None, false, true), Some(Mode::Public));
        assert_eq!(mode(world, Some("secret"), false, false), Some(Mode::Guarded));
        assert_eq!(mode(world, None, true, false), Some(Mode::Guarded));
        assert_eq!(mode(home, Some("secret"), false, false), Some(Mode::Guarded));
    }

    #[test]
    fn tokens_are_long_and_their_hashes_are_not_they() {
        let token = new_token();
        assert!(token.starts_with(PREFIX) && token.len() == PREFIX.len() + LENGTH);
        assert_eq!(token_hash(&token).len(), 64);
        assert!(!token_hash(&token).contains(&token));
    }
}
