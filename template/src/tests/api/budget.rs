//! Retries in the large: enough of them for a service that fails now and then, hardly any
//! for one that fails altogether.

use futures_util::future::join_all;

use super::*;
use crate::api::{Error, Response};

/// `count` idempotent calls, 32 at a time.
async fn calls(api: &Api, count: usize) -> Vec<Result<Response, Error>> {
    api.all((0..count).map(|_| api.get("service://hostile/")))
        .await
}

fn answered(results: &[Result<Response, Error>]) -> usize {
    let answered = |result: &&Result<Response, Error>| {
        let answer = result.as_ref().ok();
        answer.is_some_and(|answer| answer.status().is_success())
    };
    results.iter().filter(answered).count()
}

/// The same numbers at each run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test]
async fn a_dead_service_gets_a_fifth_on_top_and_no_more() {
    let acts = [
        Act::answer("503 Down", "", ""),
        Act::Reset,
        Act::SayAndClose(String::new()),
    ];
    let attempts = acts.map(async |act| {
        let server = Hostile::acting([act]);
        let api = api(&Settings {
            retries: 2,
            ..settings(server.address)
        });
        assert_eq!(answered(&calls(&api, 1000).await), 0);
        server.seen().len()
    });
    for attempts in join_all(attempts).await {
        assert!(
            (1100..=1200).contains(&attempts),
            "{attempts} for 1000 calls"
        );
    }
}

#[tokio::test]
async fn few_calls_to_a_dead_service_get_the_floor() {
    let server = Hostile::acting([Act::Reset]);
    calls(&api_to(&server), 10).await;
    assert_eq!(server.seen().len(), 10 + 10);
}

/// Of attempts of which three in ten fail, no fewer than 0.999 ÷ 0.7 = 1.43 for each call
/// can answer 99.9 %. They are paid for by the answers they bring: in vain are three in
/// ten of the 0.43, and for those the fifth is enough.
#[tokio::test]
async fn with_three_attempts_in_ten_failing_all_but_one_in_a_thousand_calls_succeed() {
    let mut seeded = Seeded(0x2545_f491_4f6c_dd1d);
    let server = Hostile::choosing(move || match seeded.below(10) {
        0 => Act::Reset,
        1 => Act::answer("503 Busy", "", ""),
        2 => Act::SayAndClose("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour".to_owned()),
        _ => Act::ok(),
    });
    let results = calls(&api_to(&server), 5000).await;
    let answered = answered(&results);
    assert!(answered >= 4995, "{answered} of 5000");
    let attempts = server.seen().len();
    let in_vain = attempts - 5000 - results.iter().filter(|result| retried(result)).count();
    assert!(in_vain <= 1000, "{in_vain} retries in vain for 5000 calls");
    assert!((6900..7400).contains(&attempts), "{attempts} attempts");
}

/// Whether a retry brought the answer.
fn retried(result: &Result<Response, Error>) -> bool {
    let answer = result
        .as_ref()
        .ok()
        .filter(|answer| answer.status().is_success());
    answer.is_some_and(|answer| answer.attempt() > 1)
}

/// Where nothing arrives there is no load: the promise of a fifth holds to the letter.
#[tokio::test]
async fn refused_connections_cost_nothing() {
    let (nobody, gone) = (Refused::new(), Refused::new());
    let server = Hostile::acting([Act::ok()]);
    let hostile = "hostile".parse().expect("a name");
    let api = api(&Settings {
        instances: [(
            hostile,
            vec![gone.address(), server.address, gone.address()],
        )]
        .into(),
        ..settings(nobody.address())
    });
    assert_eq!(answered(&calls(&api, 1000).await), 1000);
    assert_eq!(server.seen().len(), 1000);
}
