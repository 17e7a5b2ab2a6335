//! Spans, as a collector would get them: see `tests/it/otel.rs` for those of requests.

use crate::otel::Span;
use crate::trace::Trace;

#[test]
fn without_an_endpoint_nothing_is_recorded() {
    assert!(!Span::begin(&Trace::fresh()).is_recorded());
}

#[cfg(feature = "api")]
mod calls {
    use std::process::Command;

    use axum::Router;
    use axum::extract::State;
    use axum::routing::get;

    use super::super::client::send;
    use super::super::collector::{Collector, spans};
    use super::super::hostile::{Act, Hostile};
    use super::super::server::Server;
    use crate::api::Error;
    use crate::{App, otel};

    const JOURNEY: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
    const CALLER: u64 = 0xb7ad_6b71_6920_3331;

    /// The exporter is one for the whole process, and other tests have requests, too.
    #[test]
    fn the_span_of_each_attempt_is_the_one_that_the_called_service_hears_of() {
        let this = std::env::current_exe().expect("the path of this test");
        let test = "tests::otel::calls::alone";
        let output = Command::new(this)
            .args(["--exact", "--ignored", test])
            .output();
        let output = output.expect("this test");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }

    #[test]
    #[ignore = "it wants a process of its own, and gets it from the test above"]
    fn alone() {
        let collector = Collector::start();
        let next = Hostile::acting([Act::answer("503 Busy", "", ""), Act::ok()]);
        let ask = async |State(app): State<App>| -> Result<String, Error> {
            let answer = app.api.get("service://next/").await?.success()?;
            Ok(answer.text().into_owned())
        };
        let server = Server::with(Router::new().route("/", get(ask)), |config| {
            config.api.sidecar = next.address;
            config.otel.endpoint = Some(collector.endpoint.clone());
        });
        {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let _inside = runtime.enter();
            otel::start(&server.app);
            let given = format!("traceparent: 00-{JOURNEY:032x}-{CALLER:016x}-01");
            assert_eq!(send(server.address, "GET /", &[&given], "").status, 200);
            let end = server.stop().join().expect("no panic");
            end.expect("a peaceful end");
        }

        let spans = spans(&collector.batch());
        let [first, second, request] = &spans[..] else {
            panic!("{spans:?}");
        };
        assert_eq!((request.trace, request.parent), (JOURNEY, Some(CALLER)));
        for (attempt, seen) in [first, second].into_iter().zip(next.seen()) {
            assert_eq!(attempt.name, "GET next");
            assert_eq!((attempt.trace, attempt.parent), (JOURNEY, Some(request.id)));
            let heard = format!("00-{JOURNEY:032x}-{:016x}-01", attempt.id);
            assert_eq!(seen.header("traceparent"), heard);
        }
        assert_ne!(first.id, second.id);
    }
}
