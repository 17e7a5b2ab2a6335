//! Which way a call takes.

use std::fmt;
use std::sync::Arc;

use super::*;
use crate::api::{Directory, Reason, ServiceName};

fn with_instances(sidecar: SocketAddr, instances: &[SocketAddr]) -> Settings {
    let identity = "identity".parse().expect("a name");
    Settings {
        instances: [(identity, instances.to_vec())].into(),
        ..settings(sidecar)
    }
}

#[tokio::test]
async fn the_sidecar_comes_first() {
    let (sidecar, instance) = (Hostile::acting([Act::ok()]), Hostile::acting([Act::ok()]));
    let api = api(&with_instances(sidecar.address, &[instance.address]));
    api.get("service://identity/teams/7?a=b")
        .await
        .expect("an answer");
    let seen = &sidecar.seen()[0];
    assert_eq!(seen.line, "GET /teams/7?a=b HTTP/1.1");
    assert_eq!(seen.header("x-service"), "identity");
    assert_eq!(seen.header("host"), "identity");
    assert_eq!(instance.connections(), 0);
}

#[tokio::test]
async fn where_nobody_listens_it_goes_straight_to_an_instance_with_any_method() {
    let nobody = Refused::new();
    let instance = Hostile::acting([Act::ok()]);
    let api = api(&Settings {
        retries: 0,
        ..with_instances(nobody.address(), &[instance.address])
    });
    for call in [
        api.get("service://identity/"),
        api.post("service://identity/"),
    ] {
        let answer = call.await.expect("an answer");
        assert_eq!(answer.attempt(), 1, "nothing was sent, so it is the first");
    }
    let seen = instance.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].header("x-service"), "identity");
    assert_eq!(seen[0].header("x-attempt"), "1");
}

#[tokio::test]
async fn instances_are_taken_in_turn_and_those_that_are_gone_are_stepped_over() {
    let (nobody, gone) = (Refused::new(), Refused::new());
    let (one, two) = (Hostile::acting([Act::ok()]), Hostile::acting([Act::ok()]));
    let instances = [one.address, gone.address(), two.address];
    let api = api(&with_instances(nobody.address(), &instances));
    for _ in 0..30 {
        api.post("service://identity/").await.expect("an answer");
    }
    assert!(one.seen().len() >= 10 && two.seen().len() >= 10);
    assert_eq!(one.seen().len() + two.seen().len(), 30);
}

#[tokio::test]
async fn a_sidecar_that_came_back_is_used_again() {
    let nobody = Refused::new();
    let address = nobody.address();
    let instance = Hostile::acting([Act::ok()]);
    let api = api(&with_instances(address, &[instance.address]));
    api.get("service://identity/").await.expect("an answer");
    drop(nobody);
    let sidecar = Hostile::at(address);
    let begun = tokio::time::Instant::now();
    while sidecar.seen().is_empty() {
        assert!(begun.elapsed() < LONG, "it never looked");
        api.get("service://identity/").await.expect("an answer");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_sidecar_that_was_away_is_left_out_for_a_moment() {
    // Of `api::transport`. On a busy machine it may pass before the second call is made.
    let moment = Duration::from_millis(100);
    for _ in 0..50 {
        let nobody = Refused::new();
        let address = nobody.address();
        let instance = Hostile::acting([Act::ok()]);
        let api = api(&with_instances(address, &[instance.address]));
        let begun = tokio::time::Instant::now();
        api.get("service://identity/").await.expect("an answer");
        drop(nobody);
        let sidecar = Hostile::at(address);
        api.get("service://identity/").await.expect("an answer");
        if begun.elapsed() < moment {
            assert_eq!((sidecar.seen().len(), instance.seen().len()), (0, 2));
            return;
        }
    }
    panic!("two calls always took longer than the moment");
}

#[tokio::test]
async fn a_sidecar_that_answers_is_believed() {
    let sidecar = Hostile::acting([Act::answer("404 Not Found", "", "")]);
    let instance = Hostile::acting([Act::ok()]);
    let api = api(&with_instances(sidecar.address, &[instance.address]));
    let answer = api.get("service://identity/").await.expect("an answer");
    assert_eq!(answer.status(), 404);
    assert_eq!(instance.connections(), 0);
}

#[tokio::test]
async fn nobody_anywhere_is_an_error_of_its_own() {
    let nobody = Refused::new();
    let call = api(&settings(nobody.address())).post("service://identity/");
    let error = call.send().await.expect_err("nobody there");
    assert!(matches!(error.reason(), Reason::Refused));
    assert_eq!(
        error.to_string(),
        "identity, attempt 7: nobody listens there"
    );
}

#[tokio::test]
async fn a_name_is_never_looked_up() {
    // Were it, this one would be found.
    let nobody = Refused::new();
    let port = nobody.address().port();
    for url in [
        "service://localhost/".to_owned(),
        format!("service://localhost:{port}/"),
    ] {
        let api = api(&Settings {
            retries: 0,
            ..settings(nobody.address())
        });
        let error = api.get(url).await.expect_err("nobody there");
        assert!(matches!(error.reason(), Reason::Refused | Reason::Url(_)));
    }
}

#[tokio::test]
async fn plain_urls_go_where_they_say() {
    let (sidecar, other) = (Hostile::acting([Act::ok()]), Hostile::acting([Act::ok()]));
    let address = other.address;
    let call = api_to(&sidecar).get(format!("http://localhost:{}/a?b", address.port()));
    call.header("x-service", "billing")
        .await
        .expect("an answer");
    let seen = &other.seen()[0];
    assert_eq!(seen.line, "GET /a?b HTTP/1.1");
    assert_eq!(seen.header("host"), format!("localhost:{}", address.port()));
    assert!(seen.headers("x-service").is_empty());
    assert!(sidecar.seen().is_empty());
}

#[tokio::test]
async fn https_is_spoken_before_anything_is_said() {
    let server = Hostile::acting([Act::CloseUnread]);
    let api = api(&Settings {
        retries: 1,
        ..settings(server.address)
    });
    let call = api.post(format!("https://{}/secret", server.address));
    let error = call.send().await.expect_err("no TLS there");
    assert!(matches!(error.reason(), Reason::Connect(_)), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_directory_of_ones_own() {
    struct One(SocketAddr);
    impl fmt::Debug for One {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }
    impl Directory for One {
        fn instances(&self, service: &ServiceName) -> Vec<SocketAddr> {
            assert_eq!(service.as_str(), "identity");
            vec![self.0]
        }
    }
    let (nobody, instance) = (Refused::new(), Hostile::acting([Act::ok()]));
    let directory = Arc::new(One(instance.address));
    let api = Api::with_directory(&Realm::default(), &settings(nobody.address()), directory);
    api.get("service://identity/").await.expect("an answer");
    assert_eq!(instance.seen().len(), 1);
}
