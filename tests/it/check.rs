use crate::support::describe::{Answer, finish, program};
use crate::support::lab::{Lab, REGION};
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{self, world};
use serde_json::{Value, json};
use simulator::{Bucket, Fault, Role};
use std::path::Path;

const ROLE: &str = "arn:aws:iam::222233334444:role/customimage-reader";

async fn check(lab: &Lab, kubeconfig: &Path, settings: &[(&str, &str)]) -> Answer {
    let mut command = program(&lab.aws.endpoint());
    command.args(["check", "--output", "json", "--aws-max-attempts", "1"]);
    command.env("KUBECONFIG", kubeconfig).env("AWS_REGION", REGION).envs(settings.iter().copied());
    finish(command).await
}

/// The row of the check `what`: verdict, message (`said`) and fix.
fn line<'a>(answer: &'a Answer, what: &str) -> (&'a str, &'a str, &'a str) {
    let rows = answer.body.as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let row = rows.iter().find(|row| row["check"] == what).unwrap_or_else(|| panic!("no {what} in {rows:#?}"));
    let text = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default();
    (text("verdict"), text("said"), text("fix"))
}

/// A configuration file with the identity `research`, this external id, and access for every namespace.
fn configuration(external_id: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let identity = json!({
        "name": "research", "roleArn": ROLE, "externalId": external_id, "sessionName": "from-hpc",
        "regions": ["us-east-1", REGION], "namespaceSelector": {}
    });
    std::fs::write(file.path(), json!({"identities": [identity]}).to_string()).unwrap();
    file
}

fn world_with_role() -> simulator::World {
    let mut world = world(REGION);
    world.roles.push(Role { arn: ROLE.into(), external_id: Some("ticket-7".into()), denied: false });
    world
}

#[test]
fn another_release_that_watches_the_same_namespace_is_found_by_its_lease() {
    run(async {
        let lab = Lab::new(world(REGION)).await;
        let leader = lab.operator(&[("CUSTOMIMAGE_LEADER_ELECTION", "true")]).await;
        leader.measures("customimage_leader", 1.0).await;
        let settings = [("CUSTOMIMAGE_NAMESPACE", lab.namespace.as_str()), ("CUSTOMIMAGE_LEASE_NAME", "another")];
        let answer = check(&lab, &lab.kubeconfig, &settings).await;
        let (verdict, said, fix) = line(&answer, "other releases");
        assert_eq!(verdict, "failed", "{said}");
        assert!(said.contains(&format!("default/customimage-operator.{}", lab.namespace)), "{said}");
        assert!(fix.contains("only one release"), "{fix}");
        let second = lab.operator(&[("CUSTOMIMAGE_LEADER_ELECTION", "true"), settings[1]]).await;
        second.logged("other releases watch the same namespaces").await;
    });
}

#[test]
fn every_granted_right_and_action_is_ok_and_nothing_is_written() {
    run(async {
        let lab = Lab::new(world_with_role()).await;
        let file = configuration("ticket-7");
        let configuration = ("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap());
        let namespace = ("CUSTOMIMAGE_NAMESPACE", lab.namespace.as_str());
        let answer = check(&lab, &lab.kubeconfig, &[configuration, namespace]).await;
        assert_eq!(answer.code, 0, "{:#}", answer.body);
        // Of all namespaces, other tests have releases.
        let answer = check(&lab, &lab.kubeconfig, &[configuration]).await;
        for right in [
            "list customimages in all namespaces",
            "get leases customimage-operator in default",
            "watch namespaces in all namespaces",
        ] {
            assert_eq!(line(&answer, right).0, "ok", "{right}");
        }
        let (_, who, _) = line(&answer, &format!("research {REGION} credentials"));
        assert_eq!(who, "arn:aws:sts::222233334444:assumed-role/customimage-reader/from-hpc");
        for scope in [format!("default {REGION}"), format!("research {REGION}"), "research us-east-1".to_owned()] {
            for action in [
                "ec2:DescribeImages",
                "cloudformation:DescribeStacks",
                "cloudformation:ListStacks",
                "cloudformation:DescribeStackResource",
                "imagebuilder:GetImage",
            ] {
                assert_eq!(line(&answer, &format!("{scope} {action}")), ("ok", "allowed", ""));
            }
        }
        assert_eq!(lab.aws.writes(), 0);
    });
}

#[test]
fn each_missing_right_and_action_is_reported_with_its_fix() {
    run(async {
        let mut world = world_with_role();
        let denied = error(403, "UnauthorizedOperation", "You are not authorized to perform: ec2:DescribeImages");
        world.faults.push(Fault::new("ec2", "DescribeImages", denied));
        let denied = error(403, "AccessDenied", "not authorized to perform: cloudformation:DescribeStackResource");
        world.faults.push(Fault::new("cloudformation", "DescribeStackResource", denied));
        let lab = Lab::new(world).await;
        let nobody = lab.kubeconfig_of("nobody").await;
        let file = configuration("wrong");
        let answer = check(&lab, &nobody, &[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
        assert_eq!(answer.code, 1);
        let (verdict, _, fix) = line(&answer, "patch customimages/status in all namespaces");
        assert!(verdict == "failed" && fix.contains("rbac.create"), "{fix}");
        for action in ["ec2:DescribeImages", "cloudformation:DescribeStackResource"] {
            let (verdict, _, fix) = line(&answer, &format!("default {REGION} {action}"));
            assert!(verdict == "failed" && fix.contains(action) && fix.contains(world::ACCOUNT), "{fix}");
        }
        assert_eq!(line(&answer, &format!("default {REGION} imagebuilder:GetImage")).0, "ok");
        let (verdict, said, fix) = line(&answer, &format!("research {REGION} credentials"));
        assert!(verdict == "failed" && said.contains("sts:AssumeRole") && fix.contains(ROLE), "{said} {fix}");
    });
}

#[test]
fn s3_actions_for_presigned_urls_are_unknown_until_the_bucket_exists() {
    run(async {
        let lab = Lab::new(world(REGION)).await;
        let presigned = [
            ("CUSTOMIMAGE_CONFIGURATION_URL", "presigned"),
            ("CUSTOMIMAGE_LEADER_ELECTION", "false"),
            ("CUSTOMIMAGE_NAMESPACE", lab.namespace.as_str()),
        ];
        let answer = check(&lab, &lab.kubeconfig, &presigned).await;
        assert_eq!(answer.code, 0, "{:#}", answer.body);
        assert_eq!(line(&answer, &format!("default {REGION} s3:GetObject")).0, "untold");

        let name = "parallelcluster-411a5d24c67e2adf-v1-do-not-delete";
        let bucket = |denied| Bucket { name: name.into(), region: REGION.into(), denied, ..Bucket::default() };
        lab.aws.world(|world| world.buckets.push(bucket(false)));
        let answer = check(&lab, &lab.kubeconfig, &presigned).await;
        for action in ["s3:ListBucket", "s3:GetObject"] {
            assert_eq!(line(&answer, &format!("default {REGION} {action}")).0, "ok", "{:#}", answer.body);
        }
        lab.aws.world(|world| world.buckets = vec![bucket(true)]);
        let answer = check(&lab, &lab.kubeconfig, &presigned).await;
        let (verdict, _, fix) = line(&answer, &format!("default {REGION} s3:ListBucket"));
        assert!(verdict == "failed" && fix.contains("s3:ListBucket"), "{fix}");
        let (verdict, said, _) = line(&answer, &format!("default {REGION} s3:GetObject"));
        assert!(verdict == "untold" && said.contains("without s3:ListBucket"), "{said}");
        assert_eq!(lab.aws.writes(), 0);
    });
}

#[test]
fn an_unreachable_api_server_and_an_invalid_configuration_are_failed_rows() {
    run(async {
        let lab = Lab::empty().await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "identities: [{name: research}]").unwrap();
        let settings = [("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())];
        let answer = check(&lab, Path::new("/nonexistent"), &settings).await;
        assert_eq!(answer.code, 1);
        assert!(line(&answer, "API server").2.contains("NO_PROXY"));
        assert!(line(&answer, "configuration").1.contains("namespaceSelector"));
        assert_eq!(line(&answer, &format!("default {REGION} ec2:DescribeImages")).0, "ok", "the AWS checks still run");
    });
}
