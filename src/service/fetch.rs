//! Fetch: a log is fetched from a host that the operator named. Addresses are resolved here and looked at before anything connects to
//! them, redirects are followed by hand and looked at alike; size and time are bounded as for a log that is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, header};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use url::{Host, Url};

use super::App;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// How long a host may take to be found and to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may be silent while it sends.
const SILENCE: Duration = Duration::from_secs(30);

/// A log that is on its way.
pub struct Fetched {
    /// What to call it.
    pub name: String,
    /// Its bytes.
    pub body: Pin<Box<dyn AsyncRead + Send>>,
}

/// Why a log is not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The operator has not named the host, or it may not be reached.
    #[error("{0}")]
    Refused(String),
    /// The host does not give it.
    #[error("{0}")]
    Failed(String),
}

impl App {
    /// Begins to fetch what stands at an address.
    ///
    /// # Errors
    /// That its host is not to be asked, or what it answers.
    pub async fn fetch(&self, address: &str) -> Result<Fetched, FetchError> {
        let mut url = Url::parse(address)
            .map_err(|_| FetchError::Refused("url is no address; write https://HOST/PATH".to_owned()))?;
        for _ in 0..=REDIRECTS {
            let peer = self.checked(&url).await?;
            let client = client(&url, peer).map_err(|error| FetchError::Failed(words(&error)))?;
            let request = client.get(url.clone()).header(header::ACCEPT, "text/plain, */*;q=0.5");
            let response = tokio::time::timeout(PATIENCE, request.send())
                .await
                .map_err(|_| FetchError::Failed("the host does not answer".to_owned()))?
                .map_err(|error| FetchError::Failed(words(&error)))?;
            let status = response.status();
            if status.is_redirection() {
                let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
                let next = to.and_then(|to| url.join(to).ok());
                url =
                    next.ok_or_else(|| FetchError::Failed(format!("the host answers {status} and says not where")))?;
                continue;
            }
            if !status.is_success() {
                return Err(FetchError::Failed(format!("the host answers {status}")));
            }
            let name = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
            let name = name.unwrap_or("log").chars().filter(|c| !c.is_control()).take(60).collect();
            let body = StreamReader::new(response.bytes_stream().map_err(std::io::Error::other));
            return Ok(Fetched { name, body: Box::pin(body) });
        }
        Err(FetchError::Failed(format!("the host leads on more than {REDIRECTS} times")))
    }

    /// The address to connect to, if this host may be asked.
    async fn checked(&self, url: &Url) -> Result<SocketAddr, FetchError> {
        let refused = |why: &str| Err(FetchError::Refused(why.to_owned()));
        if !matches!(url.scheme(), "http" | "https") {
            return refused("only http and https can be fetched");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("the address may hold no name or password");
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return refused("url is no address; write https://HOST/PATH");
        };
        let plain = host.to_string().to_ascii_lowercase();
        let with_port = format!("{plain}:{port}");
        let usual = url.port().is_none();
        if !self.config.explain_hosts.iter().any(|named| *named == with_port || (usual && *named == plain)) {
            return refused(
                "logs are fetched only from hosts that the operator has named; send the log itself instead",
            );
        }
        let found: Vec<SocketAddr> = match host {
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(ip), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(ip), port)],
            Host::Domain(name) => {
                let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, port))).await;
                found.ok().and_then(Result::ok).map(Iterator::collect).unwrap_or_default()
            }
        };
        let Some(first) = found.first().copied() else {
            return Err(FetchError::Failed("the host has no address".to_owned()));
        };
        // All of them, so that a name with two faces is refused whichever comes first.
        if !self.config.explain_private && found.iter().any(|address| !is_public(address.ip())) {
            return refused("the host has a private address");
        }
        Ok(first)
    }
}

/// A client that connects this host to this address, and follows nothing.
fn client(url: &Url, peer: SocketAddr) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(PATIENCE)
        .read_timeout(SILENCE)
        .user_agent(concat!("whyred/", env!("CARGO_PKG_VERSION")));
    match url.host() {
        Some(Host::Domain(name)) => builder.resolve(name, peer).build(),
        _ => builder.build(),
    }
}

/// Without the address, which may hold secrets.
fn words(error: &reqwest::Error) -> String {
    let what = if error.is_connect() { "the host cannot be reached" } else { "the host does not give the log" };
    what.to_owned()
}

/// Whether an address is one of the public internet.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    match parts {
        // An IPv4 address in another dress: NAT64, 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] => is_public_v4(Ipv4Addr::from((u32::from(a) << 16) | u32::from(b))),
        [0x2002, a, b, ..] => is_public_v4(Ipv4Addr::from((u32::from(a) << 16) | u32::from(b))),
        // Only what is given out at all; without Teredo, ORCHID and documentation.
        [first, second, ..] => {
            first & 0xe000 == 0x2000 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8)) && first != 0x3fff
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn private_addresses_are_known_in_every_dress() {
        let private = "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 255.255.255.255 224.0.0.1 \
            198.18.0.1 192.0.0.1 ::1 :: fe80::1 fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 \
            2002:7f00:1:: 2001::1 2001:db8::1 ::127.0.0.1 fec0::1 64:ff9b:1::1";
        for ip in private.split_whitespace() {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
