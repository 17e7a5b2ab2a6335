//! Whatever a problem is made of, it is one for whoever reads it, and tells nothing that
//! is none of their business.

use std::{fmt, io};

use axum::body::Body;
use serde_json::Value;

use super::*;
use crate::tests::random::Random;

const TIMES: usize = 2000;

/// The problem, as it was sent.
async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE);
    assert_eq!(kind.unwrap(), "application/problem+json");
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["status"], status);
    assert!(value["title"].is_string(), "{value}");
    (status, value)
}

#[tokio::test]
async fn any_text_arrives_as_it_is() {
    let mut random = Random::new();
    for _ in 0..TIMES {
        let (detail, pointer) = (random.any_text(), random.any_text());
        let code = 400 + u16::try_from(random.below(600)).unwrap();
        let problem = Problem {
            errors: vec![Invalid::at(&pointer, &detail)],
            ..Problem::new(StatusCode::from_u16(code).unwrap(), &detail)
        };
        let (status, value) = read(problem.retry_after(1).into_response()).await;
        assert_eq!(status, code);
        assert_eq!(value["detail"], detail);
        let errors = serde_json::json!([{ "pointer": pointer, "detail": detail }]);
        assert_eq!(value["errors"], errors);
    }
}

/// An error with another one inside.
#[derive(Debug)]
struct Failure(String, io::Error);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.1)
    }
}

#[tokio::test]
async fn no_error_of_ours_is_told() {
    let mut random = Random::new();
    let internal = read(Problem::failed().into_response()).await;
    for _ in 0..TIMES {
        let inner = io::Error::other(random.any_text());
        let error = Failure(random.any_text(), inner);
        let answer = Problem::internal(&error).into_response();
        assert_eq!(read(answer).await, internal);
        let (status, value) = read(Problem::unavailable(&error).into_response()).await;
        let detail = "something that this service needs is away, try again";
        assert_eq!((status, value["detail"].as_str()), (503, Some(detail)));
    }
}

#[tokio::test]
async fn any_refusal_becomes_a_problem_and_any_failure_keeps_its_words() {
    let mut random = Random::new();
    for _ in 0..TIMES {
        let length = random.below(30);
        let bytes: Vec<_> = (0..length)
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        let code = 400 + u16::try_from(random.below(200)).unwrap();
        let response = Response::builder()
            .status(code)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONTENT_LENGTH, length)
            .body(Body::from(bytes.clone()));
        let answer = of_refusal(response.unwrap()).await;
        assert_eq!(answer.headers().get(CONTENT_LENGTH), None);
        let (status, value) = read(answer).await;
        let expected = if code < 500 {
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            "the service failed on this request".to_owned()
        };
        assert_eq!(status, code);
        assert_eq!(value["detail"], expected);
    }
}
