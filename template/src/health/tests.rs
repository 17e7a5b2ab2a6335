//! The machinery, with checks of the tests' own.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const LIMITS: config::Health = config::Health {
    timeout: Duration::from_millis(100),
    cache: Duration::from_hours(1),
    failure_cache: Duration::ZERO,
};

fn report(checks: Checks<()>) -> Report {
    run(async { Health::new(checks, LIMITS).report(&()).await })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(future)
}

async fn good((): ()) -> Verdict {
    Ok(())
}

async fn slow((): ()) -> Verdict {
    tokio::time::sleep(Duration::from_millis(60)).await;
    Ok(())
}

#[test]
fn without_checks_it_is_ready() {
    let report = report(Checks::none().done());
    assert!(report.is_ready());
    assert_eq!(
        serde_json::to_string(&report).unwrap(),
        r#"{"status":"ready","checks":[]}"#
    );
}

#[test]
fn all_failures_are_reported_whatever_they_are() {
    let bad = async |()| Err("gone".to_owned());
    let hanging = async |()| std::future::pending::<Verdict>().await;
    let panicking = async |()| -> Verdict { panic!("on purpose") };
    let checks = Checks::none()
        .and("good", good)
        .and("bad", move |()| bad(()))
        .and("hanging", move |()| hanging(()))
        .and("panicking", move |()| panicking(()))
        .done();
    let report = report(checks);
    assert!(!report.is_ready());
    let said = report.checks.iter();
    let said = said.map(|check| (check.name, check.outcome, check.detail.as_deref()));
    let expected = [
        ("good", Outcome::Passed, None),
        ("bad", Outcome::Failed, Some("gone")),
        ("hanging", Outcome::Failed, Some("no answer within 0.1 s")),
        ("panicking", Outcome::Failed, Some("the check panicked")),
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert!(report.checks[2].ms >= 100.0);
}

#[test]
fn checks_run_at_the_same_time() {
    let checks = ["a", "b", "c", "d"].into_iter();
    let report = report(checks.fold(Checks::none(), |all, name| all.and(name, slow)));
    assert!(report.is_ready(), "{report:?}");
}

#[test]
fn a_good_result_is_believed_and_a_bad_one_is_not() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let third_is_good = async |()| match RUNS.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err("not yet".to_owned()),
        _ => Ok(()),
    };
    let health = Health::new(
        Checks::none().and("late", move |()| third_is_good(())),
        LIMITS,
    );
    let ready = run(async {
        let mut ready = Vec::new();
        for _ in 0..5 {
            ready.push(health.report(&()).await.is_ready());
        }
        ready
    });
    assert_eq!(ready, [false, false, true, true, true]);
    assert_eq!(RUNS.load(Ordering::Relaxed), 3);
}

#[test]
fn however_many_ask_each_check_runs_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let counted = async |()| {
        RUNS.fetch_add(1, Ordering::Relaxed);
        slow(()).await
    };
    let health = Health::new(Checks::none().and("counted", move |()| counted(())), LIMITS);
    let reports = run(join_all((0..10).map(|_| health.report(&()))));
    assert!(reports.iter().all(Report::is_ready));
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}
