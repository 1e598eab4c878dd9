//! Writes the statuses of CustomImages as fast as a client can that knows them already: each as the operator does it, by one
//! server-side apply that carries the resourceVersion. What takes longer than this is the operator's own.

use clap::Parser;
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    namespace: String,
    /// A list of CustomImages as the API server gives it: where the statuses are taken from
    #[arg(long)]
    statuses: PathBuf,
    /// Writes at once
    #[arg(long)]
    concurrency: usize,
}

/// Prints the seconds from the first write to the last.
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
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

/// What is to be sent, by the name of its object; all objects must be there.
async fn bodies(api: &Api<DynamicObject>, list: &Value) -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let there = api.list(&ListParams::default()).await?.items;
    let versions: HashMap<_, _> = there.iter().map(|object| (object.name_any(), object.resource_version())).collect();
    let items = list["items"].as_array().ok_or("no list")?;
    let body = |item: &Value| {
        let name = item["metadata"]["name"].as_str()?;
        let metadata = json!({"name": name, "resourceVersion": versions.get(name)?});
        let status = &item["status"];
        let body = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": metadata, "status": status});
        Some((name.to_owned(), body))
    };
    items.iter().map(|item| body(item).ok_or_else(|| "a status without its object".into())).collect()
}
