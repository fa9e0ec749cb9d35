//! Asks Cloud Storage about one object.

use serde::Deserialize;
use url::Url;

use super::{GcsUri, error};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::stack::Stack;
use crate::transport::Request;

/// Object metadata.
#[derive(Clone)]
pub struct StorageClient {
    stack: Stack,
    base: Url,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectMetadata {
    content_type: Option<String>,
}

impl StorageClient {
    /// A client; nothing is contacted.
    pub fn new(stack: Stack, settings: &Settings) -> Result<Self> {
        let base = match &settings.endpoints.storage {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse("https://storage.googleapis.com/")
                .map_err(|cause| Error::new(ErrorKind::Internal, "the address of Cloud Storage").with_source(cause))?,
        };
        Ok(Self { stack, base })
    }

    /// The media type in the object's metadata.
    pub async fn content_type(&self, uri: &GcsUri) -> Result<Option<String>> {
        let mut url = self.base.clone();
        // Pushing a segment percent-encodes the slashes of an object name.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["storage", "v1", "b", uri.bucket(), "o", uri.object()]);
        }
        url.query_pairs_mut().append_pair("fields", "contentType");
        let request = Request::get("Cloud Storage", url, error::decode);
        let metadata = self
            .stack
            .send(&request, |response| {
                serde_json::from_slice::<ObjectMetadata>(&response.body).map_err(|cause| {
                    Error::new(ErrorKind::MalformedResponse, "Cloud Storage answered with unreadable metadata")
                        .with_source(cause)
                })
            })
            .await?;
        Ok(metadata.content_type)
    }
}
