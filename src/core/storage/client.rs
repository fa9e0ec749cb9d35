//! Asks Cloud Storage about one object, or for its bytes.

use bytes::Bytes;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{GcsUri, error};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::stack::Stack;
use crate::transport::{BodyLimit, Request};

/// The largest image Gemini reads from Cloud Storage, and the largest that is downloaded.
pub const LARGEST_OBJECT: usize = 30_000_000;

/// Objects of Cloud Storage, read with the caller's credentials.
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

    /// The same client with other retry limits.
    #[must_use]
    pub fn with_stack(mut self, change: impl FnOnce(Stack) -> Stack) -> Self {
        self.stack = change(self.stack);
        self
    }

    /// The media type in the object's metadata.
    pub async fn content_type(&self, uri: &GcsUri) -> Result<Option<String>> {
        let url = self.address(uri, ("fields", "contentType"));
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

    /// The bytes of the object; one of more than [`LARGEST_OBJECT`] is refused before it is read.
    pub async fn download(&self, uri: &GcsUri) -> Result<Bytes> {
        let limit = BodyLimit { bytes: LARGEST_OBJECT, error: too_large };
        let request =
            Request::get("Cloud Storage", self.address(uri, ("alt", "media")), error::decode).with_body_limit(limit);
        self.stack.send(&request, |response| Ok(response.body.clone())).await
    }

    fn address(&self, uri: &GcsUri, parameter: (&str, &str)) -> Url {
        let mut url = self.base.clone();
        let folder = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{folder}/storage/v1/b/{}/o/{}", uri.bucket(), escaped(uri.object())));
        url.query_pairs_mut().append_pair(parameter.0, parameter.1);
        url
    }
}

/// A name as one segment of a path, colons and slashes included.
fn escaped(name: &str) -> String {
    // A plus sign of the name itself has become `%2B`.
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

fn too_large() -> Error {
    Error::new(ErrorKind::Image, "the image has more than 30 MB, the most that Gemini reads")
        .with_hint("scale it down before it is stored")
}
