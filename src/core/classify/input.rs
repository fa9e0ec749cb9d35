//! The rows of a run: which images each has, and the columns that are carried to its answer.

use arrow_array::{RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::fmt::Write as _;
use std::sync::Arc;

use super::access::{Cut, ImageAccess, Room};
use super::buckets::Next;
use super::image::{ImageRef, ImageSource};
use super::image_options::{ImageMode, ImageOptions};
use super::images::Images;
use super::prompt::Prompt;
use super::roles::{Boxes, Circumstances};
use super::views::{Groups, Ranking};
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::{ImagePart, View};
use crate::storage::GcsUri;

/// Images with the table they came in.
#[derive(Debug, Clone)]
pub struct Input {
    /// Columns carried to the results, one row for each.
    pub table: RecordBatch,
    images: Images,
    options: ImageOptions,
    groups: Option<Groups>,
    boxes: Option<Boxes>,
    circumstances: Circumstances,
    tells_time: bool,
    tells_heading: bool,
}

impl Input {
    /// Images given one by one. The column is `gcs_uri` when every image is one in Cloud Storage, else `image`.
    pub fn from_list(images: Vec<ImageSource>) -> Result<Self> {
        if images.iter().all(|image| matches!(image, ImageSource::Uri(_) | ImageSource::Missing)) {
            return Self::from_uris(images.iter().map(|image| image.as_ref().text()).collect());
        }
        let shown: StringArray = images.iter().map(|image| image.as_ref().text()).collect();
        Self::new(one_column("image", shown)?, Images::of_list(images))
    }

    /// Images given by their URIs.
    pub fn from_uris(uris: StringArray) -> Result<Self> {
        Self::new(one_column("gcs_uri", uris.clone())?, Images::Uris(uris))
    }

    /// Images of a column of a table: `gs://` URIs or contents. A query must not read local files.
    pub fn from_table(schema: &SchemaRef, batches: &[RecordBatch], uri_column: &str) -> Result<Self> {
        let table = arrow_select::concat::concat_batches(schema, batches).map_err(unusable)?;
        let column = table.column_by_name(uri_column).ok_or_else(|| missing_column(schema, uri_column))?;
        let images = Images::of_column(column, uri_column)?;
        Self::new(table, images)
    }

    fn new(table: RecordBatch, images: Images) -> Result<Self> {
        images.check_some_usable()?;
        Ok(Self {
            table,
            images,
            options: ImageOptions::default(),
            groups: None,
            boxes: None,
            circumstances: Circumstances::default(),
            tells_time: false,
            tells_heading: false,
        })
    }

    /// Groups the rows and prepares for cropping.
    pub fn with_options(mut self, options: ImageOptions) -> Result<Self> {
        options.check()?;
        if let Some(crop) = &options.crop {
            self.boxes = Some(Boxes::read(&self.table, &crop.column)?);
        }
        if let Some(name) = &options.group_by {
            self.group(name, &options)?;
        }
        self.options = options;
        Ok(self)
    }

    /// Some of the rows of the results, each with all of its images.
    pub(super) fn of_rows(mut self, rows: Vec<u32>) -> Result<Self> {
        let groups = Groups::of(rows.iter().map(|row| self.sources(*row as usize)))?;
        self.table = arrow_select::take::take_record_batch(&self.table, &UInt32Array::from(rows)).map_err(unusable)?;
        self.groups = Some(groups);
        Ok(self)
    }

    /// The images of a row that are in Cloud Storage.
    pub(super) fn uris(&self, row: usize) -> impl Iterator<Item = GcsUri> {
        self.sources(row).filter_map(|source| match self.images.get(source) {
            ImageRef::Uri(text) => GcsUri::parse(text).ok(),
            _ => None,
        })
    }

    /// Lets the captions of several views tell what the prompt speaks of: capture times when it names `capture_time`,
    /// headings when it names `camera_pose` or `heading`. What it names itself reads as in the best view.
    #[must_use]
    pub fn with_captions_for(mut self, prompt: &Prompt) -> Self {
        let names = |name: &str| self.table.schema_ref().index_of(name).is_ok_and(|index| prompt.names_column(index));
        (self.tells_time, self.tells_heading) = (names("capture_time"), names("camera_pose") || names("heading"));
        self
    }

    /// Number of rows of the results.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.num_rows()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns carried to the results, which a prompt may name.
    #[must_use]
    pub fn table(&self) -> &RecordBatch {
        &self.table
    }

    /// Checks what can be checked without reading or calling anything.
    pub fn check(&self, row: usize) -> Result<()> {
        self.sources(row).try_for_each(|source| {
            self.images.get(source).check()?;
            self.cut(source).map(drop)
        })
    }

    /// The images of a row as they are sent, best first.
    pub async fn views(&self, row: usize, access: &ImageAccess) -> Result<Vec<View>> {
        Ok(self.views_in_room(row, access).await?.0)
    }

    /// [`Input::views`] with the memory they take in the request, to be kept until it is answered. A request that waits
    /// for another attempt is kept only as [`Room::may_wait`] says.
    pub async fn views_in_room(&self, row: usize, access: &ImageAccess) -> Result<(Vec<View>, Room)> {
        let mode = self.options.mode;
        let mut plans = Vec::new();
        for source in self.sources(row) {
            let (image, cut) = (self.images.get(source), self.cut(source)?);
            plans.push((source, image, cut, cut.is_some() || access.goes_inline(image, mode)));
        }
        let mut room = access.room(plans.iter().filter(|(.., inline)| *inline).count()).await?;
        let (count, mut views, mut sent) = (plans.len(), Vec::with_capacity(plans.len()), 0);
        for (place, (source, image, cut, inline)) in plans.into_iter().enumerate() {
            let image = match image {
                ImageRef::Uri(text) if !inline => access.by_uri(text).await?,
                image => access.inline(image, cut, mode).await?,
            };
            if let ImagePart::Inline { data, .. } = &image {
                sent += data.len();
            }
            views.push(View { caption: self.caption(source, place, count), image });
        }
        room.shrink_to(sent);
        Ok((views, room))
    }

    /// What tells a row's images from others, in which order, cut how, and captioned how. A file is read the first time.
    pub fn identity(&self, row: usize) -> Result<String> {
        let mut lines = Vec::new();
        for (place, source) in self.sources(row).enumerate() {
            let mut line = self.images.identity(source)?;
            if let Some(Cut { bounds, margin }) = self.cut(source)? {
                let _ = write!(line, " box {bounds} margin {margin}");
            }
            if let Some(caption) = self.caption(source, place, self.views_of(row)) {
                line.push_str(" caption ");
                line.push_str(&caption);
            }
            lines.push(line);
        }
        Ok(lines.join("\n"))
    }

    /// What a message calls a row's first image.
    #[must_use]
    pub fn shown(&self, row: usize) -> String {
        self.sources(row).next().map_or_else(String::new, |source| self.images.get(source).shown())
    }

    /// The bucket that a row's images are in, where it is one.
    #[must_use]
    pub fn bucket(&self, row: usize) -> Option<&str> {
        let mut buckets = self.buckets(row);
        buckets.pop().filter(|_| buckets.is_empty())
    }

    /// The bucket that all images are in, where that is so.
    #[must_use]
    pub fn sole_bucket(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let first = self.bucket(0)?;
        let is_in_first = |row| self.buckets(row).iter().all(|bucket| *bucket == first);
        (0..self.len()).all(is_in_first).then(|| first.to_owned())
    }

    /// Images of a row.
    #[must_use]
    pub fn views_of(&self, row: usize) -> usize {
        self.groups.as_ref().map_or(1, |groups| groups.get(row).len())
    }

    /// What to do with a row that Gemini refused for an image it may not read, see [`ImageAccess::is_refusal`]. To be
    /// asked once for each row.
    #[must_use]
    pub fn after_refusal(&self, row: usize, access: &ImageAccess) -> Next {
        if self.options.mode != ImageMode::Auto || self.options.crop.is_some() {
            return Next::GiveUp;
        }
        let nexts: Vec<Next> = self.buckets(row).iter().map(|bucket| access.buckets().after_refusal(bucket)).collect();
        if nexts.contains(&Next::SendInline) { Next::SendInline } else { Next::GiveUp }
    }

    /// Remembers that Gemini has read a row's images.
    pub fn accepted(&self, row: usize, access: &ImageAccess) {
        let mode = self.options.mode;
        if self.options.crop.is_none() {
            let by_uri = self.buckets(row).into_iter().filter(|bucket| !access.buckets().goes_inline(bucket, mode));
            by_uri.for_each(|bucket| access.buckets().accepted(bucket));
        }
    }

    fn group(&mut self, name: &str, options: &ImageOptions) -> Result<()> {
        let Some(column) = self.table.column_by_name(name).cloned() else {
            return Err(Error::new(ErrorKind::InvalidInput, format!("the input has no column `{name}` to group by"))
                .with_hint(known_columns(self.table.schema_ref())));
        };
        self.circumstances = Circumstances::of(&self.table);
        let found = self.table.column_by_name("bbox").and_then(Boxes::of);
        let boxes = self.boxes.as_ref().or(found.as_ref());
        let needs_box = options.crop.is_some();
        let has_box = |row: usize| boxes.and_then(|boxes| boxes.get(row)).is_some_and(|bounds| bounds.is_sound());
        let images = &self.images;
        let is_usable = |row: usize| !matches!(images.get(row), ImageRef::Missing) && (!needs_box || has_box(row));
        let ranking = Ranking { boxes, circumstances: &self.circumstances, is_usable: &is_usable };
        let groups = Groups::by(&column, name, options.max_images, &ranking)?;
        self.table = groups.table(&self.table, &|row| images.get(row).text())?;
        self.groups = Some(groups);
        Ok(())
    }

    /// The rows of the input that make a row of the results.
    fn sources(&self, row: usize) -> impl Iterator<Item = usize> {
        let itself = self.groups.is_none().then_some(row);
        let grouped = self.groups.as_ref().map(|groups| groups.get(row)).unwrap_or_default();
        itself.into_iter().chain(grouped.iter().map(|source| *source as usize))
    }

    fn cut(&self, source: usize) -> Result<Option<Cut>> {
        let (Some(boxes), Some(crop)) = (&self.boxes, &self.options.crop) else {
            return Ok(None);
        };
        let problem = match boxes.get(source) {
            Some(bounds) if bounds.is_sound() => return Ok(Some(Cut { bounds, margin: crop.margin })),
            Some(bounds) => format!("the box {bounds} in the column `{}` is empty", crop.column),
            None => format!("there is no box in the column `{}` to crop to", crop.column),
        };
        let shown = self.images.get(source).shown();
        Err(Error::new(ErrorKind::Image, format!("{shown}: {problem}"))
            .with_hint("leave `crop` out to send whole images"))
    }

    fn caption(&self, source: usize, place: usize, count: usize) -> Option<String> {
        if count < 2 {
            return None;
        }
        let mut caption = format!("View {} of {count}", place + 1);
        if let Some(day) = self.circumstances.day(source).filter(|_| self.tells_time) {
            let _ = write!(caption, ", captured {day}");
        }
        if let Some(heading) = self.circumstances.heading(source).filter(|_| self.tells_heading) {
            let _ = write!(caption, ", camera heading {:.0}°", heading.round() % 360.0);
        }
        Some(caption)
    }

    fn buckets(&self, row: usize) -> Vec<&str> {
        let mut buckets = Vec::new();
        for source in self.sources(row) {
            if let ImageRef::Uri(text) = self.images.get(source)
                && let Ok(bucket) = GcsUri::bucket_of(text)
                && !buckets.contains(&bucket)
            {
                buckets.push(bucket);
            }
        }
        buckets
    }
}

fn one_column(name: &str, texts: StringArray) -> Result<RecordBatch> {
    let schema = Schema::new(vec![Field::new(name, DataType::Utf8, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(texts)]).map_err(unusable)
}

fn missing_column(schema: &Schema, name: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the input has no column `{name}`"))
        .with_hint(format!("name the column of `gs://` URIs with `uri_column=`; {}", known_columns(schema)))
}

fn known_columns(schema: &Schema) -> String {
    let known: Vec<String> = schema.fields().iter().map(|field| format!("`{}`", field.name())).collect();
    format!("columns: {}", known.join(", "))
}

fn unusable(cause: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the input table cannot be used: {cause}")).with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> ImageSource {
        ImageSource::Uri(text.into())
    }

    #[test]
    fn one_bad_uri_is_a_row_and_nothing_but_bad_ones_is_an_error() {
        assert_eq!(Input::from_list(vec![uri("gs://bucket/a.jpg"), uri("nonsense")]).unwrap().len(), 2);
        let error = Input::from_list(vec![uri("nonsense"), ImageSource::Missing]).map(|input| input.len());
        assert!(error.is_ok(), "a null is not a malformed URI");
        assert_eq!(Input::from_list(vec![uri("nonsense")]).unwrap_err().kind(), ErrorKind::InvalidUri);
    }

    #[test]
    fn a_missing_column_is_refused_with_those_there_are() {
        let schema = Arc::new(Schema::new(vec![Field::new("uri", DataType::Utf8, true)]));
        let batch = RecordBatch::new_empty(Arc::clone(&schema));
        let error = Input::from_table(&schema, &[batch], "gcs_uri").unwrap_err();
        assert!(error.to_string().contains("`uri`"), "{error}");
    }

    use super::super::access::tests::{access_to, jpeg};
    use super::super::image_options::Crop;
    use arrow_array::{ArrayRef, Float64Array, StructArray};

    fn structure(members: Vec<(&str, ArrayRef)>) -> ArrayRef {
        Arc::new(StructArray::try_from(members).unwrap())
    }

    /// Observations of `asset_id`, with boxes from (10, 10) to this side.
    fn observations(rows: &[(Option<&str>, &str, Option<f64>)]) -> Input {
        let lows: ArrayRef = Arc::new(Float64Array::from(vec![10.0; rows.len()]));
        let highs: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>());
        let corner = |values: &ArrayRef| structure(vec![("x", Arc::clone(values)), ("y", Arc::clone(values))]);
        let headings: ArrayRef =
            Arc::new(Float64Array::from_iter_values((0_u32..).take(rows.len()).map(|row| f64::from(row) * 131.6)));
        let columns: [(&str, ArrayRef); 5] = [
            ("asset_id", Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>())),
            ("gcs_uri", Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>())),
            ("bbox", structure(vec![("lo", corner(&lows)), ("hi", corner(&highs))])),
            ("capture_time", Arc::new(StringArray::from(vec!["2023-05-01 12:00:00"; rows.len()]))),
            ("camera_pose", structure(vec![("heading", headings)])),
        ];
        let table =
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap();
        Input::from_table(&table.schema(), &[table], "gcs_uri").unwrap()
    }

    fn two_views() -> Input {
        observations(&[(Some("gs://one/a.jpg"), "t1", Some(20.0)), (Some("gs://two/b.jpg"), "t1", Some(30.0))])
    }

    fn by_asset() -> ImageOptions {
        ImageOptions { group_by: Some("asset_id".into()), ..ImageOptions::default() }
    }

    fn cropped() -> ImageOptions {
        ImageOptions { crop: Some(Crop { column: "bbox".into(), margin: 0.0 }), ..ImageOptions::default() }
    }

    fn captions(input: Input, prompt: &str) -> Vec<Option<String>> {
        let prompt = Prompt::parse(prompt, input.table().schema_ref()).unwrap();
        let input = input.with_captions_for(&prompt);
        input.sources(0).enumerate().map(|(place, source)| input.caption(source, place, 2)).collect()
    }

    #[tokio::test]
    async fn the_views_of_an_asset_make_one_row_best_first() {
        let input = two_views().with_options(by_asset()).unwrap();
        let (access, _) = access_to(Vec::new());
        let views = input.views(0, &access).await.unwrap();
        let uris: Vec<String> = views
            .into_iter()
            .map(|view| match view.image {
                ImagePart::Uri { uri, .. } => uri,
                ImagePart::Inline { .. } => panic!("an image goes along"),
            })
            .collect();
        assert_eq!(uris, ["gs://two/b.jpg", "gs://one/a.jpg"]);
        assert_eq!((input.len(), input.shown(0)), (1, "gs://two/b.jpg".into()));
        assert_eq!(input.bucket(0), None, "the images are in two buckets");
    }

    #[test]
    fn captions_tell_what_the_prompt_speaks_of() {
        let plain = two_views().with_options(by_asset()).unwrap();
        let first = |prompt: &str| captions(plain.clone(), prompt)[0].clone().unwrap();
        assert_eq!(first("What is it?"), "View 1 of 2");
        assert_eq!(first("As of {capture_time}?"), "View 1 of 2, captured 2023-05-01");
        assert_eq!(first("{capture_time} {camera_pose}?"), "View 1 of 2, captured 2023-05-01, camera heading 132°");
    }

    #[tokio::test]
    async fn a_single_view_has_no_caption() {
        let (access, _) = access_to(Vec::new());
        let views = two_views().views(0, &access).await.unwrap();
        assert_eq!((views.len(), views[0].caption.as_ref()), (1, None));
    }

    #[tokio::test]
    async fn a_row_is_cropped_to_its_own_box() {
        let input = two_views().with_options(cropped()).unwrap();
        let (access, _) = access_to(jpeg(100, 100));
        let mut widths = Vec::new();
        for row in 0..2 {
            let views = input.views(row, &access).await.unwrap();
            let ImagePart::Inline { data, .. } = &views[0].image else { panic!("it does not go along") };
            widths.push(::image::load_from_memory(data).unwrap().width());
        }
        assert_eq!(widths, [10, 20]);
    }

    #[test]
    fn a_row_without_a_box_is_an_image_error_and_never_the_whole_image() {
        let rows = [(Some("gs://one/a.jpg"), "t1", None), (Some("gs://one/b.jpg"), "t2", Some(10.0))];
        let input = observations(&rows).with_options(cropped()).unwrap();
        let problem = |row| input.check(row).map_err(|error| (error.kind(), error.message().to_owned())).unwrap_err();
        assert_eq!(
            problem(0),
            (ErrorKind::Image, "gs://one/a.jpg: there is no box in the column `bbox` to crop to".into())
        );
        assert!(
            problem(1).1.contains("the box (10, 10) to (10, 10) in the column `bbox` is empty"),
            "{:?}",
            problem(1)
        );
    }

    #[test]
    fn of_an_asset_only_views_that_can_be_sent_are() {
        let rows = [
            (None, "t1", Some(90.0)),
            (Some("gs://one/b.jpg"), "t1", None),
            (Some("gs://one/c.jpg"), "t1", Some(20.0)),
        ];
        let whole = observations(&rows).with_options(by_asset()).unwrap();
        assert_eq!(whole.sources(0).collect::<Vec<_>>(), [2, 1]);
        let cropped = observations(&rows).with_options(ImageOptions { crop: cropped().crop, ..by_asset() }).unwrap();
        assert_eq!(cropped.sources(0).collect::<Vec<_>>(), [2]);
        assert!(cropped.check(0).is_ok());
    }

    #[test]
    fn the_identity_tells_apart_what_is_asked_about_differently() {
        let of = |input: Input| input.identity(0).unwrap();
        assert_eq!(of(two_views()), "gs://one/a.jpg");
        let inline = ImageOptions { mode: ImageMode::Inline, ..ImageOptions::default() };
        assert_eq!(of(two_views().with_options(inline).unwrap()), "gs://one/a.jpg");
        assert_eq!(
            of(two_views().with_options(cropped()).unwrap()),
            "gs://one/a.jpg box (10, 10) to (20, 20) margin 0"
        );
        let grouped = of(two_views().with_options(by_asset()).unwrap());
        assert_eq!(grouped, "gs://two/b.jpg caption View 1 of 2\ngs://one/a.jpg caption View 2 of 2");
    }

    #[test]
    fn bytes_and_files_are_known_by_their_content() {
        let path = std::env::temp_dir().join(format!("streetlens-{}.jpg", uuid::Uuid::new_v4()));
        std::fs::write(&path, b"abc").unwrap();
        let images = vec![ImageSource::File(path.clone()), ImageSource::Bytes(bytes::Bytes::from_static(b"abc"))];
        let input = Input::from_list(images).unwrap();
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((input.identity(0).unwrap().as_str(), input.identity(1).unwrap().as_str()), (abc, abc));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(input.identity(0).unwrap(), abc, "a file is read once");
    }

    #[tokio::test]
    async fn what_gemini_may_not_read_is_sent_along_from_then_on() {
        let (access, objects) = access_to(jpeg(60, 50));
        let input = Input::from_uris(StringArray::from(vec!["gs://private/a.jpg", "gs://private/b.jpg"])).unwrap();
        let is_inline = |views: &[View]| matches!(views[0].image, ImagePart::Inline { .. });
        assert!(!is_inline(&input.views(0, &access).await.unwrap()));
        assert_eq!(input.after_refusal(0, &access), Next::SendInline);
        assert!(is_inline(&input.views(0, &access).await.unwrap()));
        assert!(is_inline(&input.views(1, &access).await.unwrap()));
        assert_eq!(objects.asked.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_bucket_nobody_may_read_is_given_up_after_a_few_rows() {
        let (access, objects) = access_to(Vec::new());
        let uris: StringArray = (0..10).map(|row| Some(format!("gs://closed/{row}.jpg"))).collect();
        let input = Input::from_uris(uris).unwrap();
        for row in 0..10 {
            if input.after_refusal(row, &access) == Next::SendInline {
                assert_eq!(input.views(row, &access).await.unwrap_err().kind(), ErrorKind::Image);
            }
        }
        assert_eq!(objects.asked.lock().unwrap().len(), 3);
    }

    #[test]
    fn a_mode_that_was_asked_for_is_not_left() {
        let (access, _) = access_to(Vec::new());
        let uri = ImageOptions { mode: ImageMode::Uri, ..ImageOptions::default() };
        assert_eq!(two_views().with_options(uri).unwrap().after_refusal(0, &access), Next::GiveUp);
        assert_eq!(two_views().with_options(cropped()).unwrap().after_refusal(0, &access), Next::GiveUp);
    }

    #[test]
    fn a_bucket_whose_images_were_read_is_not_left_for_one_object() {
        let (access, _) = access_to(Vec::new());
        let input = two_views();
        input.accepted(0, &access);
        assert_eq!(input.after_refusal(0, &access), Next::GiveUp);
        assert_eq!(input.after_refusal(1, &access), Next::SendInline);
    }

    #[test]
    fn a_column_of_contents_holds_images_too() {
        let contents: ArrayRef = Arc::new(arrow_array::BinaryArray::from(vec![Some(&b"12345"[..]), None]));
        let table = RecordBatch::try_from_iter_with_nullable([("picture", contents, true)]).unwrap();
        let input = Input::from_table(&table.schema(), &[table], "picture").unwrap();
        assert_eq!((input.shown(0), input.bucket(0)), ("5 bytes".to_owned(), None));
        assert!(input.check(0).is_ok() && input.check(1).is_err());
    }

    #[test]
    fn a_column_of_uris_is_not_copied() {
        let uris = StringArray::from(vec!["gs://one/a.jpg", "gs://two/b.jpg"]);
        let (held, texts) = (arrow_array::Array::get_buffer_memory_size(&uris), uris.value_data().as_ptr());
        let input = Input::from_uris(uris).unwrap();
        let Images::Uris(kept) = &input.images else { panic!("{input:?}") };
        assert_eq!((kept.value_data().as_ptr(), input.table.get_array_memory_size() < held + 1_000), (texts, true));
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        let none = two_views().with_options(ImageOptions { max_images: 0, ..by_asset() });
        assert!(none.unwrap_err().message().contains("`max_images=0`"));
        let crop = Some(Crop { column: "bbox".into(), margin: f64::NAN });
        let margin = two_views().with_options(ImageOptions { crop, ..ImageOptions::default() });
        assert!(margin.unwrap_err().message().contains("`crop_margin=NaN`"));
        let unknown = two_views().with_options(ImageOptions { group_by: Some("pole".into()), ..by_asset() });
        assert!(unknown.unwrap_err().message().contains("no column `pole` to group by"));
    }
}
