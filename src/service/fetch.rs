//! Fetch: a log is fetched from a host that the operator named. Addresses are resolved here and looked at before anything connects to
//! them, redirects are followed by hand and looked at alike; size and time are bounded as for a log that is sent.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use futures_util::TryStreamExt;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use url::{Host, Url};

use super::{App, now};

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// How long a host may take to be found and to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may be silent while it sends.
const SILENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer that is no log.
const MOST_ANSWER: usize = 32 << 20;
/// Connections that are kept.
const MOST_CLIENTS: usize = 16;
/// What is asked for where a log is.
const TEXT: &str = "text/plain, */*;q=0.5";

/// Fetches from hosts that were named, and from no others. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Fetcher {
    /// `host`, or `host:port` where the port is not the usual one.
    hosts: Vec<String>,
    /// Whether these may have private addresses.
    private: bool,
    /// Whether they may lead on to any host with a public address.
    beyond: bool,
    clients: Arc<Mutex<HashMap<(String, SocketAddr), Client>>>,
}

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
    /// There is no such log.
    #[error("{0}")]
    Absent(String),
    /// The host does not give it.
    #[error("{0}")]
    Failed(String),
    /// The host may give it later; not before so long, where it says so.
    #[error("{0}")]
    Busy(String, Option<Duration>),
}

impl App {
    /// Begins to fetch the log at an address, or behind the page of a build there.
    ///
    /// # Errors
    /// That its host is not to be asked, or what it answers.
    pub async fn fetch(&self, address: &str) -> Result<Fetched, FetchError> {
        let url = Url::parse(address)
            .map_err(|_| FetchError::Refused("url is no address; write https://HOST/PATH".to_owned()))?;
        self.fetcher.find(url).await
    }
}

impl Fetcher {
    /// One that asks only these hosts (`hydra.example`, `ci.example:8443`), which may have private addresses or not.
    pub fn named(hosts: Vec<String>, private: bool) -> Fetcher {
        Fetcher { hosts, private, ..Fetcher::default() }
    }

    /// One for a peer that the operator chose, and these hosts besides: they may be private. They may lead on to public hosts, where
    /// logs may be kept; nothing secret is sent to any of them.
    pub fn of_peer(peer: &Url, also: &[String]) -> Fetcher {
        let host = peer.host_str().unwrap_or_default().to_ascii_lowercase();
        let peer = peer.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let also = also.iter().map(|host| host.to_ascii_lowercase());
        Fetcher { hosts: also.chain([peer]).collect(), private: true, beyond: true, ..Fetcher::default() }
    }

    /// Begins to fetch the log at exactly this address.
    ///
    /// # Errors
    /// That its host is not to be asked, what it answers, or that a page stands there.
    pub async fn log(&self, url: Url) -> Result<Fetched, FetchError> {
        self.log_as(url, HeaderMap::new()).await
    }

    /// The same; `shown` is told to the host of this address alone: wherever that leads to, it is not told again.
    ///
    /// # Errors
    /// That its host is not to be asked, what it answers, or that a page stands there.
    pub async fn log_as(&self, url: Url, shown: HeaderMap) -> Result<Fetched, FetchError> {
        let (url, response) = self.get(url, TEXT, shown).await?;
        if is_page(&response) {
            let why = "a web page stands there, no log; give the address of the raw log";
            return Err(FetchError::Failed(why.to_owned()));
        }
        let name = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
        let name = name.unwrap_or("log").chars().filter(|c| !c.is_control()).take(60).collect();
        Ok(Fetched { name, body: decoded(response)? })
    }

    /// The JSON that stands at an address.
    ///
    /// # Errors
    /// That its host is not to be asked, what it answers, or that it is other JSON or none.
    pub async fn json<T: DeserializeOwned>(&self, url: Url) -> Result<T, FetchError> {
        let body = whole(self.get(url, "application/json", HeaderMap::new()).await?.1).await?;
        serde_json::from_slice(&body).map_err(|_| FetchError::Failed("the host answers something else".to_owned()))
    }

    /// The page that stands at an address.
    ///
    /// # Errors
    /// That its host is not to be asked, or what it answers.
    pub async fn page(&self, url: Url) -> Result<String, FetchError> {
        let body = whole(self.get(url, "text/html", HeaderMap::new()).await?.1).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// What is answered, once no redirect leads on, and where.
    async fn get(&self, mut url: Url, accept: &str, shown: HeaderMap) -> Result<(Url, Response), FetchError> {
        let mut shown = Some(shown);
        for step in 0..=REDIRECTS {
            let peer = self.checked(&url, step > 0).await?;
            let client = self.client(&url, peer).map_err(|error| failed(&error))?;
            let request = client.get(url.clone()).header(header::ACCEPT, accept);
            let request = request.headers(shown.take().unwrap_or_default());
            let response = tokio::time::timeout(PATIENCE, request.send())
                .await
                .map_err(|_| FetchError::Busy("the host does not answer".to_owned(), None))?
                .map_err(|error| failed(&error))?;
            let status = response.status();
            if status.is_redirection() {
                let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
                let next = to.and_then(|to| url.join(to).ok());
                url =
                    next.ok_or_else(|| FetchError::Failed(format!("the host answers {status} and says not where")))?;
                continue;
            }
            return if status.is_success() { Ok((url, response)) } else { Err(answered(&response)) };
        }
        Err(FetchError::Failed(format!("the host leads on more than {REDIRECTS} times")))
    }

    /// The address to connect to, if this host may be asked. `led`: another host led there.
    async fn checked(&self, url: &Url, led: bool) -> Result<SocketAddr, FetchError> {
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
        let named = self.hosts.iter().any(|named| *named == with_port || (usual && *named == plain));
        if !(named || led && self.beyond) {
            return refused(
                "logs are fetched only from hosts that the operator has named; send the log itself instead",
            );
        }
        if !named && url.scheme() != "https" {
            return refused("the host leads to an address without https");
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
            return Err(FetchError::Busy("the host has no address".to_owned(), None));
        };
        // All of them, so that a name with two faces is refused whichever comes first.
        if !(named && self.private) && found.iter().any(|address| !is_public(address.ip())) {
            return refused("the host has a private address");
        }
        Ok(first)
    }

    /// A client that connects this host to this address, and follows nothing.
    fn client(&self, url: &Url, peer: SocketAddr) -> reqwest::Result<Client> {
        let key = (url.host_str().unwrap_or_default().to_owned(), peer);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(PATIENCE)
            .read_timeout(SILENCE)
            .user_agent(concat!("whyred/", env!("CARGO_PKG_VERSION")));
        let client = match url.host() {
            Some(Host::Domain(name)) => builder.resolve(name, peer).build()?,
            _ => builder.build()?,
        };
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }
}

/// The body of an answer with its Content-Encoding undone: where logs are kept packed, they are sent packed whatever was asked for.
fn decoded(response: Response) -> Result<Pin<Box<dyn AsyncRead + Send>>, FetchError> {
    let encoding = response.headers().get(header::CONTENT_ENCODING).map(|encoding| encoding.to_str().unwrap_or("?"));
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    let body = StreamReader::new(response.bytes_stream().map_err(std::io::Error::other));
    Ok(match encoding.as_str() {
        "" | "identity" => Box::pin(body),
        "br" => Box::pin(BrotliDecoder::new(body)),
        "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(body)),
        "zstd" => Box::pin(ZstdDecoder::new(body)),
        _ => return Err(FetchError::Failed("the host packs the log in a way that is not known here".to_owned())),
    })
}

/// Whether an answer is a page for people.
fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml")
}

async fn whole(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + piece.len() > MOST_ANSWER {
            return Err(FetchError::Failed("the host answers more than can be read".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What an answer other than success means.
fn answered(response: &Response) -> FetchError {
    let status = response.status();
    let why = format!("the host answers {status}");
    let after = asked_to_wait(response.headers());
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() || after.is_some() {
        return FetchError::Busy(why, after);
    }
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        return FetchError::Absent(why);
    }
    FetchError::Failed(why)
}

/// How long a peer asks to wait: `Retry-After`, or when GitHub's count of requests begins anew.
pub fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let used_up = number("x-ratelimit-remaining") == Some(0);
    let until = number("x-ratelimit-reset").filter(|_| used_up);
    let left = || until.map(|until| until.saturating_sub((now() / 1000) as u64));
    number("retry-after").or_else(left).map(Duration::from_secs)
}

/// Without the address, which may hold secrets.
fn failed(error: &reqwest::Error) -> FetchError {
    let what = if error.is_connect() { "the host cannot be reached" } else { "the host does not give it" };
    FetchError::Busy(what.to_owned(), None)
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
