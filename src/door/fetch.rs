//! Fetch: a log at an address that somebody typed. Only hosts that the operator allows are asked.

use tokio::io::AsyncRead;
use url::Url;

use super::Doors;

impl Doors {
    /// The log at an address; why not, in one sentence.
    pub(super) async fn fetch(&self, address: &Url) -> Result<Box<dyn AsyncRead + Send + Unpin>, String> {
        let host = address.host_str().unwrap_or_default();
        Err(format!("logs of {host} are not fetched here; send the text or the file"))
    }
}
