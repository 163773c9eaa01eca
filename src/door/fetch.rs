//! Fetch: a log at an address that somebody typed. Only hosts that the operator has named for `/explain` are asked.

use url::Url;

use super::Doors;
use crate::service::fetch::Fetched;

impl Doors {
    /// The log at an address; why not, in one sentence.
    pub(super) async fn fetch(&self, address: &Url) -> Result<Fetched, String> {
        self.app.fetch(address.as_str()).await.map_err(|error| format!("I do not get this log: {error}."))
    }
}
