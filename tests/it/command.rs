use crate::support::describe::{Answer, finish, program};
use crate::support::run;

/// An endpoint at which nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn answer(arguments: &[&str], environment: &[(&str, &str)]) -> Answer {
    run(async {
        let mut command = program(NOWHERE);
        command.args(arguments).envs(environment.iter().copied());
        finish(command).await
    })
}

#[test]
fn help_lists_flags_with_their_variables_and_defaults() {
    let help = run(async { program(NOWHERE).args(["run", "--help"]).output().await.unwrap() });
    let text = String::from_utf8(help.stdout).unwrap();
    for word in
        ["--settled-interval", "[default: 10m]", "CUSTOMIMAGE_SETTLED_INTERVAL", "--not-found-grace", "[default: 2h]"]
    {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(async { program(NOWHERE).args(["completions", shell]).output().await.unwrap() });
        assert!(output.status.success() && output.stdout.len() > 1000, "{shell}");
    }
}

#[test]
fn an_invalid_setting_fails_at_startup_with_its_flag_and_value() {
    for (name, value) in [
        ("CUSTOMIMAGE_SETTLED_INTERVAL", "ten minutes"),
        ("CUSTOMIMAGE_CONCURRENCY", "0"),
        ("CUSTOMIMAGE_LISTEN", "everywhere"),
        ("AWS_CA_BUNDLE", "/dev/null"),
        ("AWS_REGION", "Europe"),
    ] {
        let answer = answer(&["run"], &[(name, value)]);
        let flag = name.trim_start_matches("CUSTOMIMAGE_").to_lowercase().replace('_', "-");
        let flag = flag.strip_prefix("aws-region").map_or(flag.clone(), |_| "region".to_owned());
        assert!(
            answer.code == 2 && answer.stderr.contains(&flag) && answer.stderr.contains(value),
            "{name}: {answer:?}"
        );
    }
}

#[test]
fn an_invalid_id_or_region_is_a_bad_request_without_a_call_to_aws() {
    let id = answer(&["describe", "-i", "1st", "-r", "eu-west-1"], &[]);
    assert_eq!(id.body["message"], "Bad Request: '1st' does not match '^[a-zA-Z][a-zA-Z0-9-]+$' - 'image-id'");
    let region = answer(&["describe", "-i", "hpc", "-r", "Us-East"], &[]);
    assert_eq!(region.body["message"], "Bad Request: invalid or unsupported region 'Us-East'");
    let none = answer(&["describe", "-i", "hpc"], &[]);
    assert_eq!(none.body["message"], "Bad Request: region needs to be set");
    assert_eq!([id.code, region.code, none.code], [1, 1, 1]);
}

#[test]
fn an_unreachable_service_is_an_error_and_not_a_missing_image() {
    let answer = answer(&["describe", "-i", "hpc", "-r", "eu-west-1", "--aws-max-attempts", "1"], &[]);
    let message = answer.body["message"].as_str().unwrap();
    assert!(answer.code == 1 && message.starts_with("Unable to get image hpc, due to "), "{message}");
}

#[test]
fn run_without_an_api_server_logs_an_error_that_names_kubeconfig() {
    let log =
        [("CUSTOMIMAGE_LOG_FORMAT", "json"), ("KUBECONFIG", "/no/such/file"), ("CUSTOMIMAGE_LISTEN", "127.0.0.1:0")];
    let answer = answer(&["run", "--region", "eu-west-1"], &log);
    let line: serde_json::Value = serde_json::from_str(answer.stderr.lines().last().unwrap()).unwrap();
    assert!(
        answer.code == 1 && line["level"] == "ERROR" && line["error"].as_str().unwrap().contains("KUBECONFIG"),
        "{line}"
    );
}
