use crate::support::describe::{Answer, describe, finish, program};
use crate::support::lab::REGION;
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{image, stack, world};
use serde_json::json;
use simulator::{Fault, FaultKind, Simulator};

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
fn version_tells_the_version_and_the_commit_in_each_format() {
    let json = answer(&["version", "-o", "json"], &[]);
    assert_eq!((json.code, json.body["version"].as_str()), (0, Some(env!("CARGO_PKG_VERSION"))), "{json:?}");
    let commit = json.body["commit"].as_str().unwrap();
    let text = answer(&["version"], &[]).text;
    assert_eq!(text, format!("customimage-operator {}, commit {commit}\n", env!("CARGO_PKG_VERSION")));
    assert!(answer(&["version", "-o", "yaml"], &[]).text.contains(&format!("commit: {commit}\n")));
}

#[test]
fn a_wrong_command_line_is_told_with_the_right_one() {
    let set = [("AWS_CA_BUNDLE", ""), ("AWS_MAX_ATTEMPTS", "3"), ("AWS_CONNECT_TIMEOUT", "3s")];
    for (arguments, words) in [
        (&["describe"][..], "Usage: customimage-operator describe [OPTIONS] --image-id <ID>\n"),
        (
            &["describe", "hpc"],
            "an image is named by --image-id hpc; a CustomImage is shown by kubectl get customimage hpc",
        ),
        (&["logs"], "Usage: customimage-operator logs [OPTIONS] [NAME]\n"),
        (&["logs", "hpc base"], "'hpc base' for '[NAME]': a name has small letters"),
        (&["logs", "hpc", "-n", "Foo Bar"], "'Foo Bar' for '--namespace"),
        (&["run", "-n", "hpc,Foo Bar"], "'Foo Bar' for '--namespace"),
        (&["run", "--lease-name", "a b"], "'a b' for '--lease-name"),
        (&["run", "--log", "warning"], "\"warning\" is no level: use off, error, warn, info, debug or trace"),
        (&["run", "--log", "info,kube"], "\"kube\" is no level"),
    ] {
        let answer = answer(arguments, &set);
        assert!(answer.code == 2 && answer.stderr.contains(words), "{arguments:?}: {}", answer.stderr);
    }
}

#[test]
fn a_wrong_variable_is_named_and_an_empty_one_counts_as_unset() {
    for (name, value) in
        [("AWS_MAX_ATTEMPTS", "many"), ("CUSTOMIMAGE_LOG", "warning"), ("CUSTOMIMAGE_CONCURRENCY", "0")]
    {
        let wrong = answer(&["run"], &[(name, value)]);
        assert!(wrong.code == 2 && wrong.stderr.contains(&format!("(from {name})")), "{wrong:?}");
        let no_cluster = [(name, ""), ("KUBECONFIG", "/no/such/file"), ("CUSTOMIMAGE_LISTEN", "127.0.0.1:0")];
        let empty = answer(&["run"], &no_cluster);
        assert!(empty.code == 1 && empty.stderr.contains("cannot reach the API server"), "{empty:?}");
    }
    let flag = answer(&["run", "--log", "warning"], &[("CUSTOMIMAGE_LOG", "info")]);
    assert!(!flag.stderr.contains("CUSTOMIMAGE_LOG"), "{flag:?}");
}

#[test]
fn a_word_that_is_no_text_is_a_wrong_command_line() {
    use std::os::unix::ffi::OsStrExt;
    let answer = run(async {
        let mut command = program(NOWHERE);
        command.arg(std::ffi::OsStr::from_bytes(b"\xff"));
        finish(command).await
    });
    assert!(answer.code == 2 && !answer.stderr.contains("panicked"), "{answer:?}");
}

#[test]
fn a_context_is_taken_from_the_files_of_kubeconfig_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let context = |name: &str, port: u16| {
        json!({"clusters": [{"name": name, "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
               "contexts": [{"name": name, "context": {"cluster": name, "user": ""}}]})
    };
    std::fs::write(&file, context("one", 9).to_string()).unwrap();
    let named = file.to_str().unwrap();
    let files = format!("/no/such/file:{named}");
    for arguments in [&["--context", "one"][..], &["--kubeconfig", named, "--context", "one"]] {
        let answer = answer(&[&["logs", "hpc"], arguments].concat(), &[("KUBECONFIG", &files)]);
        assert!(answer.stderr.contains("the API server does not show the CustomImage hpc"), "{answer:?}");
    }
    let unknown = answer(&["logs", "hpc", "--context", "two"], &[("KUBECONFIG", &files)]);
    assert!(unknown.stderr.contains("the kubeconfig has no context two; it has: one"), "{unknown:?}");
}

#[test]
fn check_tells_of_lease_times_with_which_run_does_not_start() {
    let times = ["--lease-duration", "5s", "--aws-max-attempts", "1", "--region", "eu-west-1"];
    let config = [("KUBECONFIG", "/no/such/file"), ("CUSTOMIMAGE_LISTEN", "127.0.0.1:0")];
    let checked = answer(&[&["check"], &times[..]].concat(), &config);
    assert!(checked.text.contains("leadership") && checked.text.contains("--lease-renew-deadline"), "{checked:?}");
}

#[test]
fn a_fatal_error_is_told_whatever_the_filter_of_the_log() {
    for filter in ["off", "kube=debug", "error"] {
        let silent =
            [("CUSTOMIMAGE_LOG", filter), ("KUBECONFIG", "/no/such/file"), ("CUSTOMIMAGE_LISTEN", "127.0.0.1:0")];
        let answer = answer(&["run"], &silent);
        assert!(answer.code == 1 && answer.stderr.matches("cannot reach the API server").count() == 1, "{answer:?}");
    }
}

#[test]
fn the_exit_code_says_which_kind_of_error_it_is() {
    run(async {
        let simulator = Simulator::start(world(REGION)).await;
        for (fault, code) in [
            (error(403, "UnauthorizedOperation", "no"), 6),
            (error(400, "ExpiredToken", "expired"), 3),
            (error(503, "RequestLimitExceeded", "slow down"), 5),
            (error(500, "InternalError", "oh"), 1),
        ] {
            simulator.fault(Fault::new("ec2", "DescribeImages", fault));
            for arguments in
                [&["describe", "-i", "hpc"][..], &["list"], &["list", "-o", "json"], &["logs", "-i", "hpc"]]
            {
                let mut command = program(&simulator.endpoint());
                command.args(arguments).args(["--region", REGION, "--aws-max-attempts", "1"]);
                let answer = finish(command).await;
                assert_eq!(answer.code, code, "{arguments:?}: {answer:?}");
            }
            simulator.clear_faults();
        }
        assert_eq!(describe(&simulator.endpoint(), "hpc", REGION).await.code, 4, "no image");
        simulator.fault(Fault::new("cloudformation", "DescribeStackEvents", FaultKind::Throttle));
        let mut events = program(&simulator.endpoint());
        events.args(["events", "-i", "hpc", "--region", REGION, "--aws-max-attempts", "1"]);
        assert_eq!(finish(events).await.code, 5, "it does not wait when it does not follow");
    });
}

#[test]
fn a_list_is_printed_in_the_formats_of_kubectl() {
    run(async {
        let mut world = world(REGION);
        world.images.push(image("hpc-1", REGION));
        world.images.push(image("hpc-2", REGION));
        world.images.push(image("-o yaml", REGION));
        world.stacks.push(stack("hpc-2", REGION, "CREATE_FAILED"));
        let simulator = Simulator::start(world).await;
        let list = async |arguments: &[&str]| {
            let mut command = program(&simulator.endpoint());
            command.args(["list", "--region", REGION]).args(arguments);
            let answer = finish(command).await;
            assert_eq!(answer.code, 0, "{answer:?}");
            answer
        };
        let names = list(&["-o", "name"]).await;
        assert_eq!(names.text, "hpc-1\nhpc-2\n");
        assert!(names.stderr.contains("left out, because it is not an image id: -o yaml"), "{names:?}");
        let table = list(&[]).await.text;
        assert!(table.starts_with("IMAGE-ID   STATUS"), "{table}");
        assert!(table.contains("AMI-STATE") && table.contains(" AVAILABLE "), "{table}");
        let rows = list(&["--no-headers"]).await.text;
        assert!(rows.contains("\nhpc-1 ") && rows.lines().count() == 4, "{rows}");
        let wide = list(&["-o", "wide"]).await.text;
        assert!(wide.contains("REGION") && wide.contains(":stack/hpc-2/"), "{wide}");
        let (json, yaml) = (list(&["-o", "json"]).await.body, list(&["-o", "yaml"]).await.text);
        assert_eq!(serde_saphyr::from_str::<serde_json::Value>(&yaml).unwrap(), json);
    });
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
    assert_eq!([id.code, region.code, none.code], [2, 2, 2]);
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
        assert_eq!((refused.code, refused.stderr.lines().count()), (6, 1), "{refused:?}");
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
        assert!(answer.code == 6 && answer.text.is_ascii() && !answer.text.contains('\u{1b}'), "{answer:?}");
        assert!(answer.body["message"].as_str().unwrap().contains("\u{202e}gpj"), "the value is the same: {answer:?}");
        line_with(&answer.text, "message");
    });
}
