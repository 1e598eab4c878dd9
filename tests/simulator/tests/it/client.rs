//! A small HTTP client whose requests have an SDK's credential scope, and test data.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use simulator::{ClockMode, ClockSetting, Image, Simulator, Tag};
use tokio::net::TcpStream;

/// A client with one keep-alive connection.
pub struct Client {
    pub connection: SendRequest<Full<Bytes>>,
    pub host: String,
}

impl Client {
    pub async fn new(simulator: &Simulator) -> Self {
        let host = simulator.endpoint().replace("http://", "");
        let stream = TcpStream::connect(&host).await.unwrap();
        let (connection, driver) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        Self { connection, host }
    }

    pub async fn ask(&mut self, service: &str, form: &str) -> (u16, String) {
        self.send(service, "AKIA111122223333X", ("content-type", "application/x-www-form-urlencoded"), form).await
    }

    /// Asks CloudWatch Logs, as the account in the access key.
    pub async fn logs(&mut self, access_key: &str, operation: &str, input: &Value) -> (u16, Value) {
        let target = format!("Logs_20140328.{operation}");
        let (status, body) = self.send("logs", access_key, ("x-amz-target", &target), &input.to_string()).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn send(&mut self, service: &str, access_key: &str, header: (&str, &str), body: &str) -> (u16, String) {
        let scope = format!("Credential={access_key}/20250101/us-east-1/{service}/aws4_request");
        let request = hyper::Request::post("/")
            .header("host", &self.host)
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
            .header(header.0, header.1)
            .body(Full::from(body.to_owned()))
            .unwrap();
        let reply = self.connection.send_request(request).await.unwrap();
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn describe_images(&mut self, parameters: &str) -> (u16, String) {
        let form = format!("Action=DescribeImages&Version=2016-11-15{parameters}");
        self.ask("ec2", &form).await
    }
}

pub fn image(number: usize) -> Image {
    Image {
        ami_id: format!("ami-{number:08x}"),
        tags: vec![
            Tag::new("parallelcluster:image_id", format!("image-{number}")),
            Tag::new("parallelcluster:build_status", "available"),
        ],
        ..Image::default()
    }
}

pub fn manual() -> ClockSetting {
    ClockSetting { mode: ClockMode::Manual, ..ClockSetting::default() }
}

pub fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}
