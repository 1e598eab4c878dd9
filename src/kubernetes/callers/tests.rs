use super::*;
use http::{Request, Response};
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::Ipv4Addr;

/// What the API server answers, and the bodies of the questions.
#[derive(Clone, Default)]
struct ApiServer {
    status: Arc<Mutex<Value>>,
    code: Arc<Mutex<u16>>,
    asked: Arc<Mutex<Vec<Value>>>,
    /// The only name of an image for which a right is given.
    named: Arc<Mutex<Option<String>>>,
}

impl ApiServer {
    /// One that answers so, and what asks it.
    fn that_answers(code: u16, status: Value) -> (Self, Callers) {
        let server = Self::default();
        server.answers(code, status);
        let callers = server.callers();
        (server, callers)
    }

    /// One that knows the token of jane, what asks it, and who it says she is.
    async fn that_knows_jane() -> (Self, Callers, Arc<Caller>) {
        let (server, callers) = Self::that_answers(201, jane());
        let caller = callers.authenticate("token", Audience::Interface, PEER).await.unwrap();
        (server, callers, caller)
    }

    fn answers(&self, code: u16, status: Value) {
        *self.code.lock() = code;
        *self.status.lock() = status;
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut *self.asked.lock()).len()
    }

    fn callers(&self) -> Callers {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let body = request.into_body().collect_bytes().await.unwrap();
                let mut review: Value = serde_json::from_slice(&body).unwrap();
                server.asked.lock().push(review.clone());
                tokio::time::sleep(Duration::from_millis(50)).await;
                review["status"] = server.status.lock().clone();
                if let Some(named) = server.named.lock().as_deref()
                    && review["spec"]["resourceAttributes"]["name"] != named
                {
                    review["status"] = json!({"allowed": false});
                }
                let body = Body::from(serde_json::to_vec(&review).unwrap());
                Ok::<_, Infallible>(Response::builder().status(*server.code.lock()).body(body).unwrap())
            }
        });
        Callers::new(Client::new(service, "default"), "us".into(), &mut Registry::default()).unwrap()
    }
}

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn jane() -> Value {
    json!({"authenticated": true, "audiences": ["us"], "user": {"username": "jane", "groups": ["hpc"]}})
}

fn describe(name: &str) -> Right {
    Right::Images { verb: "get", subresource: None, namespace: "hpc".into(), name: Some(name.into()) }
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_is_asked_once_in_five_minutes_by_however_many_at_once() {
    let (server, callers) = ApiServer::that_answers(201, jane());
    let many = (0..1000).map(|_| callers.authenticate("token", Audience::Interface, PEER));
    assert!(futures::future::join_all(many).await.iter().all(Result::is_ok));
    assert_eq!(server.asked(), 1);
    let caller = callers.authenticate("token", Audience::Interface, PEER).await.unwrap();
    server.answers(201, json!({"allowed": true}));
    let right = describe("a");
    let many = (0..1000).map(|_| callers.authorize(&caller, &right));
    assert!(futures::future::join_all(many).await.iter().all(Result::is_ok));
    assert_eq!(server.asked(), 1);
    seconds(299).await;
    callers.authorize(&caller, &describe("a")).await.unwrap();
    assert_eq!(server.asked(), 0);
    seconds(2).await;
    callers.authorize(&caller, &describe("a")).await.unwrap();
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_asked_again_after_ten_seconds() {
    let (server, callers, caller) = ApiServer::that_knows_jane().await;
    server.answers(201, json!({"allowed": false}));
    for _ in 0..3 {
        assert_eq!(callers.authorize(&caller, &describe("a")).await, Err(Refusal::Forbidden));
    }
    assert_eq!(server.asked(), 3, "the token, and the right to all images and to this one");
    seconds(11).await;
    server.answers(201, json!({"allowed": true}));
    assert_eq!(callers.authorize(&caller, &describe("a")).await, Ok(()));
    assert_eq!(callers.authorize(&caller, &describe("b")).await, Ok(()));
    assert_eq!(server.asked(), 1, "who may read all images is asked about once");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_again_when_it_ends() {
    use base64::Engine as _;
    let (server, callers) = ApiServer::that_answers(201, jane());
    let claims = format!(r#"{{"exp": {}}}"#, jiff::Timestamp::now().as_second() + 30);
    let token = format!("e30.{}.sig", base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(claims));
    callers.authenticate(&token, Audience::Interface, PEER).await.unwrap();
    seconds(31).await;
    server.answers(201, json!({"authenticated": false, "error": "the token has expired"}));
    let refused = callers.authenticate(&token, Audience::Interface, PEER).await;
    assert_eq!(refused, Err(Refusal::Unauthenticated("the token has expired".into())));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_allows_nothing_new() {
    let (server, callers, caller) = ApiServer::that_knows_jane().await;
    server.answers(500, json!({}));
    assert!(matches!(callers.authenticate("other", Audience::Interface, PEER).await, Err(Refusal::Unavailable(_))));
    assert!(matches!(callers.authorize(&caller, &describe("a")).await, Err(Refusal::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn a_token_for_the_api_server_is_not_one_for_the_interface() {
    let status = json!({"authenticated": true, "audiences": ["cluster"], "user": {"username": "prometheus"}});
    let (server, callers) = ApiServer::that_answers(201, status);
    assert!(callers.authenticate("token", Audience::ApiServer, PEER).await.is_ok());
    assert!(matches!(callers.authenticate("token", Audience::Interface, PEER).await, Err(Refusal::Unauthenticated(_))));
    let asked = server.asked.lock().clone();
    assert_eq!(asked[0]["spec"].get("audiences"), None);
    assert_eq!(asked[1]["spec"]["audiences"], json!(["us"]));
}

#[tokio::test(start_paused = true)]
async fn one_address_with_many_unknown_tokens_does_not_keep_out_the_others() {
    let (server, callers) = ApiServer::that_answers(201, json!({"authenticated": false}));
    let flood = (0..1000).map(|n| {
        let callers = &callers;
        async move { callers.authenticate(&format!("token-{n}"), Audience::Interface, PEER).await }
    });
    let refused = futures::future::join_all(flood).await;
    assert!(refused.iter().filter(|refused| **refused == Err(Refusal::Busy)).count() >= 890);
    server.answers(201, jane());
    assert!(callers.authenticate("jane", Audience::Interface, [10, 0, 0, 1].into()).await.is_ok());
    assert!(server.asked() <= 110);
    seconds(1).await;
    assert!(callers.authenticate("token-999", Audience::Interface, PEER).await.is_ok(), "it was not remembered");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_loses_a_group_loses_its_rights_with_the_next_review_of_the_token() {
    let (server, callers, caller) = ApiServer::that_knows_jane().await;
    seconds(299).await;
    server.answers(201, json!({"allowed": true}));
    callers.authorize(&caller, &describe("a")).await.unwrap();
    seconds(2).await;
    server.answers(201, json!({"authenticated": true, "audiences": ["us"], "user": {"username": "jane"}}));
    let caller = callers.authenticate("token", Audience::Interface, PEER).await.unwrap();
    server.answers(201, json!({"allowed": false}));
    assert_eq!(callers.authorize(&caller, &describe("a")).await, Err(Refusal::Forbidden));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_repeats_the_token_is_told_without_it() {
    let (_, callers) = ApiServer::that_answers(400, json!({"message": "cannot read my-secret-token"}));
    match callers.authenticate("my-secret-token", Audience::Interface, PEER).await {
        Err(Refusal::Unavailable(words)) => assert!(!words.contains("my-secret-token"), "{words}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_repeats_the_token_is_told_without_it() {
    let words = json!({"authenticated": false, "error": "the webhook does not know my-secret-token"});
    let (_, callers) = ApiServer::that_answers(201, words);
    let refusal = callers.authenticate("my-secret-token", Audience::Interface, PEER).await;
    assert_eq!(refusal.err(), Some(Refusal::Unauthenticated("the webhook does not know …".into())));
}

#[tokio::test(start_paused = true)]
async fn who_may_read_one_image_is_asked_about_for_each() {
    let (server, callers, caller) = ApiServer::that_knows_jane().await;
    *server.named.lock() = Some("mine".to_owned());
    server.answers(201, json!({"allowed": true}));
    assert_eq!(callers.authorize(&caller, &describe("mine")).await, Ok(()));
    assert_eq!(callers.authorize(&caller, &describe("other")).await, Err(Refusal::Forbidden));
    assert_eq!(callers.authorize(&caller, &describe("mine")).await, Ok(()));
}
