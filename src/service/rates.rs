//! Rates: how often one address, or one token, may ask. A burst of a minute's worth may come at once.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Config;

/// How much more a token may do than an address.
const WITH_TOKEN: u32 = 10;

/// What a request is, for its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It sends a log, or costs as much.
    Post,
    /// Anything else.
    Read,
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Token(String),
}

/// Counts requests of addresses and tokens.
#[derive(Debug)]
pub struct Rates {
    posts: Option<Pair>,
    reads: Option<Pair>,
}

#[derive(Debug)]
struct Pair {
    addresses: DefaultKeyedRateLimiter<Who>,
    tokens: DefaultKeyedRateLimiter<Who>,
}

impl Rates {
    /// Counters for what the operator allows.
    pub fn new(config: &Config) -> Rates {
        Rates { posts: Pair::of(config.posts_per_minute), reads: Pair::of(config.reads_per_minute) }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// How long to wait, where there were too many.
    pub fn count(&self, kind: Kind, address: IpAddr, token: Option<&str>) -> Result<(), Duration> {
        let pair = match kind {
            Kind::Post => &self.posts,
            Kind::Read => &self.reads,
        };
        let Some(pair) = pair else { return Ok(()) };
        let counted = match token {
            Some(token) => pair.tokens.check_key(&Who::Token(token.to_owned())),
            None => pair.addresses.check_key(&Who::Address(network(address))),
        };
        counted.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }

    /// Forgets who has not asked for a while.
    pub fn forget(&self) {
        for pair in self.posts.iter().chain(&self.reads) {
            for limiter in [&pair.addresses, &pair.tokens] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
    }
}

impl Pair {
    fn of(per_minute: u32) -> Option<Pair> {
        let addresses = NonZeroU32::new(per_minute)?;
        let tokens = addresses.saturating_mul(NonZeroU32::new(WITH_TOKEN)?);
        let limiter = |quota| RateLimiter::keyed(Quota::per_minute(quota));
        Some(Pair { addresses: limiter(addresses), tokens: limiter(tokens) })
    }
}

/// One customer's addresses are one: an IPv6 /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn too_many_are_told_how_long_to_wait() {
        let rates = Rates::new(&Config { posts_per_minute: 2, reads_per_minute: 0, ..Config::default() });
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        let neighbour = "2001:db8::2".parse().unwrap();
        assert!(rates.count(Kind::Post, one, None).is_ok());
        assert!(rates.count(Kind::Post, neighbour, None).is_ok());
        let wait = rates.count(Kind::Post, one, None).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30));
        assert!(rates.count(Kind::Post, other, None).is_ok());
        assert!(rates.count(Kind::Post, one, Some("ci")).is_ok());
        assert!((0..100).all(|_| rates.count(Kind::Read, one, None).is_ok()));
    }
}
