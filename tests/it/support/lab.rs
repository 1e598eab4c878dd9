//! A lab: the shared control plane, and for each test its own namespace, simulator and operator.

use super::faulty_server::FaultyServer;
use super::operator::Operator;
use super::{eventually, world};
use cluster::{Cluster, Options};
use customimage_operator::kubernetes::{CustomImage, crd};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use simulator::{Simulator, World};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static NAMESPACES: AtomicU32 = AtomicU32::new(0);

pub const REGION: &str = "eu-west-1";

/// The fixtures of one test.
pub struct Lab {
    pub client: Client,
    pub namespace: String,
    pub kubeconfig: PathBuf,
    pub aws: Simulator,
    /// The URL of the API server.
    pub server: String,
    /// The file with the CA of its certificate.
    pub ca: PathBuf,
}

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::start_with(Options::default()).await.unwrap();
            let client = client_of(&cluster).await;
            let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
            crds.create(&PostParams::default(), &crd().unwrap()).await.unwrap();
            let images: Api<CustomImage> = Api::all(client);
            eventually("the CRD is served", || async {
                images.list(&ListParams::default()).await.map(|_| ()).map_err(|error| error.to_string())
            })
            .await;
            cluster
        })
        .await
}

async fn client_of(cluster: &Cluster) -> Client {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

impl Lab {
    pub async fn new(world: World) -> Self {
        let cluster = cluster().await;
        let client = client_of(cluster).await;
        let namespace = format!("lab-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        let aws = Simulator::start(world).await;
        Self {
            client,
            namespace,
            kubeconfig: cluster.kubeconfig_path().to_owned(),
            aws,
            server: cluster.server().to_owned(),
            ca: cluster.directory().join("ca.crt"),
        }
    }

    /// A lab whose AWS has only the bucket of the image configurations.
    pub async fn empty() -> Self {
        Self::new(world::world(REGION)).await
    }

    /// A lab with the available image `id`, and a CustomImage for it.
    pub async fn with_image(id: &str) -> Self {
        let mut world = world::world(REGION);
        world.images.push(world::image(id, REGION));
        let lab = Self::new(world).await;
        lab.create(id, json!({})).await;
        lab
    }

    /// A lab with the image `id`, which is being built, and a CustomImage for it.
    pub async fn with_build(id: &str) -> Self {
        let mut world = world::world(REGION);
        world.stacks.push(world::stack(id, REGION, "CREATE_IN_PROGRESS"));
        world.image_build_versions.push(world::build(id, REGION, "BUILDING"));
        let lab = Self::new(world).await;
        lab.create(id, json!({})).await;
        lab
    }

    pub async fn operator(&self, settings: &[(&str, &str)]) -> Operator {
        self.start(&self.kubeconfig, settings).await
    }

    /// An operator that reaches the API server through `server`.
    pub async fn operator_behind(&self, server: &FaultyServer, settings: &[(&str, &str)]) -> Operator {
        self.start(&server.kubeconfig(), settings).await
    }

    async fn start(&self, kubeconfig: &Path, settings: &[(&str, &str)]) -> Operator {
        let mine = [("CUSTOMIMAGE_NAMESPACE", self.namespace.as_str()), ("AWS_REGION", REGION)];
        let settings: Vec<_> = mine.iter().chain(settings).copied().collect();
        Operator::start(&self.aws.endpoint(), kubeconfig, &settings).await
    }

    /// A kubeconfig for a user without any rights.
    pub async fn kubeconfig_of(&self, user: &str) -> PathBuf {
        cluster().await.kubeconfig_for(user, &[]).unwrap()
    }

    /// Creates another namespace with these labels. Returns its name.
    pub async fn another_namespace(&self, labels: Value) -> String {
        let name = format!("lab-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        let object = serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap();
        Api::<Namespace>::all(self.client.clone()).create(&PostParams::default(), &object).await.unwrap();
        name
    }

    /// Gives `user` these rights in the whole cluster.
    pub async fn grant_cluster(&self, user: &str, rules: Value) {
        let (api, name) = ("rbac.authorization.k8s.io", user.replace(':', "."));
        let role = json!({"metadata": {"name": name}, "rules": rules});
        let binding = json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": api, "kind": "User", "name": user}]
        });
        let roles: Api<ClusterRole> = Api::all(self.client.clone());
        roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
        let bindings: Api<ClusterRoleBinding> = Api::all(self.client.clone());
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    }

    /// The same AWS, seen from the namespace `default` of another cluster.
    pub async fn of_cluster(self, cluster: &Cluster) -> Self {
        Self {
            client: client_of(cluster).await,
            namespace: "default".to_owned(),
            kubeconfig: cluster.kubeconfig_path().to_owned(),
            server: cluster.server().to_owned(),
            ca: cluster.directory().join("ca.crt"),
            aws: self.aws,
        }
    }

    /// A signed token with these claims.
    pub async fn sign(&self, claims: &Value) -> String {
        cluster().await.token(claims).unwrap()
    }

    /// The same lab, in another namespace.
    pub fn within(self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self }
    }

    /// An operator with only the rights that docs/installation.md lists.
    pub async fn restricted_operator(&self) -> Operator {
        let user = format!("operator-of-{}", self.namespace);
        let images = json!([
            {"apiGroups": ["parallelcluster.dev"], "resources": ["customimages"], "verbs": ["list", "watch"]},
            {"apiGroups": ["parallelcluster.dev"], "resources": ["customimages/status"], "verbs": ["patch", "update"]},
            {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}
        ]);
        let leases = json!([
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}
        ]);
        self.grant(&self.namespace, &user, images).await;
        self.grant("default", &user, leases).await;
        let kubeconfig = cluster().await.kubeconfig_for(&user, &[]).unwrap();
        let settings = [
            ("CUSTOMIMAGE_NAMESPACE", self.namespace.as_str()),
            ("AWS_REGION", REGION),
            ("CUSTOMIMAGE_LEADER_ELECTION", "true"),
        ];
        Operator::start(&self.aws.endpoint(), &kubeconfig, &settings).await
    }

    pub async fn grant(&self, namespace: &str, user: &str, rules: Value) {
        let api = "rbac.authorization.k8s.io";
        let role = json!({"metadata": {"name": user}, "rules": rules});
        let binding = json!({
            "metadata": {"name": user},
            "roleRef": {"apiGroup": api, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": api, "kind": "User", "name": user}]
        });
        let roles: Api<Role> = Api::namespaced(self.client.clone(), namespace);
        roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
        let bindings: Api<RoleBinding> = Api::namespaced(self.client.clone(), namespace);
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    }

    pub fn images(&self) -> Api<CustomImage> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates a CustomImage named like its image.
    pub async fn create(&self, id: &str, spec: Value) -> CustomImage {
        self.try_create(&id.to_lowercase(), id, spec).await.unwrap()
    }

    pub async fn try_create(&self, name: &str, id: &str, mut spec: Value) -> kube::Result<CustomImage> {
        spec["imageId"] = id.into();
        let object = json!({
            "apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "metadata": {"name": name}, "spec": spec
        });
        self.images().create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await
    }

    pub async fn get(&self, name: &str) -> CustomImage {
        self.images().get(name).await.unwrap()
    }

    pub async fn merge(&self, name: &str, patch: Value) -> kube::Result<CustomImage> {
        self.images().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    /// Waits until Ready has this status and reason. Returns the object.
    pub async fn ready(&self, name: &str, status: &str, reason: &str) -> CustomImage {
        self.condition(name, "Ready", status, reason).await
    }

    pub async fn condition(&self, name: &str, type_: &str, status: &str, reason: &str) -> CustomImage {
        let what = format!("{name} has {type_}={status} {reason}");
        eventually(&what, || async {
            let object = self.get(name).await;
            match condition_of(&object, type_) {
                Some((has, why)) if has == status && why == reason => Ok(object),
                _ => Err(serde_json::to_string_pretty(&object.status).unwrap()),
            }
        })
        .await
    }

    /// Waits for an Event with this reason about an object.
    pub async fn event(&self, name: &str, reason: &str) {
        eventually(&format!("an Event {reason} about {name}"), || async {
            let events = self.events(name).await;
            if events.iter().any(|event| event == reason) { Ok(()) } else { Err(format!("{events:?}")) }
        })
        .await;
    }

    /// The reasons of the Events about an object, oldest first.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name));
        events.sort_by_key(|event| event.event_time.clone().map(|time| time.0));
        events.into_iter().filter_map(|event| event.reason).collect()
    }

    /// Type and note of the latest Event with this reason about an object; empty if there is none.
    pub async fn event_of(&self, name: &str, reason: &str) -> (String, String) {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        let is_about = |event: &Event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name);
        events.retain(|event| is_about(event) && event.reason.as_deref() == Some(reason));
        events.sort_by_key(|event| event.event_time.clone().map(|time| time.0));
        let latest = events.pop().unwrap_or_default();
        (latest.type_.unwrap_or_default(), latest.note.unwrap_or_default())
    }

    /// The object's resourceVersion. It changes with every write.
    pub async fn version(&self, name: &str) -> String {
        self.get(name).await.resource_version().unwrap()
    }
}

/// Status and reason of a condition.
pub fn condition_of<'a>(object: &'a CustomImage, type_: &str) -> Option<(&'a str, &'a str)> {
    let conditions = &object.status.as_ref()?.conditions;
    let condition = conditions.iter().find(|condition| condition.type_ == type_)?;
    Some((&condition.status, &condition.reason))
}

/// Message of a condition.
pub fn message_of(object: &CustomImage, type_: &str) -> String {
    let conditions = &object.status.as_ref().unwrap().conditions;
    conditions.iter().find(|condition| condition.type_ == type_).map(|c| c.message.clone()).unwrap_or_default()
}
