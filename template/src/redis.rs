//! Redis: how its connection is opened, checked and what its errors mean to callers.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{ErrorKind, RedisError, ServerErrorKind, cmd};

use crate::health::Verdict;
use crate::http::Problem;
use crate::{App, config};

/// Commands that find no connection wait for it no longer than this many attempts.
const ATTEMPTS: usize = 2;

/// The longest pause between them.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// One connection for all who clone it. It is made when the first command needs it, and
/// anew when it is lost: the command that notices fails, later ones wait for the new one.
///
/// # Panics
/// Outside a tokio runtime.
pub fn open(settings: &config::Redis) -> ConnectionManager {
    let limits = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(settings.timeout))
        .set_response_timeout(Some(settings.timeout))
        .set_number_of_retries(ATTEMPTS - 1)
        .set_max_delay(LONGEST_PAUSE);
    ConnectionManager::new_lazy_with_config(settings.url.client(), limits)
        .expect("no subscriptions are asked for")
}

/// Asks Redis for a sign of life.
///
/// # Errors
/// What the connection says.
pub async fn check(app: App) -> Verdict {
    let mut connection = app.redis.clone();
    let answer = cmd("PING").query_async::<()>(&mut connection).await;
    answer.map_err(|error| error.to_string())
}

/// Callers learn whether to try again, the log learns why.
impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        if is_away(&error) {
            Self::unavailable(&error)
        } else {
            Self::internal(&error)
        }
    }
}

/// Whether the same may work in a moment: there is no connection or no answer in time, or
/// Redis says that it is starting or changing places.
fn is_away(error: &RedisError) -> bool {
    use ServerErrorKind as S;

    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Server(S::BusyLoading | S::ClusterDown | S::MasterDown | S::TryAgain)
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let server = |kind| RedisError::from((ErrorKind::Server(kind), "it says so"));
        for away in [
            io::Error::from(io::ErrorKind::ConnectionRefused).into(),
            io::Error::from(io::ErrorKind::UnexpectedEof).into(),
            io::Error::from(io::ErrorKind::TimedOut).into(),
            server(ServerErrorKind::BusyLoading),
            server(ServerErrorKind::MasterDown),
        ] {
            assert!(is_away(&away), "{away}");
        }
        for broken in [
            server(ServerErrorKind::ResponseError),
            server(ServerErrorKind::NoPerm),
            (ErrorKind::AuthenticationFailed, "wrong password").into(),
            (ErrorKind::UnexpectedReturnType, "no number").into(),
        ] {
            assert!(!is_away(&broken), "{broken}");
        }
    }
}
