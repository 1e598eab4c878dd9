//! Each source of credentials: the error when it gives none (the source's own words and one fix), and renewal without a
//! restart. Numbers are issues of the named projects.

use crate::support::describe::{Answer, finish, program};
use crate::support::lab::{Lab, REGION, message_of};
use crate::support::net::{answering, closed};
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{image, world};
use serde_json::{Value, json};
use simulator::{Fault, Role, Simulator};
use tempfile::TempDir;
use tokio::process::Command;

const ROLE: &str = "arn:aws:iam::222233334444:role/customimage-reader";

/// `describe` with only these settings as credentials.
fn bare(endpoint: &str, settings: &[(&str, &str)]) -> Command {
    with_settings(endpoint, &["describe", "-i", "hpc", "-r", REGION, "--aws-max-attempts", "1"], settings)
}

/// `check` with only these settings as credentials.
fn bare_check(endpoint: &str, settings: &[(&str, &str)]) -> Command {
    with_settings(endpoint, &["check", "--output", "json", "--region", REGION, "--aws-max-attempts", "1"], settings)
}

fn with_settings(endpoint: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = program(endpoint);
    command.args(arguments).env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("KUBECONFIG", "/nonexistent").envs(settings.iter().copied());
    command
}

fn message(answer: &Answer) -> &str {
    answer.body["message"].as_str().unwrap_or_default()
}

/// The failed rows about AWS, and their fixes.
fn red(answer: &Answer) -> (Vec<&Value>, Vec<&str>) {
    let rows = answer.body.as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let red = rows.iter().filter(|row| row["verdict"] == "failed" && row["check"] != "API server");
    let red: Vec<_> = red.collect();
    let fixes = red.iter().filter_map(|row| row["fix"].as_str()).collect();
    (red, fixes)
}

/// Runs `check`, which must give exactly one fix. Returns the message of the first failed row, and the fix.
async fn one_cause(endpoint: &str, settings: &[(&str, &str)]) -> (String, String) {
    let answer = finish(bare_check(endpoint, settings)).await;
    let (red, fixes) = red(&answer);
    assert_eq!(fixes.len(), 1, "{red:#?}");
    (red[0]["said"].as_str().unwrap().to_owned(), fixes[0].to_owned())
}

async fn simulator() -> Simulator {
    let mut world = world(REGION);
    world.images.push(image("hpc", REGION));
    Simulator::start(world).await
}

fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A ServiceAccount token.
fn token() -> String {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let claims = json!({"iss": "https://oidc.example.com/id/1", "sub": "system:serviceaccount:hpc:operator", "aud": ["sts.amazonaws.com"]});
    format!("{}.{}.c2lnbmF0dXJl", encode(r#"{"alg":"RS256"}"#), encode(&claims.to_string()))
}

/// aws-sdk-rust 547. The instance metadata of this machine has credentials of another account.
#[test]
fn a_missing_profile_is_an_error_and_no_other_provider_is_used() {
    run(async {
        let simulator = simulator().await;
        let metadata = answering("200 OK", "role").await;
        let folder = TempDir::new().unwrap();
        let config = "[profile there]\nrole_arn = arn:aws:iam::222233334444:role/r\nsource_profile = mistyped-source\n";
        let config = file(&folder, "config", config);
        for (profile, named) in [("mistyped", "'mistyped'"), ("there", "'mistyped-source'")] {
            let url = metadata.url();
            let settings = [
                ("AWS_PROFILE", profile),
                ("AWS_CONFIG_FILE", config.as_str()),
                ("AWS_EC2_METADATA_DISABLED", "false"),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()),
            ];
            let answer = finish(bare(&simulator.endpoint(), &settings)).await;
            assert!(answer.code == 3 && message(&answer).contains(named), "{answer:?}");
            assert!(message(&answer).contains(&config) && answer.stderr.contains("what to do"), "{answer:?}");
            let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
            assert!(said.contains(named) && fix.contains("correct the name"), "{said} {fix}");
        }
        assert_eq!((metadata.asked(), simulator.calls().len()), (0, 0));
        let nameless = [
            ("AWS_PROFILE", ""),
            (
                "AWS_CONFIG_FILE",
                file(&folder, "default", "[default]\nrole_arn = r\nsource_profile = nobody\n").leak() as &str,
            ),
        ];
        let answer = finish(bare(&simulator.endpoint(), &nameless)).await;
        assert!(message(&answer).contains("'nobody'"), "an empty variable counts as unset: {answer:?}");
        let keys = [
            ("AWS_PROFILE", "mistyped"),
            ("AWS_ACCESS_KEY_ID", "AKIA111122223333EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ];
        let answer = finish(bare(&simulator.endpoint(), &keys)).await;
        assert!(answer.code == 3 && message(&answer).contains("'mistyped'"), "as in the official program: {answer:?}");
    });
}

/// botocore 3117, eks-pod-identity-agent 139.
#[test]
fn an_error_of_the_credentials_agent_is_quoted_with_one_fix() {
    run(async {
        let simulator = simulator().await;
        for (status, code) in
            [("400 Bad Request", "HTTP 400"), ("404 Not Found", "HTTP 404"), ("403 Forbidden", "HTTP 403")]
        {
            let agent = answering(status, r#"{"message": "service account token rejected: no association"}"#).await;
            let uri = format!("{}/v1/credentials", agent.url());
            let settings = [
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-of-the-pod"),
            ];
            let answer = finish(bare(&simulator.endpoint(), &settings)).await;
            let text = message(&answer);
            assert!(text.contains(code) && text.contains("no association") && text.contains(&uri), "{answer:?}");
            let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
            assert!(said.contains("no association") && fix.contains("Pod Identity association"), "{said} {fix}");
            assert!(!said.contains("token-of-the-pod"), "{said}");
        }
    });
}

#[test]
fn an_error_of_the_instance_metadata_is_quoted_with_one_fix() {
    run(async {
        let simulator = simulator().await;
        for (status, code) in [("403 Forbidden", "HTTP 403"), ("401 Unauthorized", "HTTP 401")] {
            let metadata = answering(status, "").await;
            let url = metadata.url();
            let settings =
                [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
            let answer = finish(bare(&simulator.endpoint(), &settings)).await;
            assert!(
                message(&answer).contains("the instance metadata") && message(&answer).contains(code),
                "{answer:?}"
            );
            let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
            assert!(said.contains(&url) && fix.contains("metadata options"), "{said} {fix}");
        }
    });
}

#[test]
fn a_missing_token_file_is_reported_with_its_path() {
    run(async {
        let simulator = simulator().await;
        let agent = answering("200 OK", "{}").await;
        let uri = format!("{}/v1/credentials", agent.url());
        let missing = "/nonexistent/eks.amazonaws.com/token";
        for settings in [
            [("AWS_WEB_IDENTITY_TOKEN_FILE", missing), ("AWS_ROLE_ARN", ROLE)],
            [("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", missing), ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str())],
        ] {
            let answer = finish(bare(&simulator.endpoint(), &settings)).await;
            assert!(message(&answer).contains(missing) && message(&answer).contains(settings[0].0), "{answer:?}");
            let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
            assert!(said.contains(missing) && fix.contains("mounted"), "{said} {fix}");
        }
        assert_eq!(simulator.calls().len(), 0);
    });
}

#[test]
fn a_missing_or_expired_sso_login_names_the_login_command() {
    run(async {
        let simulator = simulator().await;
        let home = TempDir::new().unwrap();
        let config = "[profile work]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = reader\n\
            [sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n";
        let config = file(&home, ".aws/config", config);
        let settings =
            [("HOME", home.path().to_str().unwrap()), ("AWS_CONFIG_FILE", config.as_str()), ("AWS_PROFILE", "work")];
        let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
        assert!(fix.contains("aws sso login --profile work"), "{said} {fix}");
        // The file name is the SHA-1 of the session's name.
        let expired = json!({"accessToken": "hidden-token", "expiresAt": "2020-01-01T00:00:00Z"});
        file(&home, ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json", &expired.to_string());
        let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
        assert!(said.contains("expired") && fix.contains("aws sso login --profile work"), "{said} {fix}");
        assert!(!said.contains("hidden-token"), "{said}");
    });
}

/// karpenter 1666, crossplane 5578.
#[test]
fn an_error_about_the_trust_policy_lists_what_the_policy_must_contain() {
    run(async {
        let mut world = world(REGION);
        world.roles.push(Role { arn: ROLE.into(), external_id: None, denied: true });
        let simulator = Simulator::start(world).await;
        let folder = TempDir::new().unwrap();
        let token_file = file(&folder, "token", &token());
        let settings = [("AWS_WEB_IDENTITY_TOKEN_FILE", token_file.as_str()), ("AWS_ROLE_ARN", ROLE)];
        let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
        assert!(said.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"), "{said}");
        for part in [
            "trust policy",
            ROLE,
            "https://oidc.example.com/id/1",
            "system:serviceaccount:hpc:operator",
            "sts.amazonaws.com",
        ] {
            assert!(fix.contains(part), "{part}: {fix}");
        }
        let invalid = error(
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://oidc.example.com/id/1",
        );
        simulator.fault(Fault::new("sts", "AssumeRoleWithWebIdentity", invalid));
        let (said, fix) = one_cause(&simulator.endpoint(), &settings).await;
        assert!(
            said.contains("No OpenIDConnect provider") && fix.contains("needs an IAM OIDC provider"),
            "{said} {fix}"
        );
    });
}

/// cloudlaunch 242.
#[test]
fn a_deny_in_a_service_control_policy_is_named_and_the_encoded_message_is_removed() {
    run(async {
        let simulator = simulator().await;
        let words = "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/u is not authorized \
            to perform: ec2:DescribeImages with an explicit deny in a service control policy. \
            Encoded authorization failure message: c2VjcmV0LXdvcmRz";
        simulator.fault(Fault::new("ec2", "DescribeImages", error(403, "UnauthorizedOperation", words)));
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA111122223333EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "x")];
        let (said, fix) = one_cause(&simulator.endpoint(), &keys).await;
        assert!(fix.contains("explicit deny in a service control policy") && !fix.contains("allow ec2"), "{fix}");
        assert!(said.contains("explicit deny") && !said.contains("c2VjcmV0"), "{said}");
    });
}

#[test]
fn a_wrong_clock_is_reported_with_the_difference() {
    run(async {
        let simulator = simulator().await;
        let words =
            "Signature expired: 20261124T100000Z is now earlier than 20261124T104000Z (20261124T104500Z - 5 min.)";
        for (service, operation) in
            [("ec2", "DescribeImages"), ("cloudformation", "DescribeStacks"), ("sts", "GetCallerIdentity")]
        {
            simulator.fault(Fault::new(service, operation, error(403, "SignatureDoesNotMatch", words)));
        }
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA111122223333EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "x")];
        let (said, fix) = one_cause(&simulator.endpoint(), &keys).await;
        assert!(said.contains("Signature expired") && fix.contains("clock is off by 45 min"), "{said} {fix}");
    });
}

/// A Secret that was made with `echo` has one.
#[test]
fn a_line_break_in_a_key_is_reported_without_the_key() {
    run(async {
        let simulator = simulator().await;
        let (good, bad) = ("AKIA111122223333EXAMPLE", "AKIA111122223333EXAMPLE\n");
        for (key, secret, part) in [(bad, "x", "access key id"), (good, "x\n", "secret access key")] {
            let keys = [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)];
            let (said, fix) = one_cause(&simulator.endpoint(), &keys).await;
            assert!(said.contains(&format!("the {part} has a line break")) && !said.contains(good), "{said}");
            assert!(fix.contains("printf"), "{fix}");
        }
        assert_eq!(simulator.count("sts", "GetCallerIdentity"), 0);
    });
}

/// pulumi-aws 1366.
#[test]
fn a_profile_that_needs_an_mfa_code_is_reported() {
    run(async {
        let simulator = simulator().await;
        let folder = TempDir::new().unwrap();
        let config = "[default]\naws_access_key_id = AKIA111122223333EXAMPLE\naws_secret_access_key = x\n\
            [profile mfa]\nrole_arn = arn:aws:iam::222233334444:role/r\nsource_profile = default\nmfa_serial = arn:aws:iam::111122223333:mfa/me\n";
        let config = file(&folder, "config", config);
        let (said, fix) =
            one_cause(&simulator.endpoint(), &[("AWS_CONFIG_FILE", config.as_str()), ("AWS_PROFILE", "mfa")]).await;
        assert!(said.contains("'mfa'") && said.contains("MFA") && fix.contains("mfa_serial"), "{said} {fix}");
        assert_eq!(simulator.count("sts", "AssumeRole"), 0);
    });
}

/// An operator with only these settings as credentials.
async fn operator(lab: &Lab, settings: &[(&str, &str)]) -> crate::support::operator::Operator {
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let settings: Vec<_> = none.iter().chain(settings).copied().collect();
    lab.operator(&settings).await
}

fn keys(key: &str) -> String {
    format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n")
}

#[test]
fn a_rewritten_credentials_file_is_used_without_a_restart() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let folder = TempDir::new().unwrap();
        let path = file(&folder, "credentials", &keys("ASIAEXPIRED111122223333"));
        let _operator =
            operator(&lab, &[("AWS_SHARED_CREDENTIALS_FILE", path.as_str()), ("CUSTOMIMAGE_ERROR_GRACE", "500ms")])
                .await;
        lab.ready("hpc", "Unknown", "InvalidCredentials").await;
        std::fs::write(&path, keys("AKIA111122223333EXAMPLE")).unwrap();
        lab.ready("hpc", "True", "ImageAvailable").await;
        // The valid credentials expire, and then the file gets new ones.
        lab.aws.fault(Fault::new("ec2", "DescribeImages", error(400, "RequestExpired", "Request has expired.")));
        lab.ready("hpc", "Unknown", "InvalidCredentials").await;
        std::fs::write(&path, keys("AKIA111122223333OTHER00")).unwrap();
        lab.aws.clear_faults();
        lab.ready("hpc", "True", "ImageAvailable").await;
    });
}

/// A file is missing for a moment while it is replaced. The node's role must not be used meanwhile.
#[test]
fn credentials_of_a_profile_are_never_replaced_by_those_of_the_node() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let folder = TempDir::new().unwrap();
        let path = file(&folder, "credentials", &keys("AKIA111122223333EXAMPLE"));
        let node = json!({
            "AccessKeyId": "ASIA999988887777EXAMPLE", "SecretAccessKey": "x", "Token": "t", "Expiration": "2099-01-01T00:00:00Z"
        });
        let agent = answering("200 OK", node.to_string()).await;
        let uri = format!("{}/v1/credentials", agent.url());
        let settings = [
            ("AWS_SHARED_CREDENTIALS_FILE", path.as_str()),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
            ("CUSTOMIMAGE_ERROR_GRACE", "500ms"),
        ];
        let _operator = operator(&lab, &settings).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        std::fs::remove_file(&path).unwrap();
        lab.aws.fault(Fault::new("ec2", "DescribeImages", error(401, "AuthFailure", "no longer valid")));
        lab.ready("hpc", "Unknown", "InvalidCredentials").await;
        crate::support::eventually("the agent is called", || async {
            if agent.asked() > 0 { Ok(()) } else { Err(agent.asked().to_string()) }
        })
        .await;
        lab.aws.clear_faults();
        std::fs::write(&path, keys("AKIA111122223333OTHER00")).unwrap();
        lab.ready("hpc", "True", "ImageAvailable").await;
        assert!(lab.aws.calls().iter().all(|call| call.account == "111122223333"), "the node's role was used");
    });
}

#[test]
fn a_late_web_identity_token_and_revoked_sts_credentials_need_no_restart() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("token");
        let role = "arn:aws:iam::111122223333:role/operator";
        let settings = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", path.to_str().unwrap()),
            ("AWS_ROLE_ARN", role),
            ("CUSTOMIMAGE_ERROR_GRACE", "500ms"),
        ];
        let _operator = operator(&lab, &settings).await;
        let object = lab.ready("hpc", "Unknown", "InvalidCredentials").await;
        assert!(message_of(&object, "Ready").contains(path.to_str().unwrap()), "{}", message_of(&object, "Ready"));
        std::fs::write(&path, token()).unwrap();
        lab.ready("hpc", "True", "ImageAvailable").await;
        // AWS refuses the credentials from STS before they expire.
        let before = lab.aws.count("sts", "AssumeRoleWithWebIdentity");
        let refused = error(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        lab.aws.fault(Fault::new("ec2", "DescribeImages", refused));
        crate::support::eventually("STS is called again", || async {
            let now = lab.aws.count("sts", "AssumeRoleWithWebIdentity");
            if now > before { Ok(()) } else { Err(now.to_string()) }
        })
        .await;
        lab.aws.clear_faults();
        lab.ready("hpc", "True", "ImageAvailable").await;
    });
}

#[test]
fn an_unreachable_agent_is_a_service_error_and_later_credentials_are_used() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let folder = TempDir::new().unwrap();
        let config = file(&folder, "config", "");
        // Nothing listens there. That can recover by itself, so it is not InvalidCredentials.
        let address = closed().await;
        let uri = format!("{address}/v1/credentials");
        let settings = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()), ("AWS_CONFIG_FILE", config.as_str())];
        let _operator = operator(&lab, &settings).await;
        lab.condition("hpc", "Synced", "False", "ServiceError").await;
        std::fs::write(&config, "[default]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"AKIA111122223333EXAMPLE\",\"SecretAccessKey\":\"x\"}'\n").unwrap();
        lab.ready("hpc", "True", "ImageAvailable").await;
    });
}

#[test]
fn credentials_of_the_named_profile_are_used() {
    run(async {
        let simulator = simulator().await;
        let folder = TempDir::new().unwrap();
        let credentials = file(
            &folder,
            "credentials",
            "[work]\naws_access_key_id = AKIA111122223333EXAMPLE\naws_secret_access_key = x\n",
        );
        let answer = finish(bare(
            &simulator.endpoint(),
            &[("AWS_PROFILE", "work"), ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str())],
        ))
        .await;
        assert_eq!(answer.code, 0, "{answer:?}");
    });
}
