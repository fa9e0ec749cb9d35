//! Where requests go and how long they may take. The only reader of environment variables.

mod store;

use std::path::PathBuf;
use url::Url;

pub use store::{StoreLocation, StoreWish};

use crate::error::{Error, ErrorKind, Result};

/// Validated configuration of one client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Google Cloud project that is billed.
    pub project: String,
    /// Vertex AI location: a region, `global`, `us` or `eu`.
    pub region: String,
    /// Further locations that share the requests.
    pub more_regions: Vec<String>,
    /// Whether the user named the region, and so wants to hear of another one being used.
    pub is_region_named: bool,
    /// BigQuery and Analytics Hub location, for example `us`.
    pub location: String,
    /// Base addresses of the services.
    pub endpoints: Endpoints,
    /// The location as BigQuery writes it, where the user named one; BigQuery infers it from the tables otherwise.
    pub query_location: Option<String>,
    /// Extra certificate authorities, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// Where paid answers are kept.
    pub store: StoreLocation,
}

/// Base addresses; `None` means Google's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// BigQuery.
    pub bigquery: Option<Url>,
    /// BigQuery Storage (gRPC).
    pub bigquery_storage: Option<Url>,
    /// Vertex AI (Gemini).
    pub vertex: Option<Url>,
    /// Cloud Storage.
    pub storage: Option<Url>,
    /// Analytics Hub.
    pub sharing: Option<Url>,
}

/// The values of [`Settings`] as a user gave them.
#[derive(Debug, Clone, Default)]
pub struct SettingsInput {
    /// See [`Settings::project`].
    pub project: Option<String>,
    /// See [`Settings::region`].
    pub region: Option<String>,
    /// See [`Settings::more_regions`].
    pub more_regions: Vec<String>,
    /// See [`Settings::location`].
    pub location: Option<String>,
    /// One base address for every service.
    pub endpoint: Option<String>,
    /// Base addresses per service, which win over `endpoint`: `bigquery`, `bigquery_storage`, `vertex`,
    /// `storage`, `sharing`.
    pub endpoints: Vec<(String, String)>,
    /// See [`Settings::store`].
    pub store: StoreWish,
}

impl Settings {
    /// Strips, fills in from the environment and checks every value; contacts nothing.
    pub fn resolve(input: &SettingsInput) -> Result<Self> {
        Self::resolve_with(input, &from_environment)
    }

    /// [`Settings::resolve`] with the environment as an argument.
    pub fn resolve_with(input: &SettingsInput, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = filled_variable(environment);
        let project = input
            .project
            .clone()
            .or_else(|| variable("GOOGLE_CLOUD_PROJECT"))
            .or_else(|| variable("GCLOUD_PROJECT"))
            .ok_or_else(|| {
                invalid("project", "is not set", "pass `project=\"your-project-id\"` or set `GOOGLE_CLOUD_PROJECT`")
            })?;
        let endpoints = resolve_endpoints(input, &variable)?;
        let is_emulator = endpoints.vertex.as_ref().is_some_and(is_loopback);
        Ok(Self {
            project: checked_project(&project)?,
            region: checked_location("region", input.region.as_deref().unwrap_or("us-central1"), "us-central1")?,
            more_regions: input
                .more_regions
                .iter()
                .map(|region| checked_location("region", region, "us-central1"))
                .collect::<Result<_>>()?,
            is_region_named: input.region.is_some(),
            location: checked_location("location", input.location.as_deref().unwrap_or("us"), "us")?,
            store: store::resolve(&input.store, is_emulator, std::env::consts::OS, &variable)?,
            endpoints,
            ca_bundle: ca_bundle(environment),
            query_location: input.location.as_deref().map(query_location),
        })
    }
}

impl Endpoints {
    /// Whether every service that is set points at this machine, and at least one is.
    #[must_use]
    pub fn are_loopback(&self) -> bool {
        let all = [&self.bigquery, &self.bigquery_storage, &self.vertex, &self.storage, &self.sharing];
        all.iter().any(|url| url.is_some()) && all.iter().filter_map(|url| url.as_ref()).all(is_loopback)
    }
}

/// Whether the address is of this machine, so that a token sent there stays here.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether the address is of this machine or of its metadata server, which no proxy reaches.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    let is_metadata_server = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_link_local(),
        Some(url::Host::Domain(name)) => name == "metadata.google.internal",
        _ => false,
    };
    is_metadata_server || is_loopback(url)
}

/// The file of extra certificate authorities that other programs of this machine use.
#[must_use]
pub fn ca_bundle_from_environment() -> Option<PathBuf> {
    ca_bundle(&from_environment)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A variable that is set to nothing is not set.
fn filled_variable(environment: &dyn Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> {
    |name| environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn ca_bundle(environment: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
        .into_iter()
        .filter_map(environment)
        .map(PathBuf::from)
        .find(|path| path.is_file())
}

fn resolve_endpoints(input: &SettingsInput, variable: &dyn Fn(&str) -> Option<String>) -> Result<Endpoints> {
    let everywhere = input.endpoint.clone().or_else(|| variable("STREETLENS_ENDPOINT"));
    let of = |service: &str, emulator_variable: Option<&str>| -> Result<Option<Url>> {
        let own = input.endpoints.iter().find(|(name, _)| name == service).map(|(_, url)| url.clone());
        own.or_else(|| everywhere.clone())
            .or_else(|| emulator_variable.and_then(variable))
            .map(|text| checked_endpoint(&text))
            .transpose()
    };
    Ok(Endpoints {
        bigquery: of("bigquery", Some("BIGQUERY_EMULATOR_HOST"))?,
        bigquery_storage: of("bigquery_storage", None)?,
        vertex: of("vertex", None)?,
        storage: of("storage", Some("STORAGE_EMULATOR_HOST"))?,
        sharing: of("sharing", None)?,
    })
}

fn checked_endpoint(text: &str) -> Result<Url> {
    let text = text.trim();
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let with_scheme = with_scheme.trim_end_matches('/');
    let malformed =
        || invalid("endpoint", &format!("`{text}` is not an address"), "write it like `http://localhost:9050`");
    // Paths are appended, so that an address below a prefix works as well.
    let url = Url::parse(&format!("{with_scheme}/")).map_err(|_| malformed())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(malformed());
    }
    Ok(url)
}

fn checked_project(text: &str) -> Result<String> {
    let project = text.trim();
    let fix = "pass the project id shown in the Google Cloud console, for example `project=\"my-project\"`";
    if is_placeholder(project, &["PROJECT_ID", "YOUR_PROJECT_ID", "YOUR_PROJECT", "PROJECT"]) {
        return Err(invalid("project", &format!("is still the placeholder `{project}`"), fix));
    }
    // Domain-scoped ids read `example.com:project`; ids are 6 to 30 characters, but test servers accept shorter ones.
    let (domain, id) = project.rsplit_once(':').unwrap_or(("", project));
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.len() <= 63
        && !id.ends_with('-')
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_domain =
        domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    if (is_number || is_id) && is_domain {
        return Ok(project.to_owned());
    }
    let problem = if project.is_empty() { "is empty".to_owned() } else { format!("`{project}` is not a project id") };
    Err(invalid("project", &problem, fix))
}

fn checked_location(name: &str, text: &str, example: &str) -> Result<String> {
    let value = text.trim();
    let fix = format!("pass `{name}=\"{example}\"` or another Google Cloud location");
    if is_placeholder(value, &["REGION", "LOCATION", "YOUR_REGION", "YOUR_LOCATION"]) {
        return Err(invalid(name, &format!("is still the placeholder `{value}`"), &fix));
    }
    let location = value.to_ascii_lowercase();
    let well_formed = location.starts_with(|first: char| first.is_ascii_lowercase())
        && location.len() <= 40
        && !location.ends_with('-')
        && location.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if well_formed {
        return Ok(location);
    }
    let problem = if value.is_empty() { "is empty".to_owned() } else { format!("`{value}` is not a location") };
    Err(invalid(name, &problem, &fix))
}

fn query_location(text: &str) -> String {
    let location = text.trim();
    let is_multi_region = matches!(location.to_ascii_lowercase().as_str(), "us" | "eu");
    if is_multi_region { location.to_ascii_uppercase() } else { location.to_ascii_lowercase() }
}

fn is_placeholder(value: &str, placeholders: &[&str]) -> bool {
    let bare = value.trim_matches(|edge: char| "<>[]{}\"' ".contains(edge)).replace('-', "_");
    placeholders
        .iter()
        .any(|placeholder| bare.eq_ignore_ascii_case(placeholder) && (bare != "project" || value != "project"))
}

fn invalid(name: &str, problem: &str, fix: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("`{name}` {problem}")).with_hint(fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/me".to_owned())
    }

    fn resolve(project: &str, region: &str) -> Result<Settings> {
        let input =
            SettingsInput { project: Some(project.into()), region: Some(region.into()), ..SettingsInput::default() };
        Settings::resolve_with(&input, &home)
    }

    #[test]
    fn the_guides_trailing_spaces_are_stripped() {
        let settings = resolve(" my-project ", "us-central1 ").unwrap();
        assert_eq!((settings.project.as_str(), settings.region.as_str()), ("my-project", "us-central1"));
    }

    #[test]
    fn a_placeholder_is_refused_with_what_to_set() {
        for (project, region) in [("PROJECT_ID", "us-central1"), ("my-project", "REGION "), ("<project-id>", "us")] {
            let error = resolve(project, region).unwrap_err();
            assert!(error.to_string().contains("placeholder"), "{error}");
            assert!(error.details().hint.is_some());
        }
    }

    #[test]
    fn malformed_and_empty_values_are_refused_by_name() {
        for (project, region, named) in [
            ("", "us", "project"),
            ("My Project", "us", "project"),
            ("p/../q", "us", "project"),
            ("my-project", "", "region"),
            ("my-project", "us central", "region"),
            ("my-project", "us/evil", "region"),
        ] {
            let error = resolve(project, region).unwrap_err();
            assert!(error.message().starts_with(&format!("`{named}`")), "{error}");
        }
    }

    #[test]
    fn one_endpoint_serves_every_service_and_a_named_one_wins() {
        let input = SettingsInput {
            project: Some("demo".into()),
            endpoint: Some("http://localhost:9050/".into()),
            endpoints: vec![("vertex".into(), "https://example.test".into())],
            ..SettingsInput::default()
        };
        let endpoints = Settings::resolve_with(&input, &home).unwrap().endpoints;
        assert_eq!(endpoints.bigquery.as_ref().map(Url::as_str), Some("http://localhost:9050/"));
        assert_eq!(endpoints.vertex.as_ref().map(Url::as_str), Some("https://example.test/"));
        assert!(!endpoints.are_loopback());
    }

    #[test]
    fn the_project_falls_back_to_the_environment() {
        let settings = Settings::resolve_with(&SettingsInput::default(), &|name| {
            if name == "GOOGLE_CLOUD_PROJECT" { Some("from-environment".to_owned()) } else { home(name) }
        });
        assert_eq!(settings.unwrap().project, "from-environment");
    }
}
