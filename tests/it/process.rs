use crate::support::lab::{Lab, REGION};
use crate::support::operator::Operator;
use crate::support::world::{image, world};
use crate::support::{eventually, run};
use cluster::Cluster;
use customimage_operator::kubernetes::{CustomImage, crd};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::{Api, Client, Config};
use serde_json::json;
use simulator::Simulator;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[test]
fn probes_and_metrics_answer_and_sigterm_exits_with_0() {
    run(async {
        let mut world = world(REGION);
        world.images.push(image("hpc", REGION));
        let lab = Lab::new(world).await;
        lab.create("hpc", json!({})).await;
        lab.create("missing", json!({})).await;
        let operator = lab.operator(&[("CUSTOMIMAGE_LOG_FORMAT", "text")]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        lab.ready("missing", "False", "NotFound").await;
        assert_eq!(operator.get("/livez").await.0, 200);
        assert_eq!(operator.get("/readyz").await.0, 200);
        eventually("both objects are counted", || async {
            let there = operator.metric("customimage_objects{reason=\"ImageAvailable\"}").await;
            let missing = operator.metric("customimage_objects{reason=\"NotFound\"}").await;
            if (there, missing) == (1.0, 1.0) { Ok(()) } else { Err(format!("{there} {missing}")) }
        })
        .await;
        let (_, text) = operator.get("/metrics").await;
        for name in [
            "customimage_aws_calls_total{service=\"EC2\",operation=\"DescribeImages\",outcome=\"success\"}",
            "customimage_aws_call_duration_seconds_bucket",
            "customimage_reconciles_total",
            "customimage_status_writes_total{result=\"applied\"}",
            "customimage_oldest_observation_age_seconds",
            "customimage_observation_age_seconds{quantile=\"0.99\"}",
            "customimage_effective_interval_seconds{state=\"settled\"}",
            "customimage_objects{reason=\"OrphanedImage\"} 0",
            "customimage_stalled_objects{reason=\"NotFound\"} 0",
            "customimage_build_info{version=",
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_start_time_seconds",
            "process_open_fds",
            "process_max_fds",
        ] {
            assert!(text.contains(name), "{name} is not in {text}");
        }
        assert!(!text.contains(&lab.namespace), "no label contains a namespace");
        assert_eq!(operator.terminate().await, 0);
    });
}

#[test]
fn an_object_that_aws_is_not_asked_for_does_not_age() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        lab.create("mistyped", json!({"region": "xx-nope-1"})).await;
        lab.create("foreign", json!({"identity": "nobodys"})).await;
        let operator = lab.operator(&[]).await;
        lab.ready("mistyped", "Unknown", "UnknownRegion").await;
        lab.ready("foreign", "Unknown", "IdentityNotAllowed").await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let begun = Instant::now();
        eventually("four seconds have passed, and the oldest answer is younger", || async {
            let age = operator.metric("customimage_oldest_observation_age_seconds").await;
            let is_over = begun.elapsed() > Duration::from_secs(4);
            if is_over && age < 3.0 { Ok(()) } else { Err(format!("{age} s")) }
        })
        .await;
        let stalled = r#"customimage_stalled_objects{reason="UnknownRegion"}"#;
        assert_eq!(operator.metric(stalled).await, 1.0, "nothing is expected to happen");
    });
}

#[test]
fn the_probes_of_an_operator_that_listens_on_ipv6_answer_on_ipv4_too() {
    run(async {
        let lab = Lab::empty().await;
        let mut operator = lab.operator(&[("CUSTOMIMAGE_LISTEN", "[::]:0")]).await;
        let port = operator.address.rsplit(':').next().unwrap().to_owned();
        operator.address = format!("127.0.0.1:{port}");
        assert_eq!(operator.get("/livez").await.0, 200);
    });
}

/// Opens connections without end. Each sends half of a request, and the newest are held.
async fn hammer(address: String, held: usize, opened: Arc<AtomicUsize>) {
    let mut connections = VecDeque::new();
    loop {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // The operator may have closed it already.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nx: ").await;
        connections.push_back(stream);
        opened.fetch_add(1, Ordering::Relaxed);
        if connections.len() > held {
            connections.pop_front();
        }
    }
}

#[test]
#[ignore = "alone: it measures time, so `make test` runs it after the others"]
fn probes_are_answered_in_time_while_half_requests_hold_all_connections_and_all_files() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let (opened, files) = (Arc::new(AtomicUsize::new(0)), operator.files());
        // Fewer than the usual limit of 1,024 files, because this process has other tests, too.
        let hammer = tokio::spawn(hammer(operator.address.clone(), 500, opened.clone()));
        let probed = async |until: usize| {
            let (mut rounds, mut paths) = (0, [("/livez", 0), ("/readyz", 0), ("/metrics", 0)]);
            while rounds < 4 || opened.load(Ordering::Relaxed) < until {
                rounds += 1;
                for (path, late) in &mut paths {
                    let begin = Instant::now();
                    assert_eq!(operator.get(path).await.0, 200, "{path}");
                    // The kubelet forgives two in a row.
                    *late = if begin.elapsed() > Duration::from_secs(1) { *late + 1 } else { 0 };
                    assert!(*late < 3, "{path} was late three times in a row");
                }
            }
        };
        probed(3_000).await;
        assert_eq!(operator.lines("cannot accept"), 0, "{:?}", operator.log());
        operator.limit_files(files + 40).await;
        probed(6_000).await;
        assert_eq!(operator.logged("cannot accept a connection").await, 1);
        hammer.abort();
        assert_eq!(operator.terminate().await, 0);
    });
}

async fn client(cluster: &Cluster) -> Client {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig_path()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

async fn is_ready(client: &Client, name: &str) -> Result<(), String> {
    let images: Api<CustomImage> = Api::namespaced(client.clone(), "default");
    let object = images.get(name).await.map_err(|error| error.to_string())?;
    match crate::support::lab::condition_of(&object, "Ready") {
        Some(("True", _)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Uses its own control plane, because the CRD is created late and the API server is killed.
#[test]
fn run_waits_for_the_crd_skips_an_unreadable_object_and_survives_an_api_server_restart() {
    run(async {
        let mut cluster = Cluster::start().await.unwrap();
        let mut world = world(REGION);
        world.images.extend(["first", "second"].map(|id| image(id, REGION)));
        let aws = Simulator::start(world).await;
        let operator = Operator::start(&aws.endpoint(), cluster.kubeconfig_path(), &[("AWS_REGION", REGION)]).await;
        eventually("readiness names the missing CRD", || async {
            let (code, why) = operator.get("/readyz").await;
            if code == 503 && why.contains("404") { Ok(()) } else { Err(format!("{code} {why}")) }
        })
        .await;

        // An old CRD without validation accepts objects that the operator cannot read.
        let client = client(&cluster).await;
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        let mut loose = serde_json::to_value(crd().unwrap()).unwrap();
        loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        loose["spec"]["versions"][0].as_object_mut().unwrap().remove("selectableFields");
        crds.create(&PostParams::default(), &serde_json::from_value(loose).unwrap()).await.unwrap();
        let kind = GroupVersionKind::gvk("parallelcluster.dev", "v1", "CustomImage");
        let any: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &ApiResource::from_gvk(&kind));
        for object in [
            json!({"metadata": {"name": "broken"}, "spec": {"imageId": 7}}),
            json!({"metadata": {"name": "first"}, "spec": {"imageId": "first"}}),
            json!({"metadata": {"name": "odd"}, "spec": {"imageId": "no id at all"}}),
        ] {
            let mut object = object;
            object["apiVersion"] = "parallelcluster.dev/v1".into();
            object["kind"] = "CustomImage".into();
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            eventually("the CRD is served", || async {
                any.create(&PostParams::default(), &object).await.map(|_| ()).map_err(|error| error.to_string())
            })
            .await;
        }
        eventually("the valid object is mirrored", || is_ready(&client, "first")).await;
        operator.logged("cannot be read").await;
        operator.logged("broken").await;
        let odd: CustomImage = Api::namespaced(client.clone(), "default").get("odd").await.unwrap();
        let message = crate::support::lab::message_of(&odd, "Ready");
        assert!(message.contains("spec.imageId 'no id at all'"), "{message}");

        let strict = Patch::Apply(crd().unwrap());
        crds.patch("customimages.parallelcluster.dev", &PatchParams::apply("test").force(), &strict).await.unwrap();
        cluster.kill_apiserver();
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.start_apiserver().await.unwrap();
        let second = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage",
            "metadata": {"name": "second"}, "spec": {"imageId": "second"}});
        let images: Api<CustomImage> = Api::namespaced(client.clone(), "default");
        images.create(&PostParams::default(), &serde_json::from_value(second).unwrap()).await.unwrap();
        eventually("a new object is mirrored", || is_ready(&client, "second")).await;
        assert_eq!(operator.terminate().await, 0);
    });
}

/// A backup of etcd that is restored without higher versions. The watch of before delivers nothing until the versions have
/// passed those that it knows.
#[test]
fn objects_made_after_etcd_was_set_back_are_mirrored() {
    run(async {
        let mut cluster = Cluster::start().await.unwrap();
        let mut world = world(REGION);
        world.images.extend(["before", "after"].map(|id| image(id, REGION)));
        let aws = Simulator::start(world).await;
        let client = client(&cluster).await;
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        crds.create(&PostParams::default(), &crd().unwrap()).await.unwrap();
        let images: Api<CustomImage> = Api::namespaced(client.clone(), "default");
        let create = async |name: &str| {
            let object = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage",
                "metadata": {"name": name}, "spec": {"imageId": name}});
            let object = serde_json::from_value(object).unwrap();
            eventually("the CRD is served", || async {
                images.create(&PostParams::default(), &object).await.map(|_| ()).map_err(|error| error.to_string())
            })
            .await;
        };
        create("before").await;
        let settings =
            [("AWS_REGION", REGION), ("CUSTOMIMAGE_COMPARISON_INTERVAL", "1s"), ("CUSTOMIMAGE_COMPARISON_LAG", "1s")];
        let operator = Operator::start(&aws.endpoint(), cluster.kubeconfig_path(), &settings).await;
        eventually("the object is mirrored", || is_ready(&client, "before")).await;
        let backup = cluster.back_up().unwrap();
        for number in 0..200 {
            create(&format!("lost-{number}")).await;
        }
        eventually("the watch has delivered them", || async {
            let count = operator.metric("customimage_objects{reason=\"NotFound\"}").await;
            if count >= 100.0 { Ok(()) } else { Err(count.to_string()) }
        })
        .await;
        cluster.set_back(&backup).await.unwrap();
        create("after").await;
        eventually("the object of after is mirrored", || is_ready(&client, "after")).await;
        // The lost ones are forgotten.
        operator.measures("customimage_objects{reason=\"NotFound\"}", 0.0).await;
        operator.logged("has missed changes").await;
    });
}
