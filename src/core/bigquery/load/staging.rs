//! The table that rows wait in before one statement brings them to their place.

use chrono::{Duration, Utc};
use uuid::Uuid;

use super::super::BigQueryClient;
use super::super::wire::TableFieldSchema;
use super::target::Target;
use crate::error::Result;

/// When BigQuery removes a staging table by itself: a long upload has ended by then, and what a killed process left
/// behind does not stay.
const LASTS: Duration = Duration::hours(24);

/// A staging table, which is removed when it is dropped.
pub(super) struct Staging {
    client: BigQueryClient,
    table: Option<Target>,
    name: Target,
}

impl Staging {
    /// Makes one beside the target.
    pub(super) async fn create(client: &BigQueryClient, target: &Target, columns: &[TableFieldSchema]) -> Result<Self> {
        let name = target.beside(format!("_streetlens_staging_{}", Uuid::new_v4().simple()));
        // Held before it is made, so that it is removed also when nobody waits for the answer.
        let staging = Self { client: client.clone(), table: Some(name.clone()), name };
        let expiration = (Utc::now() + LASTS).timestamp_millis();
        client.create_table(&staging.name, columns, Some(expiration)).await?;
        Ok(staging)
    }

    pub(super) fn table(&self) -> &Target {
        &self.name
    }

    /// Removes it. What fails here has no part in the rows, and the table goes by itself later.
    pub(super) async fn remove(&mut self) {
        if let Err(error) = self.client.delete_table(&self.name).await {
            tracing::warn!(table = %self.name, %error, "a staging table could not be removed, and goes within a day");
        }
        self.table = None;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let (Some(table), Ok(runtime)) = (self.table.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let client = self.client.clone();
        runtime.spawn(async move {
            if let Err(error) = client.delete_table(&table).await {
                tracing::debug!(%table, %error, "a staging table goes within a day");
            }
        });
    }
}
