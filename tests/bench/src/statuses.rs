//! Writes statuses of CustomImages that it already knows, as fast as it can. It writes each status as the operator does: by
//! one server-side apply with the resourceVersion. The time that the operator needs beyond this is its own work.

use super::Failure;
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    namespace: String,
    /// JSON file with a list of CustomImages from the API server: the statuses to write
    #[arg(long)]
    statuses: PathBuf,
    /// Number of concurrent writes
    #[arg(long)]
    concurrency: usize,
}

/// Prints the seconds from the start of the first write to the end of the last.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("parallelcluster.dev", "v1", "CustomImage"));
    let api: Api<DynamicObject> = Api::namespaced_with(Client::try_default().await?, &arguments.namespace, &kind);
    let bodies = bodies(&api, &serde_json::from_slice(&std::fs::read(&arguments.statuses)?)?).await?;
    let params = PatchParams::apply("customimage-operator").force();
    let begun = Instant::now();
    stream::iter(bodies)
        .map(|(name, body)| {
            let (api, params) = (&api, &params);
            async move { api.patch_status(&name, params, &Patch::Apply(body)).await }
        })
        .buffer_unordered(arguments.concurrency)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    println!("{:.3}", begun.elapsed().as_secs_f64());
    Ok(())
}

/// The names of the objects, each with the body to send. All objects must exist.
async fn bodies(api: &Api<DynamicObject>, list: &Value) -> Result<Vec<(String, Value)>, Failure> {
    let there = api.list(&ListParams::default()).await?.items;
    let versions: HashMap<_, _> = there.iter().map(|object| (object.name_any(), object.resource_version())).collect();
    let items = list["items"].as_array().ok_or("the file of statuses has no items")?;
    let body = |item: &Value| {
        let name = item["metadata"]["name"].as_str()?;
        let metadata = json!({"name": name, "resourceVersion": versions.get(name)?});
        let status = &item["status"];
        let body = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": metadata, "status": status});
        Some((name.to_owned(), body))
    };
    items.iter().map(|item| body(item).ok_or_else(|| "a status without an object".into())).collect()
}
