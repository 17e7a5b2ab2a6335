//! Teams in this process's memory: gone with it, and other instances know others.

use std::collections::BTreeMap;

use tokio::sync::RwLock;

use super::Team;
use crate::App;
use crate::http::Problem;

static TEAMS: RwLock<BTreeMap<i64, Team>> = RwLock::const_new(BTreeMap::new());

/// The team with this number.
pub async fn find(_: &App, id: i64) -> Result<Option<Team>, Problem> {
    Ok(TEAMS.read().await.get(&id).cloned())
}

/// Keeps the team; whether it is a new one.
pub async fn save(_: &App, team: &Team) -> Result<bool, Problem> {
    let old = TEAMS.write().await.insert(team.id, team.clone());
    Ok(old.is_none())
}
