use crate::support::describe::{Answer, describe, finish, program};
use crate::support::lab::REGION;
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{image, world};
use simulator::{Fault, Simulator};

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

/// A line end, the begin of a terminal's command, and a change of the direction of text.
const FORGED: &str = "no\nforged line\u{1b}[2J\u{9b}\u{202e}gpj";

/// Asserts that no text of AWS forges a line or controls the terminal. Returns the line that has `word`.
fn line_with<'a>(text: &'a str, word: &str) -> &'a str {
    let is_raw = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
    assert!(!text.contains(is_raw) && !text.lines().any(|line| line.starts_with("forged")), "{text:?}");
    text.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word} is not in {text:?}"))
}

#[test]
fn text_of_aws_is_one_escaped_line_in_the_table_and_in_the_errors_of_list() {
    run(async {
        let mut world = world(REGION);
        let mut forged = image("hpc", REGION);
        forged.tags.iter_mut().filter(|tag| tag.key.ends_with("version")).for_each(|tag| tag.value = FORGED.into());
        world.images.push(forged);
        let simulator = Simulator::start(world).await;
        let list = || async {
            let mut command = program(&simulator.endpoint());
            command.args(["list", "--region", REGION, "--aws-max-attempts", "1"]);
            finish(command).await
        };
        let table = list().await;
        assert!(line_with(&table.text, "hpc").contains(r"\u{9b}\u{202e}gpj"), "{table:?}");
        assert_eq!(table.text.lines().count(), 2, "{table:?}");
        simulator.fault(Fault::new("ec2", "DescribeImages", error(403, "UnauthorizedOperation", FORGED)));
        let refused = list().await;
        assert!(line_with(&refused.stderr, "ec2:DescribeImages").contains(r"\u{202e}gpj"), "{refused:?}");
        assert_eq!((refused.code, refused.stderr.lines().count()), (1, 1), "{refused:?}");
    });
}

#[test]
fn text_of_aws_is_one_escaped_line_of_check_without_the_encoded_message() {
    run(async {
        let simulator = Simulator::start(world(REGION)).await;
        let said = format!("{FORGED} Encoded authorization failure message: 4GIOHlTk");
        for operation in [("ec2", "DescribeImages"), ("sts", "GetCallerIdentity")] {
            simulator.fault(Fault::new(operation.0, operation.1, error(403, "UnauthorizedOperation", &said)));
        }
        for output in ["table", "json"] {
            let mut command = program(&simulator.endpoint());
            command.args(["check", "--output", output, "--aws-max-attempts", "1"]);
            command.env("AWS_REGION", REGION).env("KUBECONFIG", "/no/such/file");
            let answer = finish(command).await;
            let line = line_with(&answer.text, "forged line");
            assert!(line.contains("gpj") && !line.contains("forged line\n"), "{line}");
            assert!(!answer.text.contains("4GIOHlTk") && !answer.stderr.contains("4GIOHlTk"), "{answer:?}");
        }
    });
}

#[test]
fn describe_prints_text_of_aws_as_ascii_json_and_its_remarks_in_one_line() {
    run(async {
        let simulator = Simulator::start(world(REGION)).await;
        simulator.fault(Fault::new("ec2", "DescribeImages", error(403, "UnauthorizedOperation", FORGED)));
        let answer = describe(&simulator.endpoint(), "hpc", REGION).await;
        assert!(answer.code == 1 && answer.text.is_ascii() && !answer.text.contains('\u{1b}'), "{answer:?}");
        assert!(answer.body["message"].as_str().unwrap().contains("\u{202e}gpj"), "the value is the same: {answer:?}");
        line_with(&answer.text, "message");
    });
}
