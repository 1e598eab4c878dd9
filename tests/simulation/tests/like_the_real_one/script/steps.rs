//! The steps of a script: each is a request of one kind, or a list with its pages.

use super::super::sides::Asked;
use super::statuses::image;
use super::{JSON, LEASES, Script};
use serde_json::json;

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl Script<'_> {
    pub(super) async fn create(&mut self) {
        let (path, name) = self.collection();
        let mut body = image(&name, json!({"spec": {"imageId": self.one_of(&["x", "y"])}, "status": {"region": "r"}}));
        if self.random.bool() {
            body["metadata"]["labels"] = json!({"team": self.one_of(&["hpc", "web"])});
        }
        let manager = self.one_of(&["kubectl", "flux"]);
        self.ask("POST", format!("{path}?fieldManager={manager}"), JSON, JSON, Some(body)).await;
    }

    pub(super) async fn delete(&mut self) {
        let (path, name) = self.collection();
        self.ask("DELETE", format!("{path}/{name}"), JSON, JSON, None).await;
    }

    pub(super) async fn apply(&mut self) {
        let (path, name) = self.collection();
        let path = format!("{path}/{name}");
        let status = self.status();
        let mut body = image(&name, json!({"status": status}));
        if let Some(version) = self.version(&path) {
            body["metadata"]["resourceVersion"] = json!(version);
        }
        let (manager, force) =
            (self.one_of(&["operator", "operator", "other"]), self.one_of(&["true", "true", "false"]));
        let path = format!("{path}/status?fieldManager={manager}&force={force}");
        self.ask("PATCH", path, APPLY, JSON, Some(body)).await;
    }

    pub(super) async fn replace_status(&mut self) {
        let (path, name) = self.collection();
        let path = format!("{path}/{name}");
        let Some(mut body) = self.known(&path) else { return };
        if self.random.u8(0..4) > 0 {
            body["status"] = self.status();
        }
        if self.random.u8(0..4) == 0 {
            body["spec"]["suspend"] = json!(true);
            body["metadata"]["labels"] = json!({"team": "none"});
        }
        self.without_some(&mut body);
        let manager = self.one_of(&["operator", "intruder"]);
        self.ask("PUT", format!("{path}/status?fieldManager={manager}"), JSON, JSON, Some(body)).await;
    }

    pub(super) async fn change_spec(&mut self) {
        let (path, name) = self.collection();
        let path = format!("{path}/{name}");
        if self.random.bool() {
            let value = self.one_of(&["1", "2"]);
            let patch = match self.random.u8(0..4) {
                0 => json!({"metadata": {"annotations": {"at": null}}}),
                1 => json!({"spec": {"suspend": self.random.bool()}}),
                2 => json!({"status": {"region": "ignored"}}),
                _ => json!({"metadata": {"annotations": {"at": value}, "labels": {"n": value}}}),
            };
            self.ask("PATCH", format!("{path}?fieldManager=kubectl"), MERGE, JSON, Some(patch)).await;
            return;
        }
        let Some(mut body) = self.known(&path) else { return };
        body["spec"]["suspend"] = json!(self.random.bool());
        body["status"] = json!({"region": "ignored"});
        self.without_some(&mut body);
        self.ask("PUT", format!("{path}?fieldManager=kubectl"), JSON, JSON, Some(body)).await;
    }

    pub(super) async fn get(&mut self) {
        let (path, name) = self.collection();
        let accept = self.one_of(&[JSON, METADATA]);
        self.ask("GET", format!("{path}/{name}"), JSON, accept, None).await;
    }

    pub(super) async fn list(&mut self) {
        let (path, _) = self.collection();
        let accept = self.one_of(&[JSON, METADATA_LIST]);
        let selector = self.one_of(&["", "", "&labelSelector=team%3Dhpc", "&fieldSelector=metadata.name%3Done"]);
        if self.random.u8(0..4) == 0 {
            // It may come from the server's cache.
            self.side.catches_up().await;
            self.ask("GET", format!("{path}?resourceVersion=0{selector}"), JSON, accept, None).await;
            return;
        }
        let limit = self.random.u8(0..4);
        let mut token = String::new();
        loop {
            let page = format!("{path}?limit={limit}{selector}&continue={token}");
            let answer = self.ask("GET", page, JSON, accept, None).await;
            token = answer["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                return;
            }
            if self.random.bool() {
                self.create().await;
            }
        }
    }

    pub(super) async fn watch(&mut self) {
        let (path, _) = self.collection();
        let accept = self.one_of(&[JSON, METADATA]);
        let query = match self.random.u8(0..3) {
            0 => "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0&allowWatchBookmarks=true"
                .to_owned(),
            1 => "resourceVersion=1".to_owned(),
            _ => match self.versions.len() {
                0 => return,
                known => {
                    format!("resourceVersion={}", self.versions[self.random.usize(known.saturating_sub(12)..known)])
                }
            },
        };
        let path = format!("{path}?watch=true&timeoutSeconds=100&{query}");
        let asked = Asked { method: "GET", path, content_type: JSON, accept, body: None };
        let mut watch = self.side.watch(&asked).await;
        let events = watch.events().await;
        self.note(&asked, watch.code, &events);
        if watch.code != 200 || self.random.bool() {
            return;
        }
        // What it brings while it is open.
        for _ in 0..self.random.u8(1..4) {
            match self.random.u8(0..4) {
                0 => self.create().await,
                1 => self.delete().await,
                2 => self.change_spec().await,
                _ => self.apply().await,
            }
        }
        let mut events = watch.events().await;
        // A real server sends bookmarks at its own times.
        if let Some(events) = events.as_array_mut() {
            events.retain(|event| event["type"] != "BOOKMARK");
        }
        self.note(&asked, watch.code, &events);
    }

    pub(super) async fn lease(&mut self) {
        let (namespace, name) = (self.namespace(), self.one_of(&["l", "m"]));
        let path = format!("{LEASES}/namespaces/{namespace}/leases");
        let holder = self.one_of(&["one", "two", ""]);
        let mut body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "labels": {"by": "script"}},
            "spec": {"leaseDurationSeconds": 15, "renewTime": "2026-11-24T10:00:00.123456Z", "leaseTransitions": 0}
        });
        if !holder.is_empty() {
            body["spec"]["holderIdentity"] = json!(holder);
        }
        match self.random.u8(0..5) {
            0 => drop(self.ask("POST", path, JSON, JSON, Some(body)).await),
            1 => drop(self.ask("GET", format!("{path}/{name}"), JSON, JSON, None).await),
            2 => drop(self.ask("GET", format!("{path}?labelSelector=by%3Dscript"), JSON, JSON, None).await),
            _ => {
                let path = format!("{path}/{name}");
                let Some(version) = self.version(&path) else { return };
                body["metadata"]["resourceVersion"] = json!(version);
                self.ask("PUT", path, JSON, JSON, Some(body)).await;
            }
        }
    }

    pub(super) async fn event(&mut self) {
        let (namespace, name) = (self.namespace(), self.one_of(&["e", "f"]));
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        if self.random.bool() {
            let event = json!({
                "apiVersion": "events.k8s.io/v1", "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "action": "Reconcile", "eventTime": "2026-11-24T10:00:00.123456Z", "note": "it is there",
                "reason": "ImageAvailable", "type": "Normal",
                "regarding": {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "namespace": namespace},
                "reportingController": "script", "reportingInstance": "script"
            });
            self.ask("POST", path, JSON, JSON, Some(event)).await;
        } else {
            let patch = json!({"series": {"count": 2, "lastObservedTime": "2026-11-24T10:00:00.000000Z"}});
            self.ask("PATCH", format!("{path}/{name}"), MERGE, JSON, Some(patch)).await;
        }
    }
}
