//! Gets images ready to be sent: by URI, or fetched, cropped and encoded, within bounds of memory.

use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::buckets::BucketAccess;
use super::image::{self, INLINE_LIMIT, ImageRef};
use super::image_options::ImageMode;
use super::images;
use super::picture::{self, LARGEST_DECODED, PixelBox, Problem};
use super::snapshots::KnownSnapshots;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::ImagePart;
use crate::retry::RetryPolicy;
use crate::storage::{GcsUri, StorageClient};

/// Files and objects held whole at a time; each has 30 MB at most.
const FILES_AT_A_TIME: usize = 16;

/// Most bytes of requests with images in them, from their making until they are answered.
const ROOM: usize = 512_000_000;

/// Most bytes of such requests that wait for another attempt.
const WAITING_ROOM: usize = 256_000_000;

/// Opens the images of a session's runs, all within the same bounds of memory.
#[derive(Clone)]
pub struct ImageAccess {
    storage: StorageClient,
    buckets: BucketAccess,
    snapshots: KnownSnapshots,
    files: Arc<Semaphore>,
    pixels: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    room: Arc<Semaphore>,
    waiting_room: Arc<Semaphore>,
}

/// Memory for the images of one request; free again when it is dropped.
#[derive(Debug, Default)]
pub struct Room {
    permit: Option<OwnedSemaphorePermit>,
    waits: bool,
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
        // The dispatcher waits and tries again, so that nobody else's images wait as well.
        let storage = storage.with_stack(|stack| stack.with_policy(RetryPolicy::once()));
        let workers = available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            storage,
            buckets: BucketAccess::default(),
            snapshots: KnownSnapshots::default(),
            files: Arc::new(Semaphore::new(FILES_AT_A_TIME)),
            pixels: Arc::new(Semaphore::new(usize::try_from(LARGEST_DECODED).unwrap_or(usize::MAX >> 3))),
            workers: Arc::new(Semaphore::new(workers)),
            room: Arc::new(Semaphore::new(ROOM)),
            waiting_room: Arc::new(Semaphore::new(WAITING_ROOM)),
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
        Ok(Room { permit: Some(acquire(&self.room, wanted).await?), waits: false })
    }

    /// Whether the image is sent along rather than named.
    pub(super) fn goes_inline(&self, image: ImageRef<'_>, mode: ImageMode) -> bool {
        match image {
            ImageRef::Uri(text) => GcsUri::bucket_of(text).is_ok_and(|bucket| self.buckets.goes_inline(bucket, mode)),
            ImageRef::File(_) | ImageRef::Bytes(_) => true,
            ImageRef::Missing => false,
        }
    }

    /// What is known of the snapshots that images belong to.
    #[must_use]
    pub fn snapshots(&self) -> &KnownSnapshots {
        &self.snapshots
    }

    /// The image by its URI, read by Gemini.
    pub(super) async fn by_uri(&self, text: &str) -> Result<ImagePart> {
        let uri = GcsUri::parse(text)?;
        let mime_type = image::uri_media_type(&uri, &self.storage).await?;
        Ok(ImagePart::Uri { uri: text.trim().to_owned(), mime_type })
    }

    /// The image sent along: what is cut out of it, or the whole. One above Gemini's limit is scaled down where its URI
    /// is no choice, or the user wants it.
    pub(super) async fn inline(&self, image: ImageRef<'_>, cut: Option<Cut>, mode: ImageMode) -> Result<ImagePart> {
        let shown = image.shown();
        let _file = acquire(&self.files, 1).await?;
        let data = match image {
            ImageRef::Uri(text) => {
                self.download(&GcsUri::parse(text)?, cut.is_none() && mode == ImageMode::Auto).await?
            }
            ImageRef::File(path) => read(path).await?,
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

    /// Fetches an object, which Gemini may have been refused before.
    async fn download(&self, uri: &GcsUri, was_refused: bool) -> Result<Bytes> {
        match self.storage.download(uri).await {
            Ok(data) => {
                self.buckets.downloaded(uri.bucket());
                Ok(data)
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.buckets.download_refused(uri.bucket());
                let hint = if was_refused {
                    "Gemini may not read it either: grant its service agent or yourself `roles/storage.objectViewer` on the bucket"
                } else {
                    "grant yourself `roles/storage.objectViewer` on the bucket"
                };
                Err(about(uri, error, Some(hint)))
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
    /// Whether the request may be kept for another attempt, which must not keep others from their first. Where it may
    /// not, its bytes are to be dropped, and made anew.
    pub fn may_wait(&mut self, access: &ImageAccess) -> bool {
        let Some(permit) = self.permit.as_ref().filter(|_| !self.waits) else {
            return true;
        };
        let size = u32::try_from(permit.num_permits()).unwrap_or(u32::MAX);
        match Arc::clone(&access.waiting_room).try_acquire_many_owned(size) {
            Ok(waiting) => *self = Self { permit: Some(waiting), waits: true },
            Err(_) => *self = Self::default(),
        }
        self.waits
    }

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

async fn read(path: &Path) -> Result<Bytes> {
    let path = path.to_owned();
    blocking(move || images::read_file(&path)).await?.map(Bytes::from)
}

/// The image's own trouble: the error names it, and the run goes on.
fn about(uri: &GcsUri, error: Error, hint: Option<&str>) -> Error {
    let details = error.details();
    let hint = hint.map(str::to_owned).or_else(|| details.hint.clone());
    let (status, reason, attempts) = (details.status, details.reason.clone(), details.attempts);
    let mut named =
        Error::new(ErrorKind::Image, format!("{uri}: {}", error.message())).with_reason(reason).with_attempts(attempts);
    named = named.with_scope(error.scope());
    if let Some(status) = status {
        named = named.with_service("Cloud Storage", status);
    }
    if let Some(hint) = hint {
        named = named.with_hint(hint);
    }
    named.with_source(error)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::auth::StaticToken;
    use crate::settings::{Settings, SettingsInput, StoreWish};
    use crate::stack::Stack;
    use crate::transport::{Request, Response, Transport};
    use async_trait::async_trait;
    use http::{HeaderMap, StatusCode};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A bucket `closed` that the caller may not read, and others, of which every object is the same picture.
    #[derive(Default)]
    pub(in crate::classify) struct Objects {
        pub(in crate::classify) asked: Mutex<Vec<String>>,
        picture: Mutex<Bytes>,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
    }

    #[async_trait]
    impl Transport for Objects {
        async fn exchange(&self, request: &Request, _headers: &HeaderMap) -> Result<Response> {
            let path = request.url[url::Position::BeforePath..].to_owned();
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            let (status, body) = match &path {
                path if path.contains("/b/closed/") => {
                    (403, Bytes::from_static(b"you do not have storage.objects.get access"))
                }
                path if path.contains("gone") => (404, Bytes::from_static(b"No such object")),
                _ => (200, self.picture.lock().unwrap().clone()),
            };
            self.asked.lock().unwrap().push(path);
            Ok(Response { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body })
        }
    }

    /// Access to objects that are all this picture.
    pub(in crate::classify) fn access_to(picture: Vec<u8>) -> (ImageAccess, Arc<Objects>) {
        let objects = Arc::new(Objects { picture: Mutex::new(picture.into()), ..Objects::default() });
        let stack = Stack::new(Arc::clone(&objects) as _, Arc::new(StaticToken::new("token")));
        let input =
            SettingsInput { project: Some("my-project".into()), store: StoreWish::Memory, ..SettingsInput::default() };
        let settings = Settings::resolve_with(&input, &|_| None).unwrap();
        (ImageAccess::new(StorageClient::new(stack, &settings).unwrap()), objects)
    }

    /// A JPEG of this size.
    pub(in crate::classify) fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut data = std::io::Cursor::new(Vec::new());
        ::image::RgbImage::new(width, height).write_to(&mut data, ::image::ImageFormat::Jpeg).unwrap();
        data.into_inner()
    }

    fn cut() -> Cut {
        let bounds = PixelBox { left: 10.0, top: 10.0, right: 30.0, bottom: 20.0 };
        Cut { bounds, margin: 0.0 }
    }

    fn sides(part: &ImagePart) -> (u32, u32) {
        let ImagePart::Inline { data, mime_type } = part else { panic!("{part:?} does not go along") };
        assert_eq!(mime_type, "image/jpeg");
        let picture = ::image::load_from_memory(data).unwrap();
        (picture.width(), picture.height())
    }

    #[tokio::test]
    async fn an_object_is_fetched_by_its_escaped_name() {
        let (access, objects) = access_to(jpeg(60, 50));
        let uri = "gs://bucket/snap/v0/o1:0a:ff é+?.jpg";
        let part = access.inline(ImageRef::Uri(uri), Some(cut()), ImageMode::Auto).await.unwrap();
        assert_eq!(sides(&part), (20, 10));
        let asked = objects.asked.lock().unwrap().clone();
        assert_eq!(asked, ["/storage/v1/b/bucket/o/snap%2Fv0%2Fo1%3A0a%3Aff%20%C3%A9%2B%3F.jpg?alt=media"]);
    }

    #[tokio::test]
    async fn an_image_small_enough_goes_along_byte_for_byte() {
        let (access, _) = access_to(jpeg(60, 50));
        let part = access.inline(ImageRef::Uri("gs://bucket/o.jpg"), None, ImageMode::Inline).await.unwrap();
        assert_eq!(part, ImagePart::Inline { data: jpeg(60, 50).into(), mime_type: "image/jpeg".into() });
    }

    #[tokio::test]
    async fn an_object_above_the_limit_is_scaled_down_and_a_file_only_when_asked() {
        let mut large = jpeg(60, 50);
        // What follows the end of a JPEG is no part of the picture.
        large.resize(INLINE_LIMIT + 1, 0);
        let (access, _) = access_to(large.clone());
        let object = access.inline(ImageRef::Uri("gs://bucket/o.jpg"), None, ImageMode::Auto).await.unwrap();
        assert_eq!(sides(&object), (60, 50));
        let bytes = access.inline(ImageRef::Bytes(&large), None, ImageMode::Auto).await.unwrap_err();
        assert!(bytes.message().contains("has 7001 kB, and Gemini takes 7000 kB along"), "{bytes}");
        assert_eq!(sides(&access.inline(ImageRef::Bytes(&large), None, ImageMode::Inline).await.unwrap()), (60, 50));
    }

    #[tokio::test]
    async fn an_object_the_caller_may_not_read_is_the_images_trouble_with_the_fix() {
        let (access, _) = access_to(Vec::new());
        let error = access.inline(ImageRef::Uri("gs://closed/o.jpg"), None, ImageMode::Inline).await.unwrap_err();
        assert_eq!((error.kind(), error.details().status), (ErrorKind::Image, Some(403)));
        assert!(error.message().starts_with("gs://closed/o.jpg: you do not have"), "{error}");
        assert!(error.details().hint.as_deref().unwrap().contains("roles/storage.objectViewer"), "{error}");
    }

    #[tokio::test]
    async fn an_object_that_is_gone_is_named() {
        let (access, _) = access_to(Vec::new());
        let error =
            access.inline(ImageRef::Uri("gs://bucket/gone.jpg"), Some(cut()), ImageMode::Auto).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Image, "gs://bucket/gone.jpg: No such object"));
    }

    #[tokio::test]
    async fn a_file_too_large_is_refused_before_it_is_read() {
        let path = std::env::temp_dir().join(format!("streetlens-{}.jpg", uuid::Uuid::new_v4()));
        let file = std::fs::File::create(&path).unwrap();
        // A file of holes: reading it would take a terabyte.
        file.set_len(1_000_000_000_000).unwrap();
        let (access, _) = access_to(Vec::new());
        let error = access.inline(ImageRef::File(&path), Some(cut()), ImageMode::Auto).await.unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(error.message().contains("has 1000000 MB, and 30 MB are the most"), "{error}");
    }

    #[tokio::test]
    async fn only_so_many_files_are_held_at_a_time_and_all_memory_comes_back() {
        let (access, objects) = access_to(jpeg(60, 50));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let access = access.clone();
            tasks.spawn(async move {
                access.inline(ImageRef::Uri("gs://bucket/o.jpg"), Some(cut()), ImageMode::Auto).await.map(drop)
            });
        }
        assert!(tasks.join_all().await.into_iter().all(|result| result.is_ok()));
        assert!(objects.most_at_once.load(Ordering::SeqCst) <= FILES_AT_A_TIME);
        assert_eq!(access.files.available_permits(), FILES_AT_A_TIME);
        assert_eq!(access.pixels.available_permits() as u64, LARGEST_DECODED);
    }

    #[tokio::test]
    async fn an_image_waits_until_there_is_memory_for_its_pixels() {
        let (access, _) = access_to(jpeg(60, 50));
        let taken = acquire(&access.pixels, usize::try_from(LARGEST_DECODED).unwrap() - 17_999).await.unwrap();
        // 60 x 50 pixels take 9,000 bytes decoded, and as much for the crop.
        let mut waiting = Box::pin(access.inline(ImageRef::Uri("gs://bucket/o.jpg"), Some(cut()), ImageMode::Auto));
        let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
        assert!(early.is_err(), "it did not wait");
        drop(taken);
        assert_eq!(sides(&waiting.await.unwrap()), (20, 10));
    }

    #[tokio::test]
    async fn a_request_keeps_what_its_images_take_and_gives_the_rest_back() {
        let (access, _) = access_to(Vec::new());
        let mut room = access.room(4).await.unwrap();
        assert_eq!(access.room.available_permits(), ROOM - 37_333_336);
        room.shrink_to(3_000);
        assert_eq!(access.room.available_permits(), ROOM - 4_000);
        drop(room);
        assert_eq!(access.room.available_permits(), ROOM);
        assert!(access.room(1_000_000).await.unwrap().permit.is_some(), "more than there is must not wait for ever");
        assert!(access.room(0).await.unwrap().permit.is_none());
    }

    #[tokio::test]
    async fn requests_that_wait_leave_their_room_to_others_as_long_as_there_is_memory() {
        let (access, _) = access_to(Vec::new());
        let mut kept = Vec::new();
        loop {
            let mut room = access.room(4).await.unwrap();
            if !room.may_wait(&access) {
                break;
            }
            assert!(room.may_wait(&access), "it waits already");
            kept.push(room);
        }
        assert_eq!(kept.len(), WAITING_ROOM / 37_333_336);
        assert_eq!(access.room.available_permits(), ROOM);
        drop(kept);
        assert_eq!(access.waiting_room.available_permits(), WAITING_ROOM);
        assert!(Room::default().may_wait(&access), "a request without images in it is small");
    }

    #[test]
    fn only_gemini_refusing_an_image_is_a_refusal_of_its_bucket() {
        let error = |kind, service, status| Error::new(kind, "").with_service(service, status);
        assert!(ImageAccess::is_refusal(&error(ErrorKind::Image, "Gemini", 403)));
        assert!(ImageAccess::is_refusal(&error(ErrorKind::PermissionDenied, "Gemini", 403)));
        assert!(!ImageAccess::is_refusal(&error(ErrorKind::Image, "Gemini", 404)));
        assert!(!ImageAccess::is_refusal(&error(ErrorKind::Image, "Cloud Storage", 403)));
        let of_all = error(ErrorKind::PermissionDenied, "Gemini", 403).with_scope(crate::error::Scope::Run);
        assert!(!ImageAccess::is_refusal(&of_all));
    }
}
