//! Proxies and private CAs, towards AWS and towards the API server.

use crate::support::describe::{finish, program};
use crate::support::lab::{Lab, REGION};
use crate::support::net::{answering, closed, proxy};
use crate::support::run;
use serde_json::Value;
use std::path::PathBuf;
use tokio::process::Command;

const AWS: &str = "https://ec2.eu-west-1.example.invalid";

fn describe(endpoint: &str) -> Command {
    let mut command = program(endpoint);
    command.args(["describe", "-i", "hpc", "-r", REGION, "--aws-max-attempts", "1"]);
    command
}

/// aws-cli issue 868.
#[test]
fn a_refusing_proxy_is_reported_with_its_url_and_status_but_without_its_password() {
    run(async {
        for (status, fix) in [
            ("403 Forbidden", "let the proxy allow the host"),
            ("407 Proxy Authentication Required", "user and password"),
        ] {
            let refusing = proxy(None, status).await;
            let url = format!("http://hpc:pass%40word@{}", refusing.address);
            let mut command = describe(AWS);
            command.env("HTTPS_PROXY", &url);
            let answer = finish(command).await;
            let text = answer.body["message"].as_str().unwrap_or_default();
            for part in [&refusing.url(), status, "ec2.eu-west-1.example.invalid:443"] {
                assert!(text.contains(part), "{part}: {answer:?}");
            }
            assert!(answer.stderr.contains(fix), "{answer:?}");
            assert!(!format!("{answer:?}").contains("word@") && !format!("{answer:?}").contains("pass%"), "{answer:?}");
        }
        let url = closed().await;
        let mut command = describe(AWS);
        command.env("HTTPS_PROXY", &url);
        let answer = finish(command).await;
        let text = answer.body["message"].as_str().unwrap_or_default();
        assert!(text.contains(&url) && text.contains("cannot be reached") && text.contains("refused"), "{answer:?}");
    });
}

/// Plain HTTP uses no tunnel, so the proxy can send its own error page in place of AWS's reply.
#[test]
fn an_error_page_of_the_proxy_is_not_read_as_a_reply_of_aws() {
    run(async {
        for status in ["403 Forbidden", "407 Proxy Authentication Required", "503 Service Unavailable"] {
            let refusing = answering(status, "<html>policy violation</html>").await;
            let mut command = describe("http://ec2.eu-west-1.example.invalid");
            command.env("HTTP_PROXY", refusing.url());
            let answer = finish(command).await;
            let text = answer.body["message"].as_str().unwrap_or_default();
            assert!(text.contains(&refusing.url()) && text.contains(&format!("HTTP {}", &status[..3])), "{answer:?}");
        }
    });
}

#[test]
fn check_quotes_the_proxy_and_gives_one_fix() {
    run(async {
        let lab = Lab::empty().await;
        let refusing = proxy(None, "403 Forbidden").await;
        let mut command = program(AWS);
        command.args(["check", "--output", "json", "--region", REGION, "--aws-max-attempts", "1"]);
        command.env("KUBECONFIG", &lab.kubeconfig).env("HTTPS_PROXY", refusing.url());
        command.env("CUSTOMIMAGE_NAMESPACE", &lab.namespace);
        let answer = finish(command).await;
        let rows = answer.body.as_array().unwrap();
        let red: Vec<&Value> = rows.iter().filter(|row| row["verdict"] == "failed").collect();
        assert!(
            !red.is_empty() && red.iter().all(|row| row["said"].as_str().unwrap().contains("403 Forbidden")),
            "{red:#?}"
        );
        assert_eq!(red.iter().filter(|row| row["fix"].is_string()).count(), 1, "{red:#?}");
    });
}

/// A kubeconfig for the lab's API server, with a host name that only the proxy can resolve.
fn kubeconfig_of(lab: &Lab, folder: &tempfile::TempDir, proxy_url: Option<String>) -> PathBuf {
    let mut kubeconfig: Value = serde_json::from_slice(&std::fs::read(&lab.kubeconfig).unwrap()).unwrap();
    let cluster = &mut kubeconfig["clusters"][0]["cluster"];
    cluster["server"] = format!("https://api.hpc.example.invalid:{}", lab.server.rsplit(':').next().unwrap()).into();
    cluster["tls-server-name"] = "localhost".into();
    if let Some(url) = proxy_url {
        cluster["proxy-url"] = url.into();
    }
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    path
}

/// Verdict and message of `check`'s row for the API server.
async fn api_server(lab: &Lab, kubeconfig: &PathBuf, settings: &[(&str, &str)]) -> (String, String) {
    let mut command = program(&lab.aws.endpoint());
    command.args(["check", "--output", "json", "--region", REGION]);
    command.env("KUBECONFIG", kubeconfig).envs(settings.iter().copied());
    let answer = finish(command).await;
    let rows = answer.body.as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let row = rows.iter().find(|row| row["check"] == "API server").unwrap();
    (row["verdict"].as_str().unwrap().to_owned(), row["said"].as_str().unwrap().to_owned())
}

#[test]
fn the_api_server_is_reached_through_https_proxy_unless_no_proxy_contains_its_host() {
    run(async {
        let lab = Lab::empty().await;
        let folder = tempfile::TempDir::new().unwrap();
        let target = lab.server.trim_start_matches("https://").to_owned();
        let open = proxy(Some(target), "").await;
        let url = open.url();
        let kubeconfig = kubeconfig_of(&lab, &folder, None);
        let through = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "127.0.0.1")];
        let (verdict, said) = api_server(&lab, &kubeconfig, &through).await;
        assert!(verdict == "ok" && open.asked() > 0, "NO_PROXY has only the proxy's own address: {said}");
        let asked = open.asked();
        let excepted = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "127.0.0.1, .example.invalid,")];
        let (verdict, said) = api_server(&lab, &kubeconfig, &excepted).await;
        assert!(verdict == "failed" && open.asked() == asked, "only the proxy can resolve that name: {said}");
        let refusing = proxy(None, "403 Forbidden").await;
        let url = refusing.url();
        let (verdict, said) =
            api_server(&lab, &kubeconfig, &[("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "127.0.0.1")]).await;
        assert!(verdict == "failed" && said.contains(&url) && said.contains("403 Forbidden"), "{said}");
    });
}

#[test]
fn proxy_url_of_the_kubeconfig_overrides_https_proxy_and_no_proxy_exempts_loopback() {
    run(async {
        let lab = Lab::empty().await;
        let folder = tempfile::TempDir::new().unwrap();
        let target = lab.server.trim_start_matches("https://").to_owned();
        let open = proxy(Some(target), "").await;
        let nowhere = closed().await;
        let kubeconfig = kubeconfig_of(&lab, &folder, Some(open.url()));
        let settings = [("HTTPS_PROXY", nowhere.as_str()), ("NO_PROXY", "127.0.0.1")];
        let (verdict, said) = api_server(&lab, &kubeconfig, &settings).await;
        assert!(verdict == "ok" && open.asked() > 0, "{said}");
        assert_eq!(api_server(&lab, &lab.kubeconfig, &settings).await.0, "ok");
    });
}

#[test]
fn the_operator_reaches_its_api_server_through_a_proxy() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let folder = tempfile::TempDir::new().unwrap();
        let target = lab.server.trim_start_matches("https://").to_owned();
        let open = proxy(Some(target), "").await;
        let url = open.url();
        let kubeconfig = kubeconfig_of(&lab, &folder, None);
        let settings = [
            ("CUSTOMIMAGE_NAMESPACE", lab.namespace.as_str()),
            ("AWS_REGION", REGION),
            ("HTTPS_PROXY", url.as_str()),
            ("NO_PROXY", "127.0.0.1"),
        ];
        let _operator = crate::support::operator::Operator::start(&lab.aws.endpoint(), &kubeconfig, &settings).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        assert!(open.asked() > 0);
    });
}

/// Windows editors put a byte order mark before the first certificate.
#[test]
fn a_ca_bundle_that_begins_with_a_byte_order_mark_is_read() {
    run(async {
        let lab = Lab::empty().await;
        let folder = tempfile::TempDir::new().unwrap();
        let bundle = folder.path().join("bundle.pem");
        std::fs::write(&bundle, [b"\xEF\xBB\xBF".to_vec(), std::fs::read(&lab.ca).unwrap()].concat()).unwrap();
        let mut command = describe(&lab.server);
        command.env("AWS_CA_BUNDLE", &bundle);
        let answer = finish(command).await;
        let text = answer.body["message"].as_str().unwrap_or_default();
        assert!(text.starts_with("Unable to get image hpc") && !text.contains("certificate"), "{answer:?}");
    });
}
