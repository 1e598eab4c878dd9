//! Tests of CloudWatch Logs over HTTP.

use serde_json::{Value, json};
use simulator::{Answers, Fault, FaultKind, Limit, LogEvent, LogGroup, LogStream, Millis, Simulator, World};

use crate::client::{Client, manual};

const KEY: &str = "AKIA111122223333X";
const OTHER_KEY: &str = "AKIA444455556666X";
const ARN: &str = "arn:aws:logs:us-east-1:111122223333:log-group:/g";

fn group(streams: &[(&str, &[u64])]) -> LogGroup {
    let event = |time: &u64| LogEvent::new(Millis(*time), format!("line {time}"));
    let stream = |(name, times): &(&str, &[u64])| LogStream {
        name: (*name).into(),
        events: times.iter().map(event).collect(),
        ..LogStream::default()
    };
    LogGroup { name: "/g".into(), streams: streams.iter().map(stream).collect(), ..LogGroup::default() }
}

async fn simulated(streams: &[(&str, &[u64])], answers: Answers) -> (Simulator, Client) {
    let world = World { log_groups: vec![group(streams)], answers, clock: manual(), ..World::default() };
    let simulator = Simulator::start(world).await;
    let client = Client::new(&simulator).await;
    (simulator, client)
}

fn messages(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_events_of_a_stream_are_read_by_name_and_by_arn() {
    let (simulator, mut client) = simulated(&[("s", &[20, 10])], Answers::default()).await;
    let by_name = json!({"logGroupName": "/g", "logStreamName": "s", "startFromHead": true});
    let (status, page) = client.logs(KEY, "GetLogEvents", &by_name).await;
    assert_eq!((status, messages(&page)), (200, vec!["line 10", "line 20"]));
    assert_eq!(page["events"][0], json!({"timestamp": 10, "message": "line 10", "ingestionTime": 10}));
    for end in ["", ":*"] {
        let by_arn = json!({"logGroupIdentifier": format!("{ARN}{end}"), "logStreamName": "s"});
        assert_eq!(messages(&client.logs(KEY, "GetLogEvents", &by_arn).await.1), ["line 10", "line 20"]);
    }
    assert_eq!((simulator.count("logs", "GetLogEvents"), simulator.writes()), (3, 0));
    assert_eq!(simulator.calls()[0].subject, "/g:s");
}

#[tokio::test]
async fn the_token_forward_repeats_at_the_end_and_finds_what_comes_later() {
    let answers = Answers { log_event_page_size: 2, ..Answers::default() };
    let (simulator, mut client) = simulated(&[("s", &[10, 20, 30])], answers).await;
    let mut ask = json!({"logGroupName": "/g", "logStreamName": "s", "startFromHead": true});
    let mut read = Vec::new();
    for _ in 0..3 {
        let page = client.logs(KEY, "GetLogEvents", &ask).await.1;
        read.extend(messages(&page).into_iter().map(str::to_owned));
        ask["nextToken"] = page["nextForwardToken"].clone();
    }
    assert_eq!(read, ["line 10", "line 20", "line 30"]);
    let end = client.logs(KEY, "GetLogEvents", &ask).await.1;
    assert_eq!((messages(&end), &end["nextForwardToken"]), (vec![], &ask["nextToken"]));
    simulator.world(|world| world.log_groups[0].stream("s").events.push(LogEvent::new(Millis(30), "late")));
    assert_eq!(messages(&client.logs(KEY, "GetLogEvents", &ask).await.1), ["late"]);
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_refused_in_awss_words() {
    let (_simulator, mut client) = simulated(&[("s", &[10])], Answers::default()).await;
    let mut refused = async |key: &str, input: Value| {
        let (status, body) = client.logs(key, "GetLogEvents", &input).await;
        assert_eq!(status, 400);
        format!("{}: {}", body["__type"].as_str().unwrap(), body["message"].as_str().unwrap())
    };
    let missing = "ResourceNotFoundException: The specified log";
    let of = |name: &str, stream: &str| json!({"logGroupName": name, "logStreamName": stream});
    assert_eq!(refused(KEY, of("/x", "s")).await, format!("{missing} group does not exist."));
    assert_eq!(refused(KEY, of("/g", "x")).await, format!("{missing} stream does not exist."));
    assert_eq!(refused(OTHER_KEY, of("/g", "s")).await, format!("{missing} group does not exist."));
    let elsewhere = ARN.replace("us-east-1", "eu-west-1");
    let by_arn = |arn: &str| json!({"logGroupIdentifier": arn, "logStreamName": "s"});
    assert_eq!(refused(KEY, by_arn(&elsewhere)).await, format!("{missing} group does not exist."));
    assert_eq!(
        refused(OTHER_KEY, by_arn(ARN)).await,
        format!(
            "AccessDeniedException: User: arn:aws:iam::444455556666:user/simulated is not authorized to perform: \
             logs:GetLogEvents on resource: {ARN}:log-stream:s because no resource-based policy allows the \
             logs:GetLogEvents action"
        )
    );
    let mut both = by_arn(ARN);
    both["logGroupName"] = "/g".into();
    assert!(refused(KEY, both).await.starts_with("InvalidParameterException: "));
    let mut wrong = of("/g", "s");
    wrong["nextToken"] = "f/1".into();
    assert_eq!(refused(KEY, wrong).await, "InvalidParameterException: The specified nextToken is invalid.");
}

#[tokio::test]
async fn streams_are_listed_by_name_by_time_and_by_prefix_in_pages() {
    let answers = Answers { log_stream_page_size: 2, ..Answers::default() };
    let (_simulator, mut client) = simulated(&[("b", &[5]), ("a/1", &[7, 9]), ("a/2", &[])], answers).await;
    let mut listed = async |more: Value| {
        let mut ask = json!({"logGroupName": "/g"});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (_, page) = client.logs(KEY, "DescribeLogStreams", &ask).await;
        let streams = page["logStreams"].as_array().unwrap();
        let names: Vec<String> = streams.iter().map(|it| it["logStreamName"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), page["nextToken"].clone(), streams.last().cloned().unwrap_or_default())
    };
    let (names, token, _) = listed(json!({})).await;
    assert_eq!(names, "a/1 a/2");
    let (names, token, stream) = listed(json!({"nextToken": token})).await;
    assert_eq!((names.as_str(), token), ("b", Value::Null));
    assert_eq!(
        (&stream["firstEventTimestamp"], &stream["lastEventTimestamp"], &stream["lastIngestionTime"]),
        (&json!(5), &json!(5), &json!(5))
    );
    assert_eq!(stream["arn"], format!("{ARN}:log-stream:b"));
    assert_eq!(listed(json!({"orderBy": "LastEventTime", "descending": true})).await.0, "a/1 b");
    assert_eq!(listed(json!({"logStreamNamePrefix": "b"})).await.0, "b");
    let empty = listed(json!({"logStreamNamePrefix": "a/2"})).await.2;
    assert!(empty.get("lastEventTimestamp").is_none() && empty.get("creationTime").is_some());
}

#[tokio::test]
async fn groups_are_listed_by_prefix_for_their_account_only() {
    let (_simulator, mut client) = simulated(&[("s", &[5])], Answers::default()).await;
    let groups = client.logs(KEY, "DescribeLogGroups", &json!({"logGroupNamePrefix": "/g"})).await.1;
    assert_eq!(groups["logGroups"][0]["logGroupName"], "/g");
    assert_eq!((&groups["logGroups"][0]["creationTime"], groups["nextToken"].as_str()), (&json!(5), None));
    let none = json!({"logGroups": []});
    assert_eq!(client.logs(KEY, "DescribeLogGroups", &json!({"logGroupNamePrefix": "/x"})).await.1, none);
    assert_eq!(client.logs(OTHER_KEY, "DescribeLogGroups", &json!({})).await.1, none);
}

#[tokio::test]
async fn faults_and_limits_apply_to_cloudwatch_logs_too() {
    let (simulator, mut client) = simulated(&[("s", &[5])], Answers::default()).await;
    let ask = json!({"logGroupName": "/g", "logStreamName": "s"});
    simulator.fault(Fault::new("logs", "GetLogEvents", FaultKind::Throttle).times(1));
    let (status, body) = client.logs(KEY, "GetLogEvents", &ask).await;
    assert_eq!((status, body["__type"].as_str()), (400, Some("ThrottlingException")));
    simulator.world(|world| world.limits.insert("logs:GetLogEvents".into(), Limit { burst: 1.0, per_second: 1.0 }));
    assert_eq!(client.logs(KEY, "GetLogEvents", &ask).await.0, 200);
    assert_eq!(client.logs(KEY, "GetLogEvents", &ask).await.1["__type"], "ThrottlingException");
    assert_eq!(client.logs("AKIAINVALID", "GetLogEvents", &ask).await.1["__type"], "UnrecognizedClientException");
    assert_eq!(client.logs("ASIAEXPIRED", "GetLogEvents", &ask).await.1["__type"], "ExpiredTokenException");
}
