//! Subscribes to the data set of a customer, once, however often it is called.

use crate::bigquery::BigQueryClient;
use crate::bigquery::tables::DatasetName;
use crate::error::{Error, ErrorKind, Result};
use crate::sharing::wire::{DatasetReference, DestinationDataset};
use crate::sharing::{Listing, SharingClient, Subscription};

/// Whose data set, and every name that differs from the guide's.
#[derive(Debug, Clone, Default)]
pub struct SubscribeOptions {
    /// Google's customer id, with dashes or underscores.
    pub customer_id: String,
    /// The project that subscribes.
    pub project: String,
    /// BigQuery location, for example `us`.
    pub location: String,
    /// Publisher's project; `maps-platform-analytics-hub` otherwise.
    pub publisher: Option<String>,
    /// Data exchange; `imagery_insights_exchange_{location}` otherwise.
    pub exchange: Option<String>,
    /// Listing; `imagery_insights_{customer_id}__{location}` otherwise.
    pub listing: Option<String>,
    /// Data set to create; `imagery_insights___preview___{location}` otherwise.
    pub dataset: Option<String>,
    /// Project to create it in; the subscribing project otherwise.
    pub dataset_project: Option<String>,
}

/// A data set that a subscription linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedDataset {
    /// Project.
    pub project: String,
    /// Data set id.
    pub dataset: String,
    /// BigQuery location.
    pub location: String,
    /// Listing's resource name.
    pub listing: String,
    /// Subscription's resource name, where Analytics Hub tells it.
    pub subscription: Option<String>,
    /// Whether this call created it.
    pub is_new: bool,
}

/// Subscribes, or returns the linked data set that is there.
pub async fn subscribe(
    sharing: &SharingClient,
    bigquery: &BigQueryClient,
    options: &SubscribeOptions,
) -> Result<LinkedDataset> {
    let listing = listing(options)?;
    let wanted = DatasetReference {
        project_id: checked(options.dataset_project.as_ref().unwrap_or(&options.project))?,
        dataset_id: dataset_id(options)?,
    };
    match find(sharing, options, &listing, &wanted).await {
        Ok(Some(existing)) => {
            tracing::debug!(listing = %existing.listing, dataset = existing.dataset, "subscribed already");
            return Ok(existing);
        }
        Err(error) if error.kind() == ErrorKind::Authentication => return Err(error),
        // Who may subscribe need not be allowed to list; then the subscription itself tells.
        Err(error) => tracing::debug!(%error, "the subscriptions could not be listed"),
        Ok(None) => {}
    }
    let destination = DestinationDataset {
        dataset_reference: wanted.clone(),
        location: options.location.clone(),
        ..DestinationDataset::default()
    };
    match sharing.subscribe(&listing.to_string(), &destination).await {
        Ok(subscription) => {
            tracing::info!(%listing, dataset = wanted.dataset_id, "subscribed");
            Ok(linked(options, &listing, wanted, subscription.name, true))
        }
        Err(refusal) if refusal.kind() == ErrorKind::AlreadyExists => {
            // Somebody may have subscribed between the two calls.
            match find(sharing, options, &listing, &wanted).await {
                Ok(Some(existing)) => Ok(existing),
                Ok(None) | Err(_) => Err(occupied(bigquery, &listing, &wanted, refusal).await),
            }
        }
        Err(error) => Err(error),
    }
}

fn listing(options: &SubscribeOptions) -> Result<Listing> {
    let customer = options.customer_id.trim().replace('-', "_");
    if options.listing.is_none() {
        let well_formed = !customer.is_empty() && customer.chars().all(|l| l.is_ascii_alphanumeric() || l == '_');
        if !well_formed || customer.eq_ignore_ascii_case("CUSTOMER_ID") {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("`{}` is not a customer id", options.customer_id),
            )
            .with_hint("pass the id Google gave you with the data set, for example `1234-5678`"));
        }
    }
    let location = &options.location;
    let name = |given: &Option<String>, default: String| checked(given.as_ref().unwrap_or(&default));
    Ok(Listing {
        project: name(&options.publisher, "maps-platform-analytics-hub".to_owned())?,
        location: location.clone(),
        exchange: name(&options.exchange, format!("imagery_insights_exchange_{location}"))?,
        listing: name(&options.listing, format!("imagery_insights_{customer}__{location}"))?,
    })
}

fn dataset_id(options: &SubscribeOptions) -> Result<String> {
    let default = format!("imagery_insights___preview___{}", options.location.replace('-', "_"));
    checked(options.dataset.as_ref().unwrap_or(&default))
}

fn checked(name: &str) -> Result<String> {
    let name = name.trim();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-.:".contains(letter);
    if !name.is_empty() && name.chars().all(allowed) {
        return Ok(name.to_owned());
    }
    Err(Error::new(ErrorKind::Configuration, format!("`{name}` is not a name Analytics Hub or BigQuery allows"))
        .with_hint("pass the bare name, not a path"))
}

/// The linked data set of this listing: the wanted one, or another if the user named none.
async fn find(
    sharing: &SharingClient,
    options: &SubscribeOptions,
    listing: &Listing,
    wanted: &DatasetReference,
) -> Result<Option<LinkedDataset>> {
    let subscriptions = sharing.subscriptions(&options.project, &options.location).await?;
    let mut candidates: Vec<(DatasetReference, String)> = subscriptions
        .into_iter()
        .filter(|subscription| is_usable(subscription, listing))
        .filter_map(|subscription| Some((linked_dataset(&subscription, listing)?, subscription.name)))
        .collect();
    let exact = candidates.iter().position(|(dataset, _)| is_same(dataset, wanted));
    let chosen = match exact {
        Some(position) => Some(candidates.swap_remove(position)),
        None if options.dataset.is_none() && options.dataset_project.is_none() => candidates.into_iter().next(),
        None => None,
    };
    Ok(chosen.map(|(mut dataset, name)| {
        if dataset.project_id.bytes().all(|byte| byte.is_ascii_digit()) {
            dataset.project_id.clone_from(&wanted.project_id);
        }
        linked(options, listing, dataset, name, false)
    }))
}

/// The data sets that subscriptions to Street View Insights are linked to.
pub(super) async fn linked_datasets(
    sharing: &SharingClient,
    project: &str,
    location: &str,
) -> Result<Vec<DatasetName>> {
    let subscriptions = sharing.subscriptions(project, location).await?;
    let of_insights = subscriptions.iter().filter(|subscription| {
        subscription.state.as_deref() != Some("STATE_INACTIVE")
            && subscription.listing.as_deref().is_some_and(|listing| listing.contains("imagery_insights"))
    });
    Ok(of_insights
        .filter_map(linked_to)
        .map(|DatasetReference { project_id, dataset_id }| {
            // Analytics Hub may name a project by its number.
            let is_number = project_id.bytes().all(|byte| byte.is_ascii_digit());
            DatasetName { project_id: if is_number { project.to_owned() } else { project_id }, dataset_id }
        })
        .collect())
}

fn linked_to(subscription: &Subscription) -> Option<DatasetReference> {
    let mut resources = subscription.linked_dataset_map.values();
    let named = resources.find_map(|resource| parse_dataset(resource.linked_dataset.as_deref()?));
    named.or_else(|| subscription.destination_dataset.as_ref().map(|dataset| dataset.dataset_reference.clone()))
}

fn parse_dataset(name: &str) -> Option<DatasetReference> {
    let (project, dataset) = name.strip_prefix("projects/")?.split_once("/datasets/")?;
    Some(DatasetReference { project_id: project.to_owned(), dataset_id: dataset.to_owned() })
}

fn is_usable(subscription: &Subscription, listing: &Listing) -> bool {
    subscription.state.as_deref() != Some("STATE_INACTIVE")
        && subscription.listing.as_deref().is_some_and(|name| listing.is_named(name))
}

fn linked_dataset(subscription: &Subscription, listing: &Listing) -> Option<DatasetReference> {
    let of_listing = subscription.linked_dataset_map.iter().find(|(name, _)| listing.is_named(name));
    let resource = of_listing.or_else(|| subscription.linked_dataset_map.iter().next());
    let named = resource.and_then(|(_, resource)| resource.linked_dataset.as_deref()).and_then(parse_dataset);
    named.or_else(|| subscription.destination_dataset.as_ref().map(|dataset| dataset.dataset_reference.clone()))
}

/// Analytics Hub may name a project by its number.
fn is_same(found: &DatasetReference, wanted: &DatasetReference) -> bool {
    let is_number = found.project_id.bytes().all(|byte| byte.is_ascii_digit());
    found.dataset_id == wanted.dataset_id && (is_number || found.project_id == wanted.project_id)
}

fn linked(
    options: &SubscribeOptions,
    listing: &Listing,
    dataset: DatasetReference,
    subscription: String,
    is_new: bool,
) -> LinkedDataset {
    LinkedDataset {
        project: dataset.project_id,
        dataset: dataset.dataset_id,
        location: options.location.clone(),
        listing: listing.to_string(),
        subscription: (!subscription.is_empty()).then_some(subscription),
        is_new,
    }
}

/// The error for a data set of the wanted name that is something else.
async fn occupied(bigquery: &BigQueryClient, listing: &Listing, wanted: &DatasetReference, refusal: Error) -> Error {
    let DatasetReference { project_id, dataset_id } = wanted;
    let what = match bigquery.dataset(project_id, dataset_id).await {
        Ok(dataset) => match dataset.linked_dataset_source {
            Some(source) => {
                let source = source.source_dataset;
                format!("is linked to `{}.{}`, not to this listing", source.project_id, source.dataset_id)
            }
            None => "is an ordinary data set, not one linked to this listing".to_owned(),
        },
        Err(_) => format!("is in the way: {}", refusal.message()),
    };
    Error::new(ErrorKind::AlreadyExists, format!("the data set `{project_id}.{dataset_id}` {what} (`{listing}`)"))
        .with_service("Analytics Hub", 409)
        .with_hint("pass another name with `dataset=`, or delete that data set")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(customer_id: &str) -> SubscribeOptions {
        SubscribeOptions {
            customer_id: customer_id.into(),
            project: "demo".into(),
            location: "us".into(),
            ..SubscribeOptions::default()
        }
    }

    #[test]
    fn names_are_built_as_the_guide_builds_them() {
        let listing = listing(&options("1234-5678 ")).unwrap().to_string();
        assert_eq!(
            listing,
            "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us\
             /listings/imagery_insights_1234_5678__us"
        );
        assert_eq!(dataset_id(&options("1")).unwrap(), "imagery_insights___preview___us");
    }

    #[test]
    fn a_placeholder_or_a_path_is_refused() {
        for customer_id in ["CUSTOMER_ID", "", "12/34"] {
            assert!(listing(&options(customer_id)).is_err(), "{customer_id}");
        }
        let bad = SubscribeOptions { dataset: Some("a/b".into()), ..options("1") };
        assert!(dataset_id(&bad).is_err());
    }

    #[test]
    fn a_listing_named_by_project_number_is_the_same() {
        let listing = listing(&options("1")).unwrap();
        let by_number = listing.to_string().replace("maps-platform-analytics-hub", "123456");
        assert!(listing.is_named(&by_number));
        assert!(!listing.is_named("projects/123456"));
    }
}
