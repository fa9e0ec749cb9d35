//! Gets images ready to be sent: by URI, or fetched, cropped and encoded, within bounds of memory.

use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::buckets::BucketAccess;
use super::image::{self, INLINE_LIMIT, ImageRef};
use super::image_options::ImageMode;
use super::picture::{self, LARGEST_DECODED, PixelBox, Problem};
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::ImagePart;
use crate::storage::{GcsUri, LARGEST_OBJECT, StorageClient};

/// Files and objects held whole at a time; each has 30 MB at most.
const FILES_AT_A_TIME: usize = 16;

/// Most bytes of requests with images in them, from their making until they are answered.
const ROOM: usize = 512_000_000;

/// Opens the images of a session's runs, all within the same bounds of memory.
#[derive(Clone)]
pub struct ImageAccess {
    storage: StorageClient,
    buckets: BucketAccess,
    files: Arc<Semaphore>,
    pixels: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// Memory for the images of one request; free again when it is dropped.
#[derive(Debug, Default)]
pub struct Room {
    permit: Option<OwnedSemaphorePermit>,
}

/// What is cut out of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) bounds: PixelBox,
    pub(super) margin: f64,
}

impl ImageAccess {
    /// Access with the caller's credentials; nothing is contacted.
    #[must_use]
    pub fn new(storage: StorageClient) -> Self {
        let workers = available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            storage,
            buckets: BucketAccess::default(),
            files: Arc::new(Semaphore::new(FILES_AT_A_TIME)),
            pixels: Arc::new(Semaphore::new(usize::try_from(LARGEST_DECODED).unwrap_or(usize::MAX >> 3))),
            workers: Arc::new(Semaphore::new(workers)),
            room: Arc::new(Semaphore::new(ROOM)),
        }
    }

    /// What is known of the buckets.
    #[must_use]
    pub fn buckets(&self) -> &BucketAccess {
        &self.buckets
    }

    /// Whether Gemini says that it may not read an image's bucket.
    #[must_use]
    pub fn is_refusal(error: &Error) -> bool {
        let details = error.details();
        let is_item = matches!(error.kind(), ErrorKind::Image | ErrorKind::PermissionDenied) && !error.stops_the_run();
        is_item && details.service == Some("Gemini") && details.status == Some(403)
    }

    /// Waits for memory for so many images sent along.
    pub(super) async fn room(&self, images: usize) -> Result<Room> {
        if images == 0 {
            return Ok(Room::default());
        }
        let wanted = encoded_length(images.saturating_mul(INLINE_LIMIT)).min(ROOM);
        Ok(Room { permit: Some(acquire(&self.room, wanted).await?) })
    }

    /// Whether the image is sent along rather than named.
    pub(super) fn goes_inline(&self, image: ImageRef<'_>, mode: ImageMode) -> bool {
        match image {
            ImageRef::Uri(text) => GcsUri::parse(text).is_ok_and(|uri| self.buckets.goes_inline(uri.bucket(), mode)),
            ImageRef::File(_) | ImageRef::Bytes(_) => true,
            ImageRef::Missing => false,
        }
    }

    /// The image by its URI, read by Gemini.
    pub(super) async fn by_uri(&self, text: &str) -> Result<ImagePart> {
        let uri = GcsUri::parse(text)?;
        let mime_type = image::uri_media_type(&uri, &self.storage).await?;
        Ok(ImagePart::Uri { uri: uri.to_string(), mime_type })
    }

    /// The image sent along: what is cut out of it, or the whole. One above Gemini's limit is scaled down where its URI
    /// is no choice, or the user wants it.
    pub(super) async fn inline(&self, image: ImageRef<'_>, cut: Option<Cut>, mode: ImageMode) -> Result<ImagePart> {
        let shown = image.shown();
        let _file = acquire(&self.files, 1).await?;
        let data = match image {
            ImageRef::Uri(text) => self.download(&GcsUri::parse(text)?).await?,
            ImageRef::File(path) => read(path, &shown).await?,
            ImageRef::Bytes(data) => Bytes::copy_from_slice(data),
            ImageRef::Missing => return Err(image::missing()),
        };
        let may_shrink = mode == ImageMode::Inline || matches!(image, ImageRef::Uri(_));
        let worked = match cut {
            Some(Cut { bounds, margin }) => self.work(data, move |data| picture::crop(data, bounds, margin)).await?,
            None if data.len() > INLINE_LIMIT && may_shrink => {
                self.work(data, |data| picture::shrink(data, INLINE_LIMIT)).await?
            }
            None => Ok(data),
        };
        let data = worked.map_err(|Problem(problem)| Error::new(ErrorKind::Image, format!("{shown}: {problem}")))?;
        image::inline(data, &shown)
    }

    async fn download(&self, uri: &GcsUri) -> Result<Bytes> {
        match self.storage.download(uri).await {
            Ok(data) => {
                self.buckets.downloaded(uri.bucket());
                Ok(data)
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.buckets.download_refused(uri.bucket());
                Err(about(uri, error, Some("grant yourself `roles/storage.objectViewer` on the bucket")))
            }
            Err(error) if error.kind() == ErrorKind::Image => Err(about(uri, error, None)),
            Err(error) => Err(error),
        }
    }

    /// Decodes and encodes on another thread. What is taken of the memory is given back when the work is done, also when
    /// nobody waits for it any more.
    async fn work(
        &self,
        data: Bytes,
        job: impl FnOnce(&[u8]) -> std::result::Result<Bytes, Problem> + Send + 'static,
    ) -> Result<std::result::Result<Bytes, Problem>> {
        let worker = acquire(&self.workers, 1).await?;
        let looked_at = data.clone();
        let header = blocking(move || {
            let _worker = worker;
            picture::header(&looked_at)
        });
        let needed = match header.await? {
            Ok(header) => header.working_memory.min(LARGEST_DECODED),
            Err(problem) => return Ok(Err(problem)),
        };
        let pixels = acquire(&self.pixels, usize::try_from(needed).unwrap_or(usize::MAX)).await?;
        let worker = acquire(&self.workers, 1).await?;
        blocking(move || {
            let _held = (pixels, worker);
            job(&data)
        })
        .await
    }
}

impl Room {
    /// Gives back what the images did not need.
    pub(super) fn shrink_to(&mut self, images: usize) {
        let Some(permit) = &mut self.permit else {
            return;
        };
        let spare = permit.num_permits().saturating_sub(encoded_length(images));
        drop(permit.split(spare));
    }
}

/// Bytes of a request with so many bytes of images, which are sent as base64.
fn encoded_length(images: usize) -> usize {
    images.div_ceil(3).saturating_mul(4)
}

async fn acquire(semaphore: &Arc<Semaphore>, permits: usize) -> Result<OwnedSemaphorePermit> {
    let permits = u32::try_from(permits).unwrap_or(u32::MAX);
    Arc::clone(semaphore)
        .acquire_many_owned(permits)
        .await
        .map_err(|cause| Error::new(ErrorKind::Internal, "the memory for images is closed").with_source(cause))
}

async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(job)
        .await
        .map_err(|cause| Error::new(ErrorKind::Internal, "the work on an image ended unexpectedly").with_source(cause))
}

async fn read(path: &Path, shown: &str) -> Result<Bytes> {
    let path = path.to_owned();
    let read = blocking(move || {
        let length = std::fs::metadata(&path)?.len();
        if length > LARGEST_OBJECT as u64 { Ok(Err(length)) } else { std::fs::read(&path).map(Ok) }
    });
    let unreadable = |cause: std::io::Error| {
        Error::new(ErrorKind::Image, format!("the file `{shown}` cannot be read: {cause}")).with_source(cause)
    };
    match read.await?.map_err(unreadable)? {
        Ok(data) => Ok(data.into()),
        Err(length) => {
            let megabytes = length.div_ceil(1_000_000);
            Err(Error::new(ErrorKind::Image, format!("the file `{shown}` has {megabytes} MB, and 30 MB are the most"))
                .with_hint("scale it down first"))
        }
    }
}

/// The image's own trouble: the error names it, and the run goes on.
fn about(uri: &GcsUri, error: Error, hint: Option<&str>) -> Error {
    let details = error.details();
    let hint = hint.map(str::to_owned).or_else(|| details.hint.clone());
    let (status, reason, attempts) = (details.status, details.reason.clone(), details.attempts);
    let mut named =
        Error::new(ErrorKind::Image, format!("{uri}: {}", error.message())).with_reason(reason).with_attempts(attempts);
    if let Some(status) = status {
        named = named.with_service("Cloud Storage", status);
    }
    if let Some(hint) = hint {
        named = named.with_hint(hint);
    }
    named.with_source(error)
}
