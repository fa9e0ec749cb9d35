//! JSON shapes of Analytics Hub v1.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A subscription to a listing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Subscription {
    /// Resource name.
    pub name: String,
    /// `STATE_ACTIVE`, `STATE_STALE` or `STATE_INACTIVE`.
    pub state: Option<String>,
    /// The listing's resource name; may hold a project number.
    pub listing: Option<String>,
    /// Linked data sets by listing.
    pub linked_dataset_map: BTreeMap<String, LinkedResource>,
    /// Where the data set was asked to be.
    pub destination_dataset: Option<DestinationDataset>,
}

/// A data set linked by a subscription.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LinkedResource {
    /// `projects/{project}/datasets/{dataset}`.
    pub linked_dataset: Option<String>,
}

/// The data set a subscription creates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationDataset {
    /// Project and data set id.
    #[serde(default)]
    pub dataset_reference: DatasetReference,
    /// BigQuery location.
    #[serde(default)]
    pub location: String,
    /// Name shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Description shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A data set's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DatasetReference {
    /// Project.
    pub project_id: String,
    /// Data set id.
    pub dataset_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscribeRequest<'a> {
    pub(super) destination_dataset: &'a DestinationDataset,
}

#[derive(Deserialize)]
pub(super) struct SubscribeResponse {
    #[serde(default)]
    pub(super) subscription: Subscription,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscriptionList {
    #[serde(default)]
    pub(super) subscriptions: Vec<Subscription>,
    #[serde(default)]
    pub(super) next_page_token: Option<String>,
}
